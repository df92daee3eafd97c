package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// silentBlobs has a journal that cannot be written: as if the process died before.
type silentBlobs struct {
	store.Blobs
	err error
}

func (b silentBlobs) Record(context.Context, ...string) error { return b.err }

// testJournalFails dies between the commit of the index and the journal: nothing is acknowledged, and after a restart both agree.
func testJournalFails(t *testing.T, p *parts) {
	broken := errors.New("broken")
	file := fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.1", ""))
	ref := dicom.Ref{Study: "1.2.1", Series: "1.2.1.1", Instance: "1.2.1.1.1"}
	p.ingest(t, file)
	s := store.New(p.index, silentBlobs{p.blobs, broken}, store.Options{})
	if _, err := s.Delete(t.Context(), ref); !errors.Is(err, broken) {
		t.Errorf("a deletion that is not in the journal: %v", err)
	}
	if _, err := s.Ingest(t.Context(), bytes.NewReader(file), ""); !errors.Is(err, broken) {
		t.Errorf("what takes a deletion back without the journal: %v", err)
	}
	if _, err := s.Ingest(t.Context(), bytes.NewReader(file), ""); !errors.Is(err, broken) {
		t.Errorf("a duplicate of it: %v", err)
	}
	p.with(t, store.Options{}).wantReindexed(t)
	p.wantFile(t, ref, file)
	if _, err := s.Delete(t.Context(), ref); err != nil && !errors.Is(err, broken) {
		t.Fatal(err)
	}
	again := p.with(t, store.Options{})
	again.wantReindexed(t)
	if err := again.Missing(t.Context(), ref); !errors.Is(err, store.ErrGone) {
		t.Errorf("after a restart: %v", err)
	}
	again.ingest(t, file) // the numbers go on
	again.wantDeleted(t, ref, 1)
	again.wantReindexed(t)
}

// stuckBlobs cannot remove a blob: as if the process died before.
type stuckBlobs struct{ store.Blobs }

var errStuck = errors.New("stuck")

func (stuckBlobs) Remove(context.Context, store.BlobID) error { return errStuck }

