// Package storetest is the suite that every implementation of store.Index and store.Blobs passes: each guarantee in the comments
// of the interfaces is a test here. An implementation's own test is a few lines that open it.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// OpenIndex opens an index, the same each time it is called; before each call but the first the test closes it.
type OpenIndex func() (store.Index, error)

// Index tests an implementation of store.Index. fresh returns a way to open a new, empty one.
func Index(t *testing.T, fresh func(t *testing.T) OpenIndex) {
	for name, test := range map[string]func(*testing.T, OpenIndex){
		"Insert":        testInsert,
		"InsertTwice":   testInsertTwice,
		"InsertRace":    testInsertRace,
		"InsertMany":    testInsertMany,
		"Cancelled":     testCancelled,
		"Entries":       testEntries,
		"Admission":     testAdmission,
		"Order":         testOrder,
		"AnyOrder":      testAnyOrder,
		"Reopen":        testReopen,
		"Search":        testSearch,
		"Keys":          testKeys,
		"ManyMatches":   testManyMatches,
		"Page":          testPage,
		"WhileIterated": testWhileIterated,
		"AsListed":      testAsListed,
		"Blobs":         testBlobsOfIndex,
		"Remove":        testRemoveIndex,
		"RemoveRandom":  testRemoveRandom,
		"RemoveRace":    testRemoveRace,
		"RowsGone":      testRowsGone,
		"Changes":       testChanges,
		"StudyStored":   testStudyStored,
		"Settle":        testSettle,
		"SettleReopen":  testSettleReopen,
		"Changed":       testChanged,
		"Limits":        testLimits,
		"ManyWithin":    testManyWithin,
		"NonPatient":    testNonPatientIndex,
		"Usage":         testUsage,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func open(t *testing.T, o OpenIndex) store.Index {
	t.Helper()
	x, err := o()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c, can := x.(interface {
			Check(context.Context) ([]string, error)
			Miscounts(context.Context) (bool, error)
		}); can && !t.Failed() { // whatever the test did, its rows agree with each other
			if found, err := c.Check(context.Background()); len(found) > 0 && err == nil {
				t.Errorf("the index contradicts itself: %v", found)
			}
			if wrong, err := c.Miscounts(context.Background()); wrong && err == nil {
				t.Error("what the index says that it holds is not what it holds")
			}
		}
		x.Close()
	})
	return x
}

// entryOf makes an entry as Ingest would, of a file that consists of the metadata and a variant.
func entryOf(t testing.TB, ds *dicom.DataSet, variant string) *store.Entry {
	t.Helper()
	metadata, err := ds.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return &store.Entry{
		Ref: ds.Ref(), SOPClass: ds.UID(dicom.SOPClassUID), TransferSyntax: "1.2.840.10008.1.2.1",
		Blob: sha256.Sum256(append(metadata, variant...)), Size: int64(len(metadata) + len(variant)),
		Stored: time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC),
		Layout: part10.Layout{
			DataSet: 132,
			Bulk:    []part10.BulkValue{{Path: "00281201", VR: dicom.OW, Span: part10.Span{Offset: 1000, Length: 512}, Word: 1}},
			Pixel: &part10.PixelData{
				Tag: dicom.PixelData, VR: dicom.OW, Value: part10.Span{Offset: 2000, Length: 8192},
				NumberOfFrames: 2, FrameBits: 8 * 4096, Word: 1,
			},
		},
		DataSet: ds, Metadata: metadata,
	}
}

func entries(t testing.TB, seed uint64, n int) []*store.Entry {
	g := matchtest.New(seed)
	g.Disagree = true
	all := make([]*store.Entry, n)
	for i := range all {
		all[i] = entryOf(t, instanceOf(g, i), "")
	}
	return all
}

// instanceOf makes an instance, some of which claim what an index computes, as exported files do.
func instanceOf(g *matchtest.Generator, i int) *dicom.DataSet {
	ds := g.Instance()
	if i%5 == 0 {
		ds.SetStrings(dicom.InstanceAvailability, dicom.CS, "OFFLINE")
		ds.SetStrings(dicom.ModalitiesInStudy, dicom.CS, "CT", "XX")
		ds.SetStrings(dicom.SOPClassesInStudy, dicom.UI, "1.2.3")
		ds.SetStrings(dicom.RetrieveURL, dicom.UR, "http://elsewhere/")
		ds.SetStrings(dicom.NumberOfStudyRelatedInstances, dicom.IS, "4711")
		ds.SetStrings(dicom.NumberOfSeriesRelatedInstances, dicom.IS, "4711")
		ds.SetStrings(dicom.AvailableTransferSyntaxUID, dicom.UI, "1.2.3")
	}
	return ds
}

