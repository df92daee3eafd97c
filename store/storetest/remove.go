package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

var noon = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func remove(t testing.TB, x store.Index, at time.Time, entries ...*store.Entry) {
	t.Helper()
	var removed []*store.Removed
	for _, e := range entries {
		removed = append(removed, &store.Removed{Entry: e, Time: at, Kind: store.Deleted})
	}
	if err := x.Remove(context.Background(), removed); err != nil {
		t.Fatal(err)
	}
}

func removedOf(t testing.TB, x store.Index, q store.RemovedQuery) []*store.Removed {
	t.Helper()
	return collect(t, x.Removed(context.Background(), q))
}

// testRemoveIndex follows instances into the recycle bin, out of it, and out of the world.
func testRemoveIndex(t *testing.T, o OpenIndex) {
	x := open(t, o)
	all := entries(t, 21, 30)
	insert(t, x, all...)
	before := dump(t, x)
	e := all[3]
	stranger := entryOf(t, e.DataSet, "other bytes")
	remove(t, x, noon, stranger)
	equal(t, dump(t, x), before)
	remove(t, x, noon, e, all[4])
	remove(t, x, noon.Add(time.Hour), all[5])

	if got := collect(t, x.Entries(t.Context(), e.Ref)); len(got) != 0 {
		t.Errorf("it is still there: %v", got[0].Ref)
	}
	if named, err := x.Names(t.Context(), e.Blob); err != nil || !named {
		t.Errorf("a blob in the recycle bin: named %v, %v", named, err)
	}
	if got := collect(t, x.Blobs(t.Context())); len(got) != len(all) ||
		!slices.IsSortedFunc(got, func(a, b store.BlobID) int { return slices.Compare(a[:], b[:]) }) {
		t.Errorf("%d blobs, want %d in ascending order", len(got), len(all))
	}
	for name, c := range map[string]struct {
		q    store.RemovedQuery
		want []*store.Entry
	}{
		"all":       {store.RemovedQuery{}, []*store.Entry{all[5], all[4], e}},
		"instance":  {store.RemovedQuery{Ref: e.Ref}, []*store.Entry{e}},
		"UID alone": {store.RemovedQuery{Ref: dicom.Ref{Instance: e.Ref.Instance}}, []*store.Entry{e}},
		"elsewhere": {store.RemovedQuery{Ref: dicom.Ref{Study: "1.2.3", Instance: e.Ref.Instance}}, nil},
		"blob":      {store.RemovedQuery{Blob: &all[4].Blob}, []*store.Entry{all[4]}},
		"before":    {store.RemovedQuery{Before: noon.Add(time.Hour)}, []*store.Entry{all[4], e}},
		"too late":  {store.RemovedQuery{Before: noon}, nil},
	} {
		var got []dicom.Ref
		for _, r := range removedOf(t, x, c.q) {
			got = append(got, r.Entry.Ref)
		}
		if !slices.Equal(got, refs(c.want)) {
			t.Errorf("%s: %v", name, got)
		}
	}
	r := removedOf(t, x, store.RemovedQuery{Ref: e.Ref, Whole: true})[0]
	if _, ok := r.Entry.Layout.Value("00281201"); !ok || string(r.Entry.Metadata) != string(e.Metadata) || r.Entry.Size != e.Size ||
		r.Entry.TransferSyntax != e.TransferSyntax || !r.Entry.Stored.Equal(e.Stored) || !r.Time.Equal(noon) || r.Kind != store.Deleted {
		t.Errorf("in the recycle bin: %+v", r)
	}
	if err := x.Purge(t.Context(), []store.BlobID{all[5].Blob, all[6].Blob, {1}}); err != nil {
		t.Fatal(err)
	}
	if named, err := x.Names(t.Context(), all[5].Blob); err != nil || named {
		t.Errorf("a purged blob: named %v, %v", named, err)
	}
	if named, err := x.Names(t.Context(), all[6].Blob); err != nil || !named {
		t.Errorf("a stored blob is not purged: named %v, %v", named, err)
	}
	tombstones := removedOf(t, x, store.RemovedQuery{Ref: all[5].Ref, Tombstones: true, Whole: true})
	if len(tombstones) != 1 || !tombstones[0].Purged || tombstones[0].Entry.Metadata != nil || len(removedOf(t, x, store.RemovedQuery{})) != 2 {
		t.Errorf("tombstones %+v", tombstones)
	}
	if got := insert(t, x, e, all[4], all[5]); !slices.Equal(got, []store.Inserted{store.InsertedNew, store.InsertedNew, store.InsertedNew}) {
		t.Errorf("inserted again: %v", got)
	}
	equal(t, dump(t, x), before)
}

// times are left out where two indices that did the same one after the other are compared.
var times = regexp.MustCompile(`"time":"[^"]*"`)

