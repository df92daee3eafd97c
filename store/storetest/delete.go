package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// with is a store of the same parts with other options, as after a restart.
func (p *parts) with(t testing.TB, o store.Options) *parts {
	t.Helper()
	s := store.New(p.index, p.blobs, o)
	if err := s.Reconcile(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &parts{s, p.index, p.blobs}
}

// wantReindexed checks that an index made of the files and the journal alone is equal to the live one.
func (p *parts) wantReindexed(t testing.TB) {
	t.Helper()
	fresh := memstore.NewIndex()
	if _, err := p.Reindex(context.Background(), fresh, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, dump(t, fresh), dump(t, p.index))
}

func (p *parts) wantDeleted(t testing.TB, r dicom.Ref, n int) {
	t.Helper()
	if got, err := p.Delete(context.Background(), r); err != nil || got != n {
		t.Errorf("deleted %d, %v; want %d", got, err, n)
	}
}

// study stores instances of a study with two series.
func (p *parts) study(t testing.TB, study string, n int) (files map[dicom.Ref][]byte) {
	t.Helper()
	files = map[dicom.Ref][]byte{}
	for i := range n {
		ds := instance(study, fmt.Sprintf("%s.%d", study, i%2), fmt.Sprintf("%s.%d.%d", study, i%2, i), "")
		files[ds.Ref()] = fileOf(t, ds)
		p.ingest(t, files[ds.Ref()])
	}
	return files
}

// testDelete deletes an instance, a series and a study, and restores and purges them.
func testDelete(t *testing.T, p *parts) {
	files := p.study(t, "1.2.1", 20)
	p.study(t, "1.2.2", 4)
	study, series, one := dicom.Ref{Study: "1.2.1"}, dicom.Ref{Study: "1.2.1", Series: "1.2.1.0"}, dicom.Ref{Study: "1.2.1", Series: "1.2.1.1", Instance: "1.2.1.1.3"}
	generation := p.Generation()
	p.wantDeleted(t, one, 1)
	if p.Generation() == generation {
		t.Error("the generation is the same after a deletion")
	}
	for r, gone := range map[dicom.Ref]bool{
		one: true, {Instance: one.Instance}: true, {Study: "1.2.9"}: false, {Study: "1.2.1", Series: "1.2.1.1", Instance: "1.2.9"}: false, {}: false,
	} {
		if err := p.Missing(t.Context(), r); !errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrGone) != gone {
			t.Errorf("%v: %v", r, err)
		}
	}
	p.wantReindexed(t)
	p.wantDeleted(t, series, 10)
	p.wantDeleted(t, study, 9)
	if _, err := p.Delete(t.Context(), study); !errors.Is(err, store.ErrGone) {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := p.Delete(t.Context(), dicom.Ref{Study: "1.2.9"}); !errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrGone) {
		t.Errorf("never stored: %v", err)
	}
	if found, err := p.Recover(t.Context()); err != nil || found.Adopted+found.Purged+len(found.SetAside) > 0 {
		t.Errorf("recovered %+v, %v", found, err)
	}
	p.wantReindexed(t)

	if got, err := p.Restore(t.Context(), store.RemovedQuery{Ref: series}, false); err != nil || got.Restored != 10 {
		t.Errorf("restored %+v, %v", got, err)
	}
	p.wantReindexed(t)
	if n, size, err := p.Purge(t.Context(), store.RemovedQuery{Ref: one}, -1); err != nil || n != 1 || size != int64(len(files[one])) {
		t.Errorf("purged %d, %d bytes, %v", n, size, err)
	}
	p.wantReindexed(t)
	if err := p.Missing(t.Context(), one); !errors.Is(err, store.ErrGone) {
		t.Errorf("purged: %v", err)
	}
	if got, err := p.Restore(t.Context(), store.RemovedQuery{Ref: study}, false); err != nil || got.Restored != 9 {
		t.Errorf("restored %+v, %v", got, err)
	}
	if _, err := p.Restore(t.Context(), store.RemovedQuery{Ref: study}, false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("restored twice: %v", err)
	}
	if r := p.ingest(t, files[one]); r.Duplicate {
		t.Error("what was purged cannot be stored again")
	}
	for ref, file := range files {
		p.wantFile(t, ref, file)
	}
	p.wantKept(t, 24)
	p.wantReindexed(t)
}

