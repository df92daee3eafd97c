package deidentify

import (
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// The table is complete, each row names its attribute as the dictionary does, and no tag has two.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(basicProfile) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) != 3 || seen[fields[0]] {
			t.Fatalf("%q", line)
		}
		seen[fields[0]] = true
		first := strings.ReplaceAll(fields[0], "x", "0")
		if first == "50000000" {
			first = "50003000" // any of a curve
		}
		tag, err := dicom.ParseTag(first)
		if err != nil {
			t.Fatal(err)
		}
		if a, found := dicom.Lookup(tag); found && a.Keyword != fields[2] {
			t.Errorf("%s is %s, not %s", tag, a.Keyword, fields[2])
		}
	}
	if len(seen) != 660 {
		t.Errorf("%d attributes; PS3.15 Table E.1-1 of 2026d has 660, and the private ones", len(seen))
	}
	for tag, want := range map[dicom.Tag]action{
		dicom.PatientName: zero, dicom.PatientID: dummy, dicom.StudyDate: zero, dicom.SeriesDate: dummy, dicom.PatientAge: remove,
		dicom.SOPInstanceUID: replace, dicom.SOPClassUID: keep, dicom.Rows: keep, dicom.SourceImageSequence: keep,
		0x00091001: remove, 0x00090010: remove, 0x50023000: remove, 0x60020010: remove, 0x60023000: remove, 0x0008FFF0: remove,
		dicom.PatientBirthDateInAlternativeCalendar: remove, dicom.WaveformAnnotationSequence: dummy, // of later editions than 2024b
		dicom.VolumeFrameOfReferenceUID: replace, dicom.CodingSchemeUID: keep, dicom.DocumentTitle: zero, dicom.DocumentAuthorTrial: zero,
	} {
		if got := actionOf(tag); got != want {
			t.Errorf("%s: %c, want %c", tag, got, want)
		}
	}
}

// marker is a value of each VR that has to be gone afterwards.
func marker(vr dicom.VR) dicom.Value {
	switch {
	case vr == dicom.UI:
		return dicom.Strings{"1.2.3.77777"}
	case vr == dicom.SQ:
		item := &dicom.DataSet{}
		item.SetStrings(dicom.CodeMeaning, dicom.LO, "SECRET")
		return dicom.Items{item}
	case vr.IsBinary():
		return dicom.Bulk{URI: "bulkdata/SECRET"}
	case vr.IsText(), vr == dicom.UC:
		return dicom.Strings{"SECRET"}
	}
	return nil
}

// Whatever the table names is gone, on the top level and in sequences, unless the table keeps what lies in it.
func TestNothingOfTheTableIsLeft(t *testing.T) {
	ds, item := &dicom.DataSet{}, &dicom.DataSet{}
	ds.SetStrings(dicom.Modality, dicom.CS, "CT")
	for tag, a := range table() {
		e := dicom.Element{Tag: tag, VR: tag.VR(), Value: marker(tag.VR())}
		if a != keep && tag.Group() > 2 {
			ds.Set(e)
			item.Set(e)
		}
	}
	for _, tag := range []dicom.Tag{0x00090010, 0x00091001, 0x60003000, 0x50000010} {
		item.Set(dicom.Element{Tag: tag, VR: dicom.LO, Value: dicom.Strings{"SECRET"}})
	}
	ds.SetItems(dicom.SourceImageSequence, item)
	before := ds.Len()
	p := New([]byte("sixteen bytes..."))
	got := p.Apply(ds)
	text, err := got.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, trace := range []string{"SECRET", "1.2.3.77777"} {
		if i := strings.Index(string(text), trace); i >= 0 {
			t.Errorf("%s is left: …%s…", trace, text[max(0, i-120):i+20])
		}
	}
	if ds.Len() != before || ds.String(dicom.PatientName) != "SECRET" {
		t.Error("the original was changed")
	}
	if got.String(dicom.Modality) != "CT" || got.String(dicom.PatientIdentityRemoved) != "YES" ||
		len(got.Items(dicom.DeidentificationMethodCodeSequence)) != 1 || !got.Has(dicom.PatientName) {
		t.Errorf("%s", text)
	}
}

func TestReferencesStayTogether(t *testing.T) {
	image := func(uid, referenced dicom.UID) *dicom.DataSet {
		reference, ds := &dicom.DataSet{}, &dicom.DataSet{}
		reference.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
		reference.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, string(referenced))
		ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(uid))
		ds.SetStrings(dicom.PatientID, dicom.LO, "P1")
		ds.SetStrings(dicom.BurnedInAnnotation, dicom.CS, "NO")
		ds.SetItems(dicom.ReferencedImageSequence, reference)
		return ds
	}
	p := New([]byte("sixteen bytes..."))
	a, b := p.Apply(image("1.1", "1.2")), New([]byte("sixteen bytes...")).Apply(image("1.2", "1.1"))
	reference := a.Items(dicom.ReferencedImageSequence)[0]
	if u := reference.UID(dicom.ReferencedSOPInstanceUID); u != b.UID(dicom.SOPInstanceUID) || !u.Valid() || u == "1.2" {
		t.Errorf("the reference is %s, the instance %s", u, b.UID(dicom.SOPInstanceUID))
	}
	if reference.UID(dicom.ReferencedSOPClassUID) != "1.2.840.10008.5.1.4.1.1.2" {
		t.Error("a class was replaced")
	}
	if id := a.String(dicom.PatientID); id != b.String(dicom.PatientID) || id == "P1" || id == "" {
		t.Errorf("Patient ID %q", id)
	}
	if len(a.Items(dicom.DeidentificationMethodCodeSequence)) != 2 {
		t.Error("no text in the pixels is not said")
	}
	other := New([]byte("another secret..."))
	if other.UID("1.1") == p.UID("1.1") || other.ID() == p.ID() {
		t.Error("another secret gives the same UIDs")
	}
}