func timeless(lines []string) []string {
	for i, line := range lines {
		lines[i] = times.ReplaceAllString(line, "")
	}
	return lines
}

// testRemoveRandom inserts, replaces, removes and takes back at random, and compares with the reference after each step, and with an index
// that has never known what is gone.
func testRemoveRandom(t *testing.T, o OpenIndex) {
	x, reference := open(t, o), memstore.NewIndex()
	random := rand.New(rand.NewPCG(22, 22))
	g := matchtest.New(22)
	g.Disagree = true
	all := entries(t, 22, 90)
	for i := range 60 { // the same UIDs with other bytes, some of them in other studies
		ds := all[i].DataSet.Clone()
		if i%3 == 0 {
			ds = g.Instance()
			ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(all[i].Ref.Instance))
		}
		e := entryOf(t, ds, "another version")
		e.Replace = i%4 != 0
		all = append(all, e)
	}
	live := map[dicom.UID]*store.Entry{}
	for step := range 120 {
		part := make([]*store.Entry, 1+random.IntN(12))
		for i := range part {
			part[i] = all[random.IntN(len(all))]
		}
		if step%3 == 2 {
			remove(t, x, noon, part...)
			remove(t, reference, noon, part...)
			for _, e := range part {
				if at := live[e.Ref.Instance]; at != nil && at.Blob == e.Blob {
					delete(live, e.Ref.Instance)
				}
			}
		} else {
			results := insert(t, x, part...)
			if want := insert(t, reference, part...); !slices.Equal(results, want) {
				t.Fatalf("step %d: inserted %v, want %v", step, results, want)
			}
			for i, e := range part {
				if results[i] == store.InsertedNew || results[i] == store.InsertedReplacing {
					live[e.Ref.Instance] = e
				}
			}
		}
		equal(t, timeless(dump(t, x)), timeless(dump(t, reference)))
	}
	fresh := memstore.NewIndex()
	for _, e := range live {
		insert(t, fresh, e)
	}
	got, want := dump(t, x), dump(t, fresh)
	equal(t, got[:len(want)], want)
	searchesAgree(t, g, x, fresh)
	equal(t, changesOf(t, x), changesOf(t, reference))
}

// searchesAgree asks random queries of every level.
func searchesAgree(t *testing.T, g *matchtest.Generator, x, oracle store.Index) {
	t.Helper()
	hits := 0
	for i := range 300 {
		q := g.Query(match.Level(i % 3))
		q.Limit = -1
		want := results(t, q, collect(t, oracle.Search(t.Context(), q)))
		equal(t, results(t, q, collect(t, x.Search(t.Context(), q))), want)
		if n, err := x.Count(t.Context(), q); err != nil || n != len(want) {
			t.Errorf("query %d: counted %d (%v), found %d", i, n, err, len(want))
		}
		hits += len(want)
	}
	if hits < 300 {
		t.Errorf("only %d results in all: the queries prove little", hits)
	}
}

// testRemoveRace inserts and removes from many goroutines at once: what is left is as if the rest had never been.
func testRemoveRace(t *testing.T, o OpenIndex) {
	x, want := open(t, o), memstore.NewIndex()
	all := entries(t, 23, 240)
	var group sync.WaitGroup
	i := 0
	for part := range slices.Chunk(all, 6) {
		stays := i%3 == 0
		i++
		if stays {
			insert(t, want, part...)
		}
		group.Go(func() {
			insert(t, x, part...)
			if !stays {
				remove(t, x, noon, part[:3]...)
				remove(t, x, noon, part[3:]...)
			}
		})
	}
	group.Wait()
	lines := dump(t, want)
	equal(t, dump(t, x)[:len(lines)], lines)
	if n := len(removedOf(t, x, store.RemovedQuery{})); n+len(collect(t, want.Entries(t.Context(), dicom.Ref{}))) != len(all) {
		t.Errorf("%d are in the recycle bin", n)
	}
}

// testRowsGone removes what an iterator has not reached yet, and inserts others: none of those must come in the place of the former.
func testRowsGone(t *testing.T, o OpenIndex) {
	x := open(t, o)
	all := entries(t, 24, 600)
	old, others := all[:300], all[300:]
	insert(t, x, old...)
	known := map[dicom.UID]bool{}
	for _, e := range old {
		known[e.Ref.Instance] = true
	}
	look := func(name string, ref func(yield func(dicom.UID) bool)) {
		first := true
		for uid := range ref {
			if first {
				remove(t, x, noon, old...)
				insert(t, x, others...)
				first = false
			}
			if !known[uid] {
				t.Errorf("%s: %s came while others were asked for", name, uid)
				break
			}
		}
		remove(t, x, noon, others...)
		insert(t, x, old...)
	}
	look("Entries", func(yield func(dicom.UID) bool) {
		for e, err := range x.Entries(t.Context(), dicom.Ref{}) {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(e.Ref.Instance) {
				return
			}
		}
	})
	look("Metadata", func(yield func(dicom.UID) bool) {
		for m, err := range x.Metadata(t.Context(), dicom.Ref{}) {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(m.Ref.Instance) {
				return
			}
		}
	})
	look("Search", func(yield func(dicom.UID) bool) {
		for ds, err := range x.Search(t.Context(), match.Query{Level: match.Instance, Limit: -1}) {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(ds.UID(dicom.SOPInstanceUID)) {
				return
			}
		}
	})
}

