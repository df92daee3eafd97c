package deidentify

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// longReferences is the text of a data set with long sequences: one that stays, one in an item of another, one that becomes a dummy, and one that goes.
func longReferences(t *testing.T) []byte {
	t.Helper()
	items := make([]*dicom.DataSet, 4_000)
	for i := range items {
		items[i] = &dicom.DataSet{}
		items[i].SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
		items[i].SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, fmt.Sprint("1.2.", i))
		items[i].SetStrings(dicom.PatientName, dicom.PN, "Doe^Jane")
		items[i].SetItems(dicom.PurposeOfReferenceCodeSequence, code("121311", "Localizer"))
	}
	outer := &dicom.DataSet{}
	outer.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.2.7")
	outer.SetItems(dicom.ReferencedInstanceSequence, items...)
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.3")
	ds.SetItems(dicom.ReferencedSeriesSequence, outer)
	ds.SetItems(dicom.ReferencedImageSequence, items...)
	ds.SetItems(dicom.SourceImageSequence, items...)
	ds.SetItems(dicom.RequestAttributesSequence, items...)
	ds.SetItems(dicom.ContentSequence, items...)
	ds.SetStrings(dicom.PatientID, dicom.LO, "1")
	text, err := ds.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestLongSequence: a data set that is read piecemeal is de-identified to the same as one that is read at once.
func TestLongSequence(t *testing.T) {
	text := longReferences(t)
	whole := &dicom.DataSet{}
	if err := whole.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	p := New([]byte("a secret of some bytes"))
	want, err := p.Apply(whole).AppendJSON(nil)
	if err != nil || len(want) < 1<<20 {
		t.Fatal(len(want), err)
	}
	unread, err := dicom.ReadJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	applied := p.Apply(unread)
	got, err := applied.AppendJSON(nil)
	if err != nil || string(got) != string(want) {
		t.Fatalf("it is another one: %d bytes, want %d, %v", len(got), len(want), err)
	}
	if strings.Contains(string(got), "Doe") {
		t.Error("a name is left")
	}
	if !applied.Equal(p.Apply(whole)) || !applied.Only(func(dicom.Tag) bool { return true }).Equal(applied) {
		t.Error("what is read of it is another one")
	}
}

// heapAt measures what is in use when so much has been written.
type heapAt struct{ left, used int }

func (h *heapAt) Write(b []byte) (int, error) {
	if h.left > 0 {
		if h.left -= len(b); h.left <= 0 {
			h.used = inUse()
		}
	}
	return len(b), nil
}

func inUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) // #nosec G115 -- of a test
}

// TestLongSequenceKeepsToMemory: while it is written, not much more is there than its text.
func TestLongSequenceKeepsToMemory(t *testing.T) {
	text := longReferences(t)
	p := New([]byte("a secret of some bytes"))
	before := inUse()
	ds, err := dicom.ReadJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{1 << 19, 1 << 20, 3 << 19} {
		out := p.Apply(ds)
		h := &heapAt{left: at}
		if err := part10.Write(h, out, part10.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		if h.used == 0 {
			t.Fatal("less is written")
		}
		if n := h.used - before; n > len(text)/8 {
			t.Errorf("%d bytes are in use for a text of %d, when %d have been written", n, len(text), at)
		}
	}
	runtime.KeepAlive(text)
}