func TestReport(t *testing.T) {
	content, ds := &dicom.DataSet{}, &dicom.DataSet{}
	content.SetStrings(dicom.TextValue, dicom.UT, "SECRET")
	ds.SetItems(dicom.ContentSequence, content)
	items := New([]byte("sixteen bytes...")).Apply(ds).Items(dicom.ContentSequence)
	if len(items) != 1 || items[0].String(dicom.TextValue) != removed || items[0].String(dicom.ValueType) != "TEXT" {
		t.Errorf("%v", items)
	}
}

func TestBurnedIn(t *testing.T) {
	for _, test := range []struct {
		class     dicom.UID
		tag       dicom.Tag
		value     string
		mentioned string
	}{
		{"1.2.840.10008.5.1.4.1.1.2", 0, "", ""},
		{"1.2.840.10008.5.1.4.1.1.2", dicom.BurnedInAnnotation, "YES", "(0028,0301)"},
		{"1.2.840.10008.5.1.4.1.1.2", dicom.RecognizableVisualFeatures, "YES", "(0028,0302)"},
		{"1.2.840.10008.5.1.4.1.1.7", 0, "", "(0028,0301)"},
		{"1.2.840.10008.5.1.4.1.1.7", dicom.BurnedInAnnotation, "NO", ""},
		{"1.2.840.10008.5.1.4.1.1.6.1", 0, "", "(0028,0301)"},
		{"1.2.840.10008.5.1.4.1.1.12.1", dicom.ImageType, `ORIGINAL\PRIMARY\SINGLE PLANE`, ""},
		{"1.2.840.10008.5.1.4.1.1.12.1", dicom.ImageType, `DERIVED\SECONDARY\SCREEN SAVE`, "(0028,0301)"},
		{"1.2.840.10008.5.1.4.1.1.12.2", dicom.ImageType, `DERIVED\SECONDARY\ScreenShot`, "(0028,0301)"},
	} {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.SOPClassUID, dicom.UI, string(test.class))
		if test.tag != 0 {
			ds.SetStrings(test.tag, dicom.CS, strings.Split(test.value, `\`)...)
		}
		if got := BurnedIn(ds); (got == "") != (test.mentioned == "") || !strings.Contains(got, test.mentioned) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

// What a kept attribute holds is looked at, or goes: a sequence that nobody could read may name the patient.
func TestUnreadable(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.Set(dicom.Element{Tag: dicom.SharedFunctionalGroupsSequence, VR: dicom.UN, Value: dicom.Bytes("SECRET")})
	ds.Set(dicom.Element{Tag: dicom.PixelSpacing, VR: dicom.UN, Value: dicom.Bytes("SECRET")})
	ds.Set(dicom.Element{Tag: dicom.PerFrameFunctionalGroupsSequence, VR: dicom.SQ})
	got := New([]byte("sixteen bytes...")).Apply(ds)
	if got.Has(dicom.SharedFunctionalGroupsSequence) || got.Has(dicom.PixelSpacing) || !got.Has(dicom.PerFrameFunctionalGroupsSequence) {
		t.Errorf("%v", got)
	}
}

func TestEncapsulatedDocument(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.DocumentTitle, dicom.ST, "Letter of SECRET")
	ds.Set(dicom.Element{Tag: dicom.EncapsulatedDocument, VR: dicom.OB, Value: dicom.Bytes("%PDF SECRET")})
	ds.Set(dicom.Element{Tag: dicom.EncapsulatedDocumentLength, VR: dicom.UL, Value: dicom.Ints{11}})
	got := New([]byte("sixteen bytes...")).Apply(ds)
	text, err := got.MarshalJSON()
	if err != nil || strings.Contains(string(text), "SECRET") || !strings.Contains(string(text), `"00420015":{"vr":"UL","Value":[2]}`) {
		t.Errorf("%s, %v", text, err)
	}
}

// What was de-identified before says both (PS3.15 E.1.1), and once each.
func TestMethodIsAdded(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.DeidentificationMethod, dicom.LO, "by hand")
	ds.SetItems(dicom.DeidentificationMethodCodeSequence, code("113105", "Clean Descriptors Option"))
	p := New([]byte("sixteen bytes..."))
	once := p.Apply(ds)
	for _, got := range []*dicom.DataSet{once, p.Apply(once)} {
		codes := got.Items(dicom.DeidentificationMethodCodeSequence)
		if texts := got.Strings(dicom.DeidentificationMethod); len(texts) != 2 || texts[0] != "by hand" || len(texts[1]) > 64 ||
			len(codes) != 2 || codes[0].String(dicom.CodeValue) != "113105" || codes[1].String(dicom.CodeValue) != "113100" {
			t.Errorf("%v, %v", texts, codes)
		}
	}
}
