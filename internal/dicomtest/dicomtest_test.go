package dicomtest

import (
	"bytes"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

func TestDemoScans(t *testing.T) {
	studies := map[dicom.UID]bool{}
	seen := map[dicom.UID]bool{}
	size := 0
	for in := range Demo() {
		file, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		size += len(file)
		f, err := part10.Scan(bytes.NewReader(file), part10.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", in.DataSet.Ref().Path(), err)
		}
		if len(f.Warnings) > 0 {
			t.Errorf("%s: warnings %v", in.DataSet.Ref().Path(), f.Warnings)
		}
		ref := f.DataSet.Ref()
		if seen[ref.Instance] || !ref.Study.Valid() || !ref.Series.Valid() || !ref.Instance.Valid() {
			t.Errorf("%s: not a new, valid reference", ref.Path())
		}
		seen[ref.Instance], studies[ref.Study] = true, true
	}
	if len(studies) != 4 || len(seen) != 48 {
		t.Errorf("%d studies, %d instances; want 4 and 48", len(studies), len(seen))
	}
	if size > 32<<20 {
		t.Errorf("the set has %d bytes, which is no longer small", size)
	}
}

func TestSameBytesEveryTime(t *testing.T) {
	for i, in := range Hand() {
		a, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		b, err := Hand()[i].File()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Error("two calls made different files")
		}
	}
}

func TestUIDIsValidAndItsOwn(t *testing.T) {
	a, b := UID("a", "b"), UID("ab")
	if a == b || !a.Valid() || !b.Valid() {
		t.Errorf("UIDs %s and %s", a, b)
	}
}