func insert(t testing.TB, x store.Index, entries ...*store.Entry) []store.Inserted {
	t.Helper()
	inserted, err := x.Insert(context.Background(), entries)
	if err != nil {
		t.Fatal(err)
	}
	return inserted
}

func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func dump(t testing.TB, x store.Index) []string {
	t.Helper()
	return collect(t, store.Dump(context.Background(), x))
}

func equal(t testing.TB, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("line %d is missing:\n%s", i, want[i])
		case i >= len(want):
			t.Fatalf("line %d is too much:\n%s", i, got[i])
		case got[i] != want[i]:
			t.Fatalf("line %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
}

func refs(entries []*store.Entry) []dicom.Ref {
	var refs []dicom.Ref
	for _, e := range entries {
		refs = append(refs, e.Ref)
	}
	return refs
}

func testInsert(t *testing.T, o OpenIndex) {
	x := open(t, o)
	e := entries(t, 1, 3)
	if got := insert(t, x, e...); !slices.Equal(got, []store.Inserted{store.InsertedNew, store.InsertedNew, store.InsertedNew}) {
		t.Errorf("inserted %v", got)
	}
	if got := insert(t, x); len(got) != 0 {
		t.Errorf("nothing inserted: %v", got)
	}
	for _, e := range e {
		got := collect(t, x.Entries(t.Context(), e.Ref))
		if len(got) != 1 {
			t.Fatalf("%d entries under %s", len(got), e.Ref.Path())
		}
		g := got[0]
		if g.Ref != e.Ref || g.SOPClass != e.SOPClass || g.TransferSyntax != e.TransferSyntax || g.Blob != e.Blob ||
			g.Size != e.Size || !g.Stored.Equal(e.Stored) {
			t.Errorf("entry: got %+v, want %+v", g, e)
		}
		if g.DataSet != nil || g.Metadata != nil {
			t.Error("an entry that is read back has no data set")
		}
		if v, ok := g.Layout.Value("00281201"); !ok || v != e.Layout.Bulk[0] {
			t.Errorf("bulk value: %+v", v)
		}
		if f, ok := g.Layout.Pixel.Frame(2); !ok || f.Spans[0] != (part10.Span{Offset: 6096, Length: 4096}) {
			t.Errorf("frame: %+v", f)
		}
		metadata := collect(t, x.Metadata(t.Context(), e.Ref))
		if len(metadata) != 1 || metadata[0].Ref != e.Ref || metadata[0].Blob != e.Blob || string(metadata[0].JSON) != string(e.Metadata) {
			t.Errorf("metadata of %s", e.Ref.Path())
		}
	}
}

func testInsertTwice(t *testing.T, o OpenIndex) {
	x := open(t, o)
	e := entries(t, 2, 2)
	other := entryOf(t, e[0].DataSet, "other bytes")
	want := []store.Inserted{store.InsertedNew, store.InsertedDuplicate, store.InsertedConflict}
	if got := insert(t, x, e[0], e[0], other); !slices.Equal(got, want) {
		t.Errorf("in one call: %v, want %v", got, want)
	}
	before := dump(t, x)
	want = []store.Inserted{store.InsertedConflict, store.InsertedDuplicate}
	if got := insert(t, x, other, e[0]); !slices.Equal(got, want) {
		t.Errorf("in a later call: %v, want %v", got, want)
	}
	equal(t, dump(t, x), before)

	elsewhere := other.DataSet.Clone()
	elsewhere.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2.3.4.5")
	if got := insert(t, x, entryOf(t, elsewhere, ""), e[1]); got[0] != store.InsertedConflict || got[1] != store.InsertedNew {
		t.Errorf("the same instance in another study: %v", got)
	}
}

func testInsertRace(t *testing.T, o OpenIndex) {
	const goroutines = 32
	x := open(t, o)
	all := entries(t, 3, 20)
	for i, e := range all {
		results := make([]store.Inserted, goroutines)
		var group sync.WaitGroup
		for n := range goroutines {
			variant := e
			if i%2 == 1 { // every goroutine has other bytes
				variant = entryOf(t, e.DataSet, fmt.Sprint(n))
			}
			group.Go(func() {
				inserted, err := x.Insert(t.Context(), []*store.Entry{variant})
				if err != nil {
					t.Error(err)
					return
				}
				results[n] = inserted[0]
				if len(collect(t, x.Entries(t.Context(), e.Ref))) != 1 {
					t.Error("an instance is not there although Insert has returned")
				}
			})
		}
		group.Wait()
		count := map[store.Inserted]int{}
		for _, r := range results {
			count[r]++
		}
		if count[store.InsertedNew] != 1 || i%2 == 0 && count[store.InsertedConflict] != 0 ||
			i%2 == 1 && count[store.InsertedDuplicate] != 0 {
			t.Fatalf("results %v", count)
		}
	}
}

// testInsertMany checks that what concurrent calls insert is the same as what one call inserts.
func testInsertMany(t *testing.T, o OpenIndex) {
	x, want := open(t, o), memstore.NewIndex()
	all := entries(t, 4, 200)
	insert(t, want, all...)
	var group sync.WaitGroup
	for part := range slices.Chunk(all, 3) {
		group.Go(func() { insert(t, x, part...) })
	}
	group.Wait()
	equal(t, dump(t, x), dump(t, want))
}

func testCancelled(t *testing.T, o OpenIndex) {
	x := open(t, o)
	all := entries(t, 5, 20)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Insert(ctx, all); !errors.Is(err, context.Canceled) {
		t.Errorf("Insert: %v", err)
	}
	if n := len(dump(t, x)); n != 0 {
		t.Errorf("a cancelled Insert left %d lines", n)
	}
	insert(t, x, all...)
	for name, seq := range map[string]iter.Seq[error]{
		"Search":   errorsOf(x.Search(ctx, match.Query{Limit: -1})),
		"Entries":  errorsOf(x.Entries(ctx, dicom.Ref{})),
		"Metadata": errorsOf(x.Metadata(ctx, dicom.Ref{})),
		"Blobs":    errorsOf(x.Blobs(ctx)),
	} {
		var last error
		for err := range seq {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("%s: %v", name, last)
		}
	}
	if _, err := x.Names(ctx, all[0].Blob); !errors.Is(err, context.Canceled) {
		t.Errorf("Names: %v", err)
	}
	if _, _, err := x.BlobOf(ctx, all[0].Ref.Instance); !errors.Is(err, context.Canceled) {
		t.Errorf("BlobOf: %v", err)
	}
}

func errorsOf[T any](seq iter.Seq2[T, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range seq {
			if !yield(err) {
				return
			}
		}
	}
}

// testAnyOrder checks that an index does not depend on the order in which instances came.
func testAnyOrder(t *testing.T, o OpenIndex) {
	x, want := open(t, o), memstore.NewIndex()
	all := entries(t, 6, 120)
	insert(t, want, all...)
	rand.New(rand.NewPCG(6, 6)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for part := range slices.Chunk(all, 7) {
		insert(t, x, part...)
	}
	equal(t, dump(t, x), dump(t, want))
}

func testReopen(t *testing.T, o OpenIndex) {
	x, err := o()
	if err != nil {
		t.Fatal(err)
	}
	insert(t, x, entries(t, 7, 60)...)
	want := dump(t, x)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, dump(t, open(t, o)), want)
}

func testBlobsOfIndex(t *testing.T, o OpenIndex) {
	x := open(t, o)
	all := entries(t, 8, 100)
	insert(t, x, all...)
	got := collect(t, x.Blobs(t.Context()))
	if len(got) != len(all) || !slices.IsSortedFunc(got, func(a, b store.BlobID) int { return slices.Compare(a[:], b[:]) }) {
		t.Errorf("%d blobs, want %d in ascending order", len(got), len(all))
	}
	for _, e := range all {
		if named, err := x.Names(t.Context(), e.Blob); err != nil || !named || !slices.Contains(got, e.Blob) {
			t.Fatalf("blob of %s: %v %v", e.Ref.Path(), named, err)
		}
	}
	for _, e := range all {
		if id, stored, err := x.BlobOf(t.Context(), e.Ref.Instance); err != nil || !stored || id != e.Blob {
			t.Fatalf("blob of %s: %v %v %v", e.Ref.Path(), id, stored, err)
		}
	}
	if id, stored, err := x.BlobOf(t.Context(), "1.2.3"); err != nil || stored || id != (store.BlobID{}) {
		t.Errorf("blob of an instance that is not there: %v %v %v", id, stored, err)
	}
	if named, err := x.Names(t.Context(), store.BlobID{1}); err != nil || named {
		t.Errorf("a blob that no entry names: %v %v", named, err)
	}
}