// changesOf is the change feed as text, without cursors and times.
func changesOf(t testing.TB, x store.Index) (lines []string) {
	t.Helper()
	for _, c := range collect(t, x.Changes(context.Background(), store.Cursor{})) {
		if c.Workitem == "" { // the reference has none
			lines = append(lines, fmt.Sprint(c.Kind, " ", c.Ref.Path(), " ", c.SOPClass))
		}
	}
	return lines
}

// ofInstances leaves only what happened to instances.
func ofInstances(changes []store.Change) []store.Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c store.Change) bool { return c.Ref.Instance == "" })
}

// testChanges reads the feed from everywhere, over a restart, and after its beginning has been dropped.
func testChanges(t *testing.T, o OpenIndex) {
	x, err := o()
	if err != nil {
		t.Fatal(err)
	}
	all := entries(t, 25, 300)
	start, err := x.LatestChange(t.Context())
	if err != nil || start.Number != 0 || start.Epoch == "" {
		t.Fatalf("an empty feed: %v, %v", start, err)
	}
	insert(t, x, all...)
	insert(t, x, all[0]) // a duplicate is no change
	other := entryOf(t, all[1].DataSet, "other bytes")
	insert(t, x, other)
	remove(t, x, noon, all[2])
	back := *all[2]
	back.Kind = store.Restored
	other.Replace = true
	insert(t, x, &back, other)
	changes := collect(t, x.Changes(t.Context(), store.Cursor{}))
	for i, c := range changes {
		if c.Cursor != (store.Cursor{Epoch: start.Epoch, Number: int64(i + 1)}) || c.Time.IsZero() {
			t.Fatalf("change %d: %+v", i, c)
		}
	}
	if n := len(ofInstances(changes)); n != len(all)+3 {
		t.Fatalf("%d changes", n)
	}
	for i, c := range ofInstances(changes) {
		ref, kind := all[min(i, len(all)-1)].Ref, store.Stored
		switch i - len(all) {
		case 0:
			ref, kind = all[2].Ref, store.Deleted
		case 1:
			ref, kind = all[2].Ref, store.Restored
		case 2:
			ref, kind = all[1].Ref, store.Replaced
		}
		if c.Ref != ref || c.Kind != kind || c.SOPClass == "" {
			t.Fatalf("change %d: %+v, want %v of %v", i, c, kind, ref)
		}
	}
	for _, at := range []int{0, 1, 127, 128, 129, 302} {
		if got := collect(t, x.Changes(t.Context(), changes[at].Cursor)); !slices.Equal(got, changes[at+1:]) {
			t.Errorf("behind %v come %d changes", changes[at].Cursor, len(got))
		}
	}
	if n, err := x.TrimChanges(t.Context(), changes[len(changes)-1].Time.Add(time.Hour), 100); err != nil || n != 100 {
		t.Errorf("trimmed %d, %v", n, err)
	}
	if n, err := x.TrimChanges(t.Context(), noon, 100); err != nil || n != 0 {
		t.Errorf("trimmed %d that are newer, %v", n, err)
	}
	if c, ok := x.(interface{ Close() error }); ok {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	x = open(t, o)
	if got := collect(t, x.Changes(t.Context(), store.Cursor{})); !slices.Equal(got, changes[100:]) {
		t.Errorf("from the beginning come %d changes, want %d", len(got), len(changes)-100)
	}
	for _, c := range []store.Cursor{changes[98].Cursor, start, {Epoch: "other", Number: 200}, {Epoch: start.Epoch, Number: 1000}} {
		for _, err := range x.Changes(t.Context(), c) {
			if !errors.Is(err, store.ErrStale) {
				t.Errorf("behind %v: %v", c, err)
			}
			break
		}
	}
	if n, err := x.TrimChanges(t.Context(), changes[len(changes)-1].Time.Add(time.Hour), 1000); err != nil || n != len(changes)-100 {
		t.Errorf("trimmed %d, %v", n, err)
	}
	insert(t, x, entries(t, 26, 1)...)
	after := collect(t, x.Changes(t.Context(), store.Cursor{}))
	if latest, err := x.LatestChange(t.Context()); err != nil || latest.Number != int64(len(changes)+len(after)) {
		t.Errorf("a number was given twice: %v %v", latest, err)
	}
}
