package report

import (
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

func content(kind, name string, children ...*dicom.DataSet) *dicom.DataSet {
	var code, ds dicom.DataSet
	code.SetStrings(dicom.CodeMeaning, dicom.LO, name)
	ds.SetStrings(dicom.ValueType, dicom.CS, kind)
	ds.SetItems(dicom.ConceptNameCodeSequence, &code)
	ds.SetItems(dicom.ContentSequence, children...)
	return &ds
}

func TestReport(t *testing.T) {
	finding := content("TEXT", "Finding")
	finding.SetStrings(dicom.TextValue, dicom.UT, "<b>small</b>")
	length := content("NUM", "Length")
	var measured, unit dicom.DataSet
	unit.SetStrings(dicom.CodeValue, dicom.SH, "mm")
	measured.SetStrings(dicom.NumericValue, dicom.DS, "12.5")
	measured.SetItems(dicom.MeasurementUnitsCodeSequence, &unit)
	length.SetItems(dicom.MeasuredValueSequence, &measured)
	root, ok := Read(content("CONTAINER", "Chest", content("CONTAINER", "Lung", finding, length)))
	if !ok {
		t.Fatal("no report")
	}
	var text, html strings.Builder
	if err := root.Text(&text); err != nil {
		t.Fatal(err)
	}
	if want := "Chest\n  Lung\n    Finding: <b>small</b>\n    Length: 12.5 mm\n"; text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
	if err := root.HTML(&html); err != nil {
		t.Fatal(err)
	}
	if got := html.String(); strings.Contains(got, "<b>small") || !strings.Contains(got, "&lt;b&gt;small") || !strings.Contains(got, "12.5 mm") {
		t.Error(got)
	}
	if _, ok := Read(&dicom.DataSet{}); ok {
		t.Error("no report is one")
	}
}
