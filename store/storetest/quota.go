package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// testUsage inserts with quotas, replaces, removes, takes back and purges at random: what is admitted, and what is held, is what the reference
// says.
func testUsage(t *testing.T, o OpenIndex) {
	x, reference := open(t, o), memstore.NewIndex()
	random := rand.New(rand.NewPCG(20, 20))
	all := entries(t, 20, 80)
	for i := range 40 {
		e := entryOf(t, all[i].DataSet.Clone(), "another version")
		e.Replace = i%4 != 0
		all = append(all, e)
	}
	for _, ds := range nonPatients(2) {
		all = append(all, entryOf(t, ds, ""))
	}
	for i, e := range all {
		e.Size = int64(100 + i)
	}
	refused := 0
	for step := range 200 {
		part := make([]*store.Entry, 1+random.IntN(10))
		var blobs []store.BlobID
		for i := range part {
			part[i] = all[random.IntN(len(all))]
			part[i].Quota = store.Quota{Bytes: int64(random.IntN(2) * 6000), Instances: int64(random.IntN(2) * 50)}
			blobs = append(blobs, part[i].Blob)
		}
		switch step % 4 {
		case 2:
			remove(t, x, noon, part...)
			remove(t, reference, noon, part...)
		case 3:
			if err := errors.Join(x.Purge(t.Context(), blobs), reference.Purge(t.Context(), blobs)); err != nil {
				t.Fatal(err)
			}
		default:
			results := insert(t, x, part...)
			if want := insert(t, reference, part...); !slices.Equal(results, want) {
				t.Fatalf("step %d: inserted %v, want %v", step, results, want)
			}
			for _, r := range results {
				if r == store.InsertedNot {
					refused++
				}
			}
		}
		got, err := x.Usage(t.Context())
		want, _ := reference.Usage(t.Context())
		if err != nil || got != want {
			t.Fatalf("step %d: %+v, %v are held, want %+v", step, got, err, want)
		}
	}
	if refused < 20 {
		t.Errorf("only %d were not admitted: the test proves little", refused)
	}
	equal(t, timeless(dump(t, x)), timeless(dump(t, reference)))
}

// testQuota stores from many goroutines at once: what fits is stored, to the last instance, and nothing more; what was there already, or is in
// the recycle bin, always fits.
func testQuota(t *testing.T, p *parts) {
	const most, clients, each = 20, 8, 6
	p.SetQuota(store.Quota{Instances: most})
	var stored, refused atomic.Int64
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			b := p.Batch("")
			defer b.Cancel()
			for i := range each {
				file := fileOf(t, instance(fmt.Sprintf("1.2.%d", c), "1.3", fmt.Sprintf("1.4.%d.%d", c, i), ""))
				if err := b.Add(t.Context(), bytes.NewReader(file)); err != nil {
					t.Error(err)
				}
				if i%2 == 1 { // a batch may commit more than once
					if _, err := b.Commit(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
			outcomes, err := b.Commit(t.Context())
			if err != nil {
				t.Error(err)
			}
			for _, o := range outcomes {
				switch {
				case o.Failure == nil:
					stored.Add(1)
				case errors.Is(o.Failure, store.ErrQuota) && o.Failure.Reason == store.ReasonOutOfResources:
					refused.Add(1)
				default:
					t.Error(o.Failure)
				}
			}
		})
	}
	group.Wait()
	if stored.Load() != most || refused.Load() != clients*each-most {
		t.Errorf("stored %d and refused %d, want %d and %d", stored.Load(), refused.Load(), most, clients*each-most)
	}
	if found, err := p.Recover(t.Context()); err != nil || found.Adopted > 0 {
		t.Errorf("what was refused left %d files behind, %v", found.Adopted, err)
	}
	var one dicom.Ref
	for e, err := range p.index.Entries(t.Context(), dicom.Ref{}) {
		if err != nil {
			t.Fatal(err)
		}
		one = e.Ref
		break
	}
	file := fileOf(t, instance(string(one.Study), string(one.Series), string(one.Instance), ""))
	if r := p.ingest(t, file); !r.Duplicate {
		t.Error("what is there already takes no room")
	}
	another := fileOf(t, instance("1.2.9", "1.3.9", "1.4.9", ""))
	p.wantQuota(t, another)

	// The recycle bin counts, until it is purged.
	p.wantDeleted(t, one, 1)
	p.wantQuota(t, another)
	if r := p.ingest(t, file); r.Duplicate {
		t.Error("what is in the recycle bin can be stored again without more room")
	}
	p.wantDeleted(t, one, 1)
	if n, _, err := p.Purge(t.Context(), store.RemovedQuery{Ref: one}, -1); err != nil || n != 1 {
		t.Errorf("purged %d, %v", n, err)
	}
	p.ingest(t, another)
	p.wantQuota(t, file)
	if u, err := p.Usage(t.Context()); err != nil || u.Instances != most {
		t.Errorf("%+v, %v are held", u, err)
	}
	if dry := p.DryRun(""); dry.Add(t.Context(), bytes.NewReader(file)) != nil {
		t.Error("a dry run cannot read it")
	} else if outcomes, err := dry.Commit(t.Context()); err != nil || !errors.Is(outcomes[0].Failure, store.ErrQuota) {
		t.Errorf("dry run: %v, %v", outcomes, err)
	}
	p.SetQuota(store.Quota{Bytes: 1})
	p.wantQuota(t, file)
	p.SetQuota(store.Quota{})
	p.ingest(t, file)
	p.wantReindexed(t)
}

// wantQuota stores in vain.
func (p *parts) wantQuota(t testing.TB, file []byte) {
	t.Helper()
	if _, err := p.Ingest(t.Context(), bytes.NewReader(file), ""); !errors.Is(err, store.ErrQuota) {
		t.Errorf("beyond the quota: %v", err)
	}
}
