// Package memstore is the reference implementation of store.Index and store.Blobs, in memory: every answer is worked out from
// the entries alone, by store's own definition of study and series and by the oracle of package match. Tests use it where they
// want a store, and storetest compares every other implementation with it.
package memstore

import (
	"context"
	"crypto/rand"
	"iter"
	"slices"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// New returns an empty store in memory.
func New(o store.Options) *store.Store { return store.New(NewIndex(), NewBlobs(), o) }

// Index implements store.Index.
type Index struct {
	mu        sync.RWMutex
	instances map[dicom.UID]*instance
	known     tree // of instances; nil: to be worked out
	studies   map[dicom.UID]*feedStudy
	removed   map[store.BlobID]*store.Removed
	feed      feed
	changed   store.Bell
}

type instance struct {
	entry             *store.Entry // without DataSet
	dataSet           *dicom.DataSet
	ofStudy, ofSeries *dicom.DataSet // store.Split of dataSet
	metadata          []byte
}

// feedStudy is what the change feed has to know of one.
type feedStudy struct {
	instances int
	touched   int64 // number of the last change that brought an instance
}

// NewIndex returns an empty index.
func NewIndex() *Index {
	return &Index{
		instances: map[dicom.UID]*instance{}, studies: map[dicom.UID]*feedStudy{}, removed: map[store.BlobID]*store.Removed{},
		feed: feed{epoch: rand.Text()},
	}
}

// Insert implements store.Index.
func (x *Index) Insert(ctx context.Context, entries []*store.Entry) ([]store.Inserted, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	results := make([]store.Inserted, len(entries))
	for i, e := range entries {
		results[i] = x.insert(e)
	}
	x.changed.Ring()
	return results, nil
}

func (x *Index) insert(e *store.Entry) store.Inserted {
	result, kind := store.InsertedNew, e.Kind
	old, ok := x.instances[e.Ref.Instance]
	switch {
	case ok && old.entry.Blob == e.Blob:
		return store.InsertedDuplicate
	case ok && !e.Replace:
		return store.InsertedConflict
	}
	if bin, held := x.removed[e.Blob]; (!held || bin.Purged) && !e.Quota.Admits(x.usage(), e.Size) {
		return store.InsertedNot
	}
	st := x.studies[e.Ref.Study] // an instance of no patient counts for a study without a name, of which nobody is told
	if st == nil {
		st = &feedStudy{}
		x.studies[e.Ref.Study] = st
	}
	if st.instances == 0 && e.Ref.Resource == "" {
		x.feed.change(store.StudyStored, dicom.Ref{Study: e.Ref.Study}, "")
	}
	if ok {
		x.remove(old, &store.Removed{Time: now(), Kind: store.Replaced})
		if result = store.InsertedReplacing; kind == store.Stored {
			kind = store.Replaced
		}
		if old.entry.Ref != e.Ref {
			x.feed.change(store.Deleted, old.entry.Ref, old.entry.SOPClass)
		}
	}
	if _, back := x.removed[e.Blob]; back {
		delete(x.removed, e.Blob)
		x.feed.record(&store.Removed{Entry: e, Time: now(), Kind: kind, Record: e.Record})
	}
	x.feed.last = max(x.feed.last, e.Record)
	x.feed.change(kind, e.Ref, e.SOPClass)
	st.instances++
	st.touched = x.feed.number
	entry := *e
	entry.DataSet, entry.Metadata = nil, nil
	entry.Kind, entry.Replace, entry.Record, entry.Quota = 0, false, 0, store.Quota{}
	in := &instance{entry: &entry, dataSet: e.DataSet, metadata: e.Metadata}
	in.ofStudy, in.ofSeries = store.Split(e.DataSet)
	x.known = nil
	x.instances[e.Ref.Instance] = in
	return result
}

// Usage implements store.Index.
func (x *Index) Usage(context.Context) (store.Usage, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.usage(), nil
}

func (x *Index) usage() (u store.Usage) {
	hold := func(e *store.Entry) {
		u.Bytes += e.Size
		u.Instances++
	}
	for _, in := range x.instances {
		hold(in.entry)
	}
	for _, r := range x.removed {
		if !r.Purged {
			hold(r.Entry)
		}
	}
	return u
}

// Search implements store.Index.
func (x *Index) Search(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		skip, left := q.Offset, q.Limit
		for ds := range x.found(ctx, q) {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if left == 0 {
				return
			}
			if skip > 0 {
				skip--
				continue
			}
			left--
			if !yield(ds.Clone(), nil) {
				return
			}
		}
	}
}

// Count implements store.Index.
func (x *Index) Count(ctx context.Context, q match.Query) (int, error) {
	n := 0
	for range x.found(ctx, q) {
		n++
	}
	return n, ctx.Err()
}

// found yields what matches behind q.After: of each entity of q.Level the first.
func (x *Index) found(ctx context.Context, q match.Query) iter.Seq[*dicom.DataSet] {
	return func(yield func(*dicom.DataSet) bool) {
		var last dicom.Ref
		for ds := range x.virtual(q, match.LimitsOf(ctx)) {
			if !q.Match(ds) {
				continue
			}
			at := store.PositionOf(q.Level, ds)
			if q.After != nil && at.Compare(*q.After) <= 0 || q.Searched() > q.Level && at.Ref == last {
				continue
			}
			if last = at.Ref; !yield(ds) {
				return
			}
		}
	}
}

// Entries implements store.Index.
func (x *Index) Entries(ctx context.Context, r dicom.Ref) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		for in := range x.below(r, match.LimitsOf(ctx)) {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			entry := *in.entry
			if !yield(&entry, nil) {
				return
			}
		}
	}
}

// Metadata implements store.Index.
func (x *Index) Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[store.Metadata, error] {
	return func(yield func(store.Metadata, error) bool) {
		for in := range x.below(r, match.LimitsOf(ctx)) {
			if err := ctx.Err(); err != nil {
				yield(store.Metadata{}, err)
				return
			}
			if err := store.Admit(ctx, int64(len(in.metadata))); err != nil {
				yield(store.Metadata{}, err)
				return
			}
			if !yield(store.Metadata{Ref: in.entry.Ref, Blob: in.entry.Blob, JSON: in.metadata}, nil) {
				return
			}
		}
	}
}

// Blobs implements store.Index.
func (x *Index) Blobs(ctx context.Context) iter.Seq2[store.BlobID, error] {
	return func(yield func(store.BlobID, error) bool) {
		for _, id := range x.blobs() {
			if err := ctx.Err(); err != nil {
				yield(store.BlobID{}, err)
				return
			}
			if !yield(id, nil) {
				return
			}
		}
	}
}

// BlobOf implements store.Index.
func (x *Index) BlobOf(ctx context.Context, uid dicom.UID) (id store.BlobID, stored bool, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	in, stored := x.instances[uid]
	if stored {
		id = in.entry.Blob
	}
	return id, stored, ctx.Err()
}

// Names implements store.Index.
func (x *Index) Names(ctx context.Context, id store.BlobID) (bool, error) {
	return slices.Contains(x.blobs(), id), ctx.Err()
}

func (x *Index) blobs() []store.BlobID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []store.BlobID
	for _, in := range x.instances {
		ids = append(ids, in.entry.Blob)
	}
	for id, r := range x.removed {
		if !r.Purged {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, compareBlobs)
	return ids
}

// Close implements store.Index.
// Writable implements store.Index.
func (x *Index) Writable() error { return nil }

// Close implements store.Index.
func (x *Index) Close() error { return nil }
