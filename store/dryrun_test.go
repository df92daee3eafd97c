package store_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// A dry run has the outcomes of a batch, over more instances than are committed at once, and leaves nothing behind.
func TestDryRun(t *testing.T) {
	index, blobs := memstore.NewIndex(), memstore.NewBlobs()
	s := store.New(index, blobs, store.Options{})
	file := func(instance, number string) []byte {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.66")
		ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, instance)
		ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2")
		ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.2.3")
		ds.SetStrings(dicom.InstanceNumber, dicom.IS, number)
		var b bytes.Buffer
		if err := part10.Write(&b, ds, part10.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var files [][]byte
	for i := range 70 {
		files = append(files, file("1.2.3."+string(rune('1'+i%9))+string(rune('0'+i/9)), "1"))
	}
	files = append(files, files[0], file("1.2.3.10", "2"), []byte("no instance"))
	run := func(b *store.Batch) []store.Outcome {
		t.Helper()
		defer b.Cancel()
		for _, f := range files {
			if err := b.Add(context.Background(), bytes.NewReader(f)); err != nil {
				t.Fatal(err)
			}
		}
		outcomes, err := b.Commit(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return outcomes
	}
	for _, when := range []string{"before", "after"} {
		dry := run(s.DryRun("1.2"))
		if n, err := s.Count(context.Background(), match.Query{Level: match.Instance}); when == "before" && (n != 0 || err != nil) {
			t.Fatalf("%d instances are there after a dry run, %v", n, err)
		}
		for info := range blobs.List(context.Background()) {
			if when == "before" {
				t.Fatalf("blob %v is there after a dry run", info.ID)
			}
		}
		wet := run(s.Batch("1.2"))
		for i := range files {
			d, w := dry[i], wet[i]
			if d.Ref != w.Ref || d.Digest != w.Digest || d.Duplicate != w.Duplicate || (d.Failure == nil) != (w.Failure == nil) ||
				d.Failure != nil && d.Failure.Reason != w.Failure.Reason {
				t.Errorf("%s, instance %d: dry %+v, in truth %+v", when, i, d, w)
			}
		}
	}
}
