package readiness_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/readiness"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// TestManyFindings: what is found is bounded, and counted.
func TestManyFindings(t *testing.T) {
	in := slice(1, 0).Instance()
	for i := range dicom.Tag(3000) {
		in.DataSet.SetStrings(dicom.NewTag(0x6001, 0x1000)+i, dicom.LO, "\uFFFD")
	}
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	r := examine(t, readiness.Options{}, file)
	if len(r.Findings) != 1000 || r.Unlisted < 2000 || r.Unlisted > 2010 || !r.Ready {
		t.Errorf("%d findings, %d more, ready %t", len(r.Findings), r.Unlisted, r.Ready)
	}
}

// TestLongSequence: the items of a long sequence are not read, which would take ten times as much as their text.
func TestLongSequence(t *testing.T) {
	in := slice(1, 0).Instance()
	items := make([]*dicom.DataSet, 60_000)
	for i := range items {
		items[i] = &dicom.DataSet{}
		items[i].SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, fmt.Sprint("1.2.", i))
	}
	in.DataSet.SetItems(dicom.ReferencedImageSequence, items...)
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	text, err := in.DataSet.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{})
	receipt, err := st.Ingest(t.Context(), bytes.NewReader(file), "")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = readiness.Of(t.Context(), st, receipt.Ref.Study, readiness.Options{None: true})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err != nil || n > 4*uint64(len(text)) {
		t.Errorf("%d bytes are taken for a text of %d; %v", n, len(text), err)
	}
}