// testPurgeFails dies between the commit of the index and the removal of the file, which Recover does then.
func testPurgeFails(t *testing.T, p *parts) {
	files := p.study(t, "1.2.1", 4)
	s := store.New(p.index, stuckBlobs{p.blobs}, store.Options{})
	if _, err := s.Delete(t.Context(), dicom.Ref{Study: "1.2.1", Series: "1.2.1.0"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Purge(t.Context(), store.RemovedQuery{}, 1); !errors.Is(err, errStuck) {
		t.Errorf("purged: %v", err)
	}
	if found, err := p.Recover(t.Context()); err != nil || found.Purged != 1 || found.Adopted > 0 {
		t.Errorf("recovered %+v, %v", found, err)
	}
	if n := len(collect(t, p.blobs.List(t.Context()))); n != len(files)-1 {
		t.Errorf("%d blobs", n)
	}
	p.wantReindexed(t)
}

// testOldIndex goes on with an index from a backup, which knows neither what was stored nor what was deleted since.
func testOldIndex(t *testing.T, p *parts) {
	p.study(t, "1.2.1", 6)
	p.study(t, "1.2.2", 6)
	p.wantDeleted(t, dicom.Ref{Study: "1.2.2", Series: "1.2.2.0"}, 3)
	old := memstore.NewIndex()
	if _, err := p.Reindex(t.Context(), old, nil); err != nil {
		t.Fatal(err)
	}
	later := p.study(t, "1.2.3", 4)
	p.wantDeleted(t, dicom.Ref{Study: "1.2.1"}, 6)
	p.wantDeleted(t, dicom.Ref{Study: "1.2.3", Series: "1.2.3.1"}, 2)
	if got, err := p.Restore(t.Context(), store.RemovedQuery{Ref: dicom.Ref{Study: "1.2.2"}}, false); err != nil || got.Restored != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, _, err := p.Purge(t.Context(), store.RemovedQuery{Ref: dicom.Ref{Study: "1.2.1", Series: "1.2.1.0"}}, -1); err != nil {
		t.Fatal(err)
	}
	restored := (&parts{index: old, blobs: p.blobs}).with(t, store.Options{})
	if found, err := restored.Recover(t.Context()); err != nil || found.Adopted != 2 || len(found.SetAside) > 0 {
		t.Errorf("recovered %+v, %v", found, err)
	}
	equal(t, dump(t, old), dump(t, p.index))
	restored.wantReindexed(t)
	for ref, file := range later {
		if ref.Series == "1.2.3.0" {
			restored.wantFile(t, ref, file)
		}
	}
	restored.wantDeleted(t, dicom.Ref{Study: "1.2.2"}, 6)
	restored.wantReindexed(t)
}

// olderJournal has only the first lines of what was in the journal, and what is added now.
type olderJournal struct {
	store.Blobs
	lines *[]string
}

func (b olderJournal) Record(_ context.Context, lines ...string) error {
	*b.lines = append(*b.lines, lines...)
	return nil
}

func (b olderJournal) Records(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, line := range *b.lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

// testOldJournal goes on with a journal from a backup that is older than the index: nothing that the index knows as deleted may come back
// through it, nor may what was stored again go.
func testOldJournal(t *testing.T, p *parts) {
	files := p.study(t, "1.2.1", 6)
	p.study(t, "1.2.2", 4)
	p.wantDeleted(t, dicom.Ref{Study: "1.2.1"}, 6)
	lines := collect(t, p.blobs.Records(t.Context()))
	for ref, file := range files {
		if ref.Series == "1.2.1.1" {
			p.ingest(t, file)
		}
	}
	p.wantDeleted(t, dicom.Ref{Study: "1.2.2", Series: "1.2.2.0"}, 2)
	p.wantDeleted(t, dicom.Ref{Study: "1.2.2"}, 2)
	restored := (&parts{index: p.index, blobs: olderJournal{p.blobs, &lines}}).with(t, store.Options{})
	restored.wantReindexed(t)
	if n := len(collect(t, restored.Entries(t.Context(), dicom.Ref{}))); n != 3 {
		t.Errorf("%d instances, want 3", n)
	}
	restored.wantDeleted(t, dicom.Ref{Study: "1.2.1"}, 3)
	restored.wantReindexed(t)
}

// testLostLine takes each line out of the journal in turn: index and journal disagree, unless a later line is of the same file; and they agree
// afterwards, whatever the index was made of.
func testLostLine(t *testing.T, p *parts) {
	files := p.study(t, "1.2.1", 6)
	p.wantDeleted(t, dicom.Ref{Study: "1.2.1"}, 6)
	again := 0
	for _, file := range files {
		if again++; again <= 2 {
			p.ingest(t, file)
		}
	}
	all, disagree := collect(t, p.blobs.Records(t.Context())), 0
	for i := range all {
		lines := slices.Delete(slices.Clone(all), i, i+1)
		damaged := &parts{index: p.index, blobs: olderJournal{p.blobs, &lines}}
		s := store.New(p.index, damaged.blobs, store.Options{})
		d, err := s.Discord(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if disagree += len(d.Lacking); len(d.Undone) > 0 {
			t.Errorf("without line %d: %v is unknown to the index", i+1, d.Undone)
		}
		if err := s.Agree(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d, err = s.Discord(t.Context()); err != nil || len(d.Lacking)+len(d.Undone) > 0 {
			t.Errorf("without line %d: still %v, %v", i+1, d, err)
		}
		damaged.with(t, store.Options{}).wantReindexed(t)
	}
	if len(all) != 8 || disagree != 6 {
		t.Errorf("of %d lines %d are missed; want 6 of 8", len(all), disagree)
	}
}

// testDamagedJournal has a line in the journal that nobody can read: what is deleted must not come back because of it.
func testDamagedJournal(t *testing.T, p *parts) {
	p.study(t, "1.2.1", 1)
	if err := p.blobs.Record(t.Context(), "7 2024-02-29T12:00:00Z deleted 1.2 1.3 1.4"); err != nil {
		t.Fatal(err)
	}
	if err := p.Reconcile(t.Context()); err == nil {
		t.Error("it is not noticed at the start")
	}
	if _, err := p.Reindex(t.Context(), memstore.NewIndex(), nil); err == nil {
		t.Error("it is not noticed by Reindex")
	}
}