// testStoredAgain stores an instance again after it has been deleted, with the same and with other bytes.
func testStoredAgain(t *testing.T, p *parts) {
	ref := dicom.Ref{Study: "1.2.1", Series: "1.2.1.1", Instance: "1.2.1.1.1"}
	first, second := fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "")), fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "changed"))
	p.ingest(t, first)
	p.wantDeleted(t, ref, 1)
	if r := p.ingest(t, first); r.Duplicate {
		t.Error("it is called a duplicate")
	}
	p.wantReindexed(t)
	p.wantKept(t, 1)
	p.wantDeleted(t, ref, 1)
	p.ingest(t, second)
	p.wantFile(t, ref, second)
	p.wantReindexed(t)
	q := store.RemovedQuery{Ref: ref}
	if got, err := p.Restore(t.Context(), q, false); err != nil || got.Restored != 0 || len(got.Conflicts) != 1 {
		t.Errorf("restored in the place of a newer one: %+v, %v", got, err)
	}
	p.wantFile(t, ref, second)
	if got, err := p.Restore(t.Context(), q, true); err != nil || got.Restored != 1 {
		t.Errorf("replaced by the restored one: %+v, %v", got, err)
	}
	p.wantFile(t, ref, first)
	p.wantReindexed(t)
	if n, _, err := p.Purge(t.Context(), store.RemovedQuery{}, -1); err != nil || n != 1 {
		t.Errorf("purged %d, %v", n, err)
	}
	p.wantFile(t, ref, first)
	p.wantKept(t, 1)
	p.wantReindexed(t)
}

// testConflict stores other bytes under UIDs that are taken, under each policy.
func testConflict(t *testing.T, p *parts) {
	versions := make([][]byte, 3)
	for i := range versions {
		versions[i] = fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.1", fmt.Sprint("version ", i)))
	}
	ref := dicom.Ref{Study: "1.2.1", Series: "1.2.1.1", Instance: "1.2.1.1.1"}
	p.ingest(t, versions[0])
	keep := p.with(t, store.Options{Conflict: store.Keep})
	if r := keep.ingest(t, versions[1]); !r.Kept || r.Duplicate || r.Replaced || r.Elsewhere {
		t.Errorf("kept: %+v", r)
	}
	if r := keep.ingest(t, fileOf(t, instance("1.2.9", "1.2.9.1", "1.2.1.1.1", "another study"))); !r.Kept || !r.Elsewhere {
		t.Errorf("kept in another study: %+v", r)
	}
	p.wantFile(t, ref, versions[0])
	p.wantKept(t, 1)

	replace := p.with(t, store.Options{Conflict: store.Replace})
	b := replace.Batch("")
	defer b.Cancel()
	for _, i := range []int{1, 0, 1, 1, 2} { // also within one batch, there and back
		if err := b.Add(t.Context(), bytes.NewReader(versions[i])); err != nil {
			t.Fatal(err)
		}
	}
	outcomes, err := b.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if o.Failure != nil || o.Replaced == o.Duplicate || o.Duplicate != (i == 3) {
			t.Errorf("outcome %d: %+v", i, o)
		}
	}
	p.wantFile(t, ref, versions[2])
	p.wantReindexed(t)
	bin := removedOf(t, p.index, store.RemovedQuery{})
	if len(bin) != 2 || bin[0].Kind != store.Replaced {
		t.Fatalf("%d old versions", len(bin))
	}
	for i, r := range bin { // they can be read, the last one first
		in, err := p.Open(t.Context(), r.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(in.File()); err != nil || !bytes.Equal(got, versions[1-i]) {
			t.Errorf("version %d of the recycle bin: %v", i, err)
		}
		in.Close()
	}
	gone := p.with(t, store.Options{Conflict: store.Replace, PurgeAtOnce: true})
	if r := gone.ingest(t, versions[0]); !r.Replaced {
		t.Errorf("replaced: %+v", r)
	}
	p.wantKept(t, 1)
	gone.wantDeleted(t, ref, 1)
	p.wantKept(t, 0)
	p.wantReindexed(t)
}

// testDeleteRace stores, deletes, restores and purges the same instances from many goroutines, while crashes are recovered from: in the end
// files, journal and index agree.
func testDeleteRace(t *testing.T, p *parts) {
	files := make([][]byte, 24)
	refs := make([]dicom.Ref, len(files))
	for i := range files {
		ds := instance(fmt.Sprintf("1.2.%d", i%3), fmt.Sprintf("1.2.%d.1", i%3), fmt.Sprintf("1.2.%d.1.%d", i%3, i/2), fmt.Sprint(i%2))
		files[i], refs[i] = fileOf(t, ds), ds.Ref()
	}
	p = p.with(t, store.Options{Conflict: store.Replace})
	var group sync.WaitGroup
	for n := range 6 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			for range 60 {
				i := random.IntN(len(files))
				r := refs[i]
				if random.IntN(3) == 0 {
					r = dicom.Ref{Study: r.Study}
				}
				var err error
				switch random.IntN(6) {
				case 0:
					_, err = p.Delete(t.Context(), r)
				case 1:
					_, err = p.Restore(t.Context(), store.RemovedQuery{Ref: r}, random.IntN(2) == 0)
				case 2:
					_, _, err = p.Purge(t.Context(), store.RemovedQuery{Ref: r}, 3)
				case 3:
					_, err = p.Recover(t.Context())
				default:
					_, err = p.Ingest(t.Context(), bytes.NewReader(files[i]), "")
				}
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	p.wantReindexed(t)
	for _, e := range collect(t, p.Entries(t.Context(), dicom.Ref{})) {
		in, err := p.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
	}
	for _, r := range removedOf(t, p.index, store.RemovedQuery{}) {
		in, err := p.Open(t.Context(), r.Entry)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
	}
}
