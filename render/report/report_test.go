package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/internal/golden"
)

const base = "https://pacs.example/dicom-web"

func read(t testing.TB, ds *dicom.DataSet) *Report {
	t.Helper()
	r, ok := Read(ds)
	if !ok {
		t.Fatal("no report")
	}
	return r
}

// written is a report in its three forms.
func written(t testing.TB, r *Report) map[string][]byte {
	t.Helper()
	forms := map[string][]byte{}
	for name, write := range map[string]func(io.Writer) error{
		"html": func(w io.Writer) error { return r.HTML(w, base) },
		"xml":  func(w io.Writer) error { return r.XML(w, base) },
		"txt":  r.Text,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		forms[name] = b.Bytes()
	}
	return forms
}

// Every value type, relationship and reference, and a Key Object Selection, as they were looked at in a browser.
func TestGolden(t *testing.T) {
	chest := dicomtest.Chest()
	for name, in := range map[string]dicomtest.Instance{
		"values": dicomtest.EveryValue(), "keyobjects": dicomtest.KeyObjects(), "measurements": chest[len(chest)-1],
	} {
		for form, b := range written(t, read(t, in.DataSet)) {
			golden.Bytes(t, name+"."+form, b)
		}
	}
}

// What the golden files must have, so that a careless look does not let it go.
func TestForms(t *testing.T) {
	forms := written(t, read(t, dicomtest.EveryValue().DataSet))
	image := dicomtest.Chest()[11].DataSet.Ref()
	for form, wanted := range map[string][]string{
		"html": {"&lt;script&gt;alert", `href="` + base + image.Path() + `/rendered"`, `href="#i1.3.2"`, ">mm</span>",
			"Not a number", "VERIFIED", "READER ROBIN DR", "2026-03-02 10:15:00.25", "山田 太郎", `id="i1.3.2.2.1"`},
		"txt": {"<script>alert", "Diameter (81827009, SCT): 12.5 mm", "[inferred from] Image Region (111030, DCM): ELLIPSE 10 20, 30.5 20",
			"item 1.3.2 Diameter", "Count (408711004, SCT): 3\n", "frames 2, 3, segment 1", "SEGMENT 0.5, 1.25 s", "channels 1, 2"},
		"xml": {"&lt;script&gt;alert", `<concept value="81827009" scheme="SCT">Diameter</concept>`, `<point>10 20</point>`,
			`<unit value="mm" scheme="UCUM">millimeter</unit>`, `relationship="INFERRED FROM"`, `target="1.3.2"`,
			`href="` + base + image.Path() + `/rendered"`, `frames="2 3"`, `continuity="CONTINUOUS"`},
	} {
		for _, want := range wanted {
			if !bytes.Contains(forms[form], []byte(want)) {
				t.Errorf("the %s has no %q", form, want)
			}
		}
	}
	if bytes.Contains(forms["html"], []byte("<script")) {
		t.Error("a text became a script")
	}
	for d := xml.NewDecoder(bytes.NewReader(forms["xml"])); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal("the XML is not well-formed: ", err)
		}
	}
}

func TestRead(t *testing.T) {
	if _, ok := Read(&dicom.DataSet{}); ok {
		t.Error("an empty data set is no report")
	}
	leaf := &dicom.DataSet{}
	leaf.SetStrings(dicom.ValueType, dicom.CS, "TEXT")
	leaf.SetStrings(dicom.TextValue, dicom.UT, "control \x01 and \x00")
	deep := leaf
	for range 100 {
		above := &dicom.DataSet{}
		above.SetStrings(dicom.ValueType, dicom.CS, "CONTAINER")
		above.SetItems(dicom.ContentSequence, deep)
		deep = above
	}
	forms := written(t, read(t, deep))
	for form, b := range forms {
		if !bytes.Contains(b, []byte("not shown")) {
			t.Errorf("the %s does not say that it is cut", form)
		}
	}
	if title := read(t, deep).Title(); title != "Report" {
		t.Errorf("title %q", title)
	}
	shallow := &dicom.DataSet{}
	shallow.SetStrings(dicom.ValueType, dicom.CS, "CONTAINER")
	shallow.SetItems(dicom.ContentSequence, leaf)
	if strings.ContainsAny(string(written(t, read(t, shallow))["xml"]), "\x00\x01") {
		t.Error("the XML has characters that XML cannot have")
	}
}

// A container keeps its heading inside of running text.
func TestContainerInText(t *testing.T) {
	container := func(meaning string, items ...any) *dicom.DataSet {
		return dicomtest.Item(append([]any{dicom.RelationshipType, "CONTAINS", dicom.ValueType, "CONTAINER",
			dicom.ConceptNameCodeSequence, dicomtest.Item(dicom.CodeValue, "1", dicom.CodingSchemeDesignator, "99X", dicom.CodeMeaning, meaning)}, items...)...)
	}
	text := dicomtest.Item(dicom.RelationshipType, "CONTAINS", dicom.ValueType, "TEXT", dicom.TextValue, "a sentence")
	report := container("Report", dicom.ContentSequence, container("Findings", dicom.ContinuityOfContent, "CONTINUOUS",
		dicom.ContentSequence, []*dicom.DataSet{text, container("Lung", dicom.ContentSequence, text)}))
	html := string(written(t, read(t, report))["html"])
	for _, want := range []string{">Findings</b></h2>", ">Lung</b></h2>", `<span id="i1.1.1">a sentence</span>`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in %s", want, html)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{date("20260302"), "2026-03-02"}, {date("2026.03.02"), "2026.03.02"}, {date("today"), "today"},
		{clock("081530.250000"), "08:15:30.250000"}, {clock("0815"), "08:15"}, {clock("08"), "08"}, {clock("8:15"), "8:15"}, {clock(""), ""},
		{dateTime("2026"), "2026"}, {dateTime("20260302"), "2026-03-02"}, {dateTime("20260302101530-0500"), "2026-03-02 10:15:30-0500"},
		{dateTime("202603+0100"), "202603+0100"}, {personName("A^B^^DR=山^田"), "A B DR / 山 田"}, {personName("^^"), ""},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
