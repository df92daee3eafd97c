package store_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

func coercing(t testing.TB, rules ...string) *store.Store {
	t.Helper()
	var o store.Options
	for _, text := range rules {
		rule, err := store.ParseCoercion(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		o.Rules.Coercions = append(o.Rules.Coercions, rule)
	}
	return memstore.New(o)
}

func openRef(t testing.TB, s *store.Store, ref dicom.Ref) (*store.Instance, *dicom.DataSet) {
	t.Helper()
	for e, err := range s.Entries(t.Context(), ref) {
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { in.Close() })
		ds, err := in.DataSet(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return in, ds
	}
	t.Fatal("it is not there")
	return nil, nil
}

func frames(t testing.TB, in *store.Instance) (all [][]byte) {
	t.Helper()
	if in.Entry.Layout.Pixel == nil {
		return nil
	}
	for n := 1; n <= in.Entry.Layout.Pixel.NumberOfFrames; n++ {
		r, err := in.Frame(n)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// TestCoercion changes, sets and removes attributes, and looks at what is stored of them.
func TestCoercion(t *testing.T) {
	s := coercing(t, "PatientID=HOSP-1 if PatientID=ID-*", "InstitutionName=St. Märy if Modality=OT&SourceApplicationEntityTitle=",
		"IssuerOfPatientID?=HOSP", "PatientName?=NOBODY", "-AccessionNumber", "StationName=X if Modality=MR", "-OtherPatientNames")
	file := dicomtest.Image{Frames: 2}.File()
	receipt, err := s.Ingest(t.Context(), bytes.NewReader(file), "")
	if err != nil {
		t.Fatal(err)
	}
	_, ds := openRef(t, s, receipt.Ref)
	for tag, want := range map[dicom.Tag]string{
		dicom.PatientID: "HOSP-1", dicom.InstitutionName: "St. Märy", dicom.IssuerOfPatientID: "HOSP", dicom.PatientName: "TEST^test",
		dicom.AccessionNumber: "", dicom.StationName: "",
	} {
		if got := ds.String(tag); got != want {
			t.Errorf("%s is %q, want %q", tag.Keyword(), got, want)
		}
	}
	items := ds.Items(dicom.OriginalAttributesSequence)
	if len(items) != 1 || items[0].String(dicom.ModifyingSystem) != "NOCTIS" || items[0].String(dicom.ReasonForTheAttributeModification) != "COERCE" ||
		items[0].String(dicom.AttributeModificationDateTime) == "" || !items[0].Has(dicom.SourceOfPreviousValues) {
		t.Fatalf("Original Attributes Sequence: %v", items)
	}
	before := items[0].Items(dicom.ModifiedAttributesSequence)[0]
	if before.Len() != 4 || before.String(dicom.PatientID) != "ID-test" || before.String(dicom.AccessionNumber) != "ACC-test" ||
		!before.Has(dicom.InstitutionName) || !before.Has(dicom.IssuerOfPatientID) {
		t.Errorf("%d attributes were changed", before.Len())
	}
	if receipt.Originals == nil || receipt.Duplicate {
		t.Errorf("receipt %+v", receipt)
	}
	// The same file again has the time of the first coercion, and so the same bytes.
	if again, err := s.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil || !again.Duplicate || again.Digest != receipt.Digest {
		t.Errorf("again: %+v, %v", again, err)
	}
	// What was coerced needs no coercion: it is stored as it comes.
	in, _ := openRef(t, s, receipt.Ref)
	stored, _ := io.ReadAll(in.File())
	if own, err := coercing(t, "PatientID=HOSP-1").Ingest(t.Context(), bytes.NewReader(stored), ""); err != nil || own.Digest != receipt.Digest || own.Originals != nil {
		t.Errorf("a file that needs none: %+v, %v", own, err)
	}
}

// TestCoercionKeepsPixels coerces files of every encoding: the frames stay as they are, and so does every other attribute.
func TestCoercionKeepsPixels(t *testing.T) {
	files := map[string][]byte{}
	for _, ts := range []dicom.UID{"", dicom.ImplicitVRLittleEndian, dicom.ExplicitVRBigEndian, dicom.DeflatedExplicitVRLittleEndian} {
		files[string(ts)] = dicomtest.Image{Rows: 64, Columns: 64, Frames: 3, TransferSyntax: ts}.File()
	}
	corpus, _ := filepath.Glob("../../shared/corpus/files/*.dcm")
	for _, name := range corpus {
		if b, err := os.ReadFile(name); err == nil && len(b) < 8<<20 {
			files[filepath.Base(name)] = b
		}
	}
	for name, file := range files {
		plain, rules := memstore.New(store.Options{}), coercing(t, "InstitutionName=ELSEWHERE")
		want, err := plain.Ingest(t.Context(), bytes.NewReader(file), "")
		got, coercedErr := rules.Ingest(t.Context(), bytes.NewReader(file), "")
		if (err == nil) != (coercedErr == nil) {
			t.Errorf("%s: %v without, %v with coercion", name, err, coercedErr)
		}
		if err != nil || coercedErr != nil {
			continue
		}
		a, before := openRef(t, plain, want.Ref)
		b, after := openRef(t, rules, got.Ref)
		if x, y := frames(t, a), frames(t, b); fmt.Sprint(len(x)) != fmt.Sprint(len(y)) {
			t.Errorf("%s: %d frames, %d of them coerced", name, len(x), len(y))
		} else {
			for i := range x {
				if !bytes.Equal(x[i], y[i]) {
					t.Errorf("%s: frame %d is changed", name, i+1)
				}
			}
		}
		for e := range before.All() {
			switch e.Tag {
			case dicom.InstitutionName, dicom.OriginalAttributesSequence, dicom.AvailableTransferSyntaxUID, dicom.PixelData:
				continue
			}
			if g, there := after.Get(e.Tag); !there || !sameContent(t, g, e) {
				t.Errorf("%s: %s is changed", name, e.Tag)
			}
		}
	}
}

// sameContent compares elements without Specific Character Set, which a file that is written anew has in UTF-8, and without the padding of
// an odd length.
func sameContent(t *testing.T, a, b dicom.Element) bool {
	if x, ok := a.Value.(dicom.Bytes); ok {
		y, _ := b.Value.(dicom.Bytes)
		return bytes.Equal(bytes.TrimRight(x, "\x00"), bytes.TrimRight(y, "\x00"))
	}
	charset := regexp.MustCompile(`"00080005":\{[^}]*\},?`)
	var texts [2]string
	for i, e := range []dicom.Element{a, b} {
		ds := &dicom.DataSet{}
		ds.Set(e)
		json, err := ds.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = charset.ReplaceAllString(string(json), "")
	}
	return texts[0] == texts[1]
}

func TestParseCoercion(t *testing.T) {
	for _, text := range []string{
		"", "PatientID", "-PatientID=1", "SOPInstanceUID=1.2.3", "StudyInstanceUID=1", "-SpecificCharacterSet", "Rows=1", "PixelData=1", "NoSuchThing=1",
		"00091001=x", "RequestAttributesSequence.ScheduledProcedureStepID=1", "PatientSex=male and more", "StudyDate=yesterday",
		"PatientID=1 if NoSuchThing=1", "PatientID=1 if StudyDate=yesterday", "TransferSyntaxUID=1.2",
	} {
		if rule, err := store.ParseCoercion(text); err == nil {
			t.Errorf("%q is a rule: %+v", text, rule)
		}
	}
}

// TestDryCoercion coerces for show.
func TestDryCoercion(t *testing.T) {
	s := coercing(t, "-PatientID")
	b := s.DryRun("")
	defer b.Cancel()
	if err := b.Add(t.Context(), bytes.NewReader(dicomtest.Image{}.File())); err != nil {
		t.Fatal(err)
	}
	outcomes, err := b.Commit(t.Context())
	if err != nil || outcomes[0].Failure != nil || outcomes[0].Originals == nil {
		t.Errorf("%+v, %v", outcomes, err)
	}
	for range s.Entries(t.Context(), dicom.Ref{}) {
		t.Error("something is stored")
	}
}

// TestRewrittenIsWellFormed reads a coerced file without a word of warning.
func TestRewrittenIsWellFormed(t *testing.T) {
	s := coercing(t, "-PatientID")
	receipt, err := s.Ingest(t.Context(), bytes.NewReader(dicomtest.Image{TransferSyntax: dicom.ExplicitVRBigEndian}.File()), "")
	if err != nil {
		t.Fatal(err)
	}
	in, _ := openRef(t, s, receipt.Ref)
	if f, err := part10.Scan(in.File(), part10.Limits{}); err != nil || len(f.Warnings) > 0 || f.TransferSyntax != dicom.ExplicitVRLittleEndian {
		t.Errorf("%v, %v", f, err)
	}
}

// FuzzParseCoercion reads rules that operators might write; each that is one can be applied.
func FuzzParseCoercion(f *testing.F) {
	for _, text := range []string{"PatientID=1 if Modality=MR&StationName=A*", "IssuerOfPatientID?=X", "-AccessionNumber", `ImageType=A\B if StudyDate=2020-`} {
		f.Add(text)
	}
	file := dicomtest.Image{}.File()
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := store.ParseCoercion(text)
		if err != nil {
			return
		}
		s := memstore.New(store.Options{Rules: store.Rules{Coercions: []store.Coercion{rule}}})
		if _, err := s.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
