package usage_test

import (
	"errors"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/usage"
)

func of(values map[dicom.Tag]string) *dicom.DataSet {
	ds := &dicom.DataSet{}
	for t, v := range values {
		ds.SetStrings(t, t.VR(), v)
	}
	return ds
}

// TestMacros: what the macros of PS3.4 require of the attributes that are there.
func TestMacros(t *testing.T) {
	for _, c := range []struct {
		table *usage.Table
		given map[dicom.Tag]string
		want  string // what is missing
	}{
		{usage.Code, map[dicom.Tag]string{dicom.CodeValue: "1", dicom.CodingSchemeDesignator: "S", dicom.CodeMeaning: "M"}, ""},
		{usage.Code, map[dicom.Tag]string{dicom.CodeValue: "1", dicom.CodingSchemeDesignator: "S", dicom.CodeMeaning: ""}, "CodeMeaning"},
		{usage.Code, map[dicom.Tag]string{dicom.CodeValue: "1", dicom.CodeMeaning: "M"}, "CodingSchemeDesignator"},
		{usage.Code, map[dicom.Tag]string{dicom.LongCodeValue: "1", dicom.CodeMeaning: "M"}, "CodingSchemeDesignator"},
		{usage.Code, map[dicom.Tag]string{dicom.URNCodeValue: "urn:x", dicom.CodeMeaning: "M"}, ""},
		{usage.Code, map[dicom.Tag]string{dicom.CodingSchemeDesignator: "S", dicom.CodeMeaning: "M"}, "CodeValue"},
		{usage.BareCode, map[dicom.Tag]string{dicom.CodeValue: "1", dicom.CodingSchemeDesignator: "S"}, ""},
		{usage.BareCode, nil, "CodeValue"},
		{usage.Reference, map[dicom.Tag]string{dicom.ReferencedSOPClassUID: "1.2", dicom.ReferencedSOPInstanceUID: "1.2.x"}, "ReferencedSOPInstanceUID"},
		{usage.Designator, nil, "LocalNamespaceEntityID"},
		{usage.Designator, map[dicom.Tag]string{dicom.LocalNamespaceEntityID: "N"}, ""},
		{usage.Designator, map[dicom.Tag]string{dicom.UniversalEntityID: "1.2"}, "UniversalEntityIDType"},
		{usage.Designator, map[dicom.Tag]string{dicom.UniversalEntityID: "1.2", dicom.UniversalEntityIDType: "ISO"}, ""},
	} {
		var missing *usage.Missing
		path := ""
		if errors.As(c.table.Complete(of(c.given)), &missing) {
			path = missing.Path
		}
		if path != c.want {
			t.Errorf("%v lacks %q, want %q", c.given, path, c.want)
		}
	}
}

// TestComplete: items are copied and completed, and named by their numbers.
func TestComplete(t *testing.T) {
	table := &usage.Table{Rows: []usage.Row{{Tag: dicom.ReferencedSeriesSequence, Type: usage.Present, Items: &usage.Table{Rows: []usage.Row{
		{Tag: dicom.SeriesInstanceUID, Type: usage.Valued}, {Tag: dicom.SeriesDescription, Type: usage.Present},
	}}}}}
	empty := &dicom.DataSet{}
	if err := table.Complete(empty); err != nil || !empty.Has(dicom.ReferencedSeriesSequence) {
		t.Errorf("what may be empty: %v, %v", empty, err)
	}
	good, bad := of(map[dicom.Tag]string{dicom.SeriesInstanceUID: "1.2"}), of(map[dicom.Tag]string{dicom.SeriesDescription: "x"})
	ds := &dicom.DataSet{}
	ds.SetItems(dicom.ReferencedSeriesSequence, good)
	if err := table.Complete(ds); err != nil || !ds.Items(dicom.ReferencedSeriesSequence)[0].Has(dicom.SeriesDescription) || good.Len() != 1 {
		t.Errorf("completed: %v, %v; given: %v", ds, err, good)
	}
	ds.SetItems(dicom.ReferencedSeriesSequence, good, bad)
	if err := table.Complete(ds); err == nil || err.Error() != "ReferencedSeriesSequence[2].SeriesInstanceUID is required" {
		t.Errorf("the second item lacks its UID: %v", err)
	}
}
