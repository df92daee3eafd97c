package memstore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// feed is what is remembered of commits: the change feed, and what belongs into the journal.
type feed struct {
	epoch    string
	changes  []store.Change
	number   int64 // of the last change
	settled  int64 // the last change that Settle has looked at
	trimmed  int64 // the highest number that is no longer kept
	outbox   []store.Record
	last     int64 // the highest number of a record
	recorded int64 // the journal has the records up to it
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func (f *feed) change(kind store.ChangeKind, r dicom.Ref, sopClass dicom.UID) {
	f.number++
	f.changes = append(f.changes, store.Change{
		Cursor: store.Cursor{Epoch: f.epoch, Number: f.number}, Kind: kind, Ref: r, SOPClass: sopClass,
		Time: time.Now().UTC().Truncate(time.Millisecond),
	})
}

// record numbers what happened to a blob, unless it has a number from the journal.
func (f *feed) record(r *store.Removed) {
	if r.Record == 0 {
		r.Record = max(f.last, f.recorded) + 1
		f.outbox = append(f.outbox, store.Record{
			Number: r.Record, Time: r.Time, Kind: r.Kind, Ref: r.Entry.Ref, SOPClass: r.Entry.SOPClass, Blob: r.Entry.Blob,
		})
	}
	f.last = max(f.last, r.Record)
}

// Remove implements store.Index.
func (x *Index) Remove(ctx context.Context, removed []*store.Removed) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range removed {
		clone := *r
		in, ok := x.instances[r.Entry.Ref.Instance]
		switch _, known := x.removed[r.Entry.Blob]; {
		case ok && in.entry.Blob == r.Entry.Blob:
			x.feed.change(r.Kind, in.entry.Ref, in.entry.SOPClass)
			x.remove(in, &clone)
			if r.Purged {
				x.purge(r.Entry.Blob)
			}
		case r.Record > 0 && !known:
			x.bury(&clone)
		}
		x.feed.last = max(x.feed.last, r.Record)
	}
	x.changed.Ring()
	return nil
}

// remove puts a stored instance into the recycle bin.
func (x *Index) remove(in *instance, r *store.Removed) {
	entry := *in.entry
	entry.Metadata = in.metadata
	r.Entry, r.Purged = &entry, false
	delete(x.instances, entry.Ref.Instance)
	x.studies[entry.Ref.Study].instances--
	x.known = nil
	x.bury(r)
}

func (x *Index) bury(r *store.Removed) {
	x.feed.record(r)
	r.Time = r.Time.UTC().Truncate(time.Second)
	x.removed[r.Entry.Blob] = r
}

// Removed implements store.Index.
func (x *Index) Removed(ctx context.Context, q store.RemovedQuery) iter.Seq2[*store.Removed, error] {
	return func(yield func(*store.Removed, error) bool) {
		x.mu.RLock()
		var found []*store.Removed
		for id, r := range x.removed {
			if q.Ref.Contains(r.Entry.Ref) && (q.Blob == nil || *q.Blob == id) && (q.Tombstones || !r.Purged) &&
				(q.Before.IsZero() || r.Time.Before(q.Before)) {
				clone, entry := *r, *r.Entry
				entry.DataSet = nil
				if !q.Whole {
					entry.Metadata, entry.Layout.Bulk, entry.Layout.Pixel = nil, nil, nil
				}
				clone.Entry = &entry
				found = append(found, &clone)
			}
		}
		x.mu.RUnlock()
		slices.SortFunc(found, func(a, b *store.Removed) int { return cmp.Compare(b.Record, a.Record) })
		for _, r := range found {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if err := store.Admit(ctx, int64(len(r.Entry.Metadata))); err != nil {
				yield(nil, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Purge implements store.Index.
func (x *Index) Purge(ctx context.Context, blobs []store.BlobID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range blobs {
		x.purge(id)
	}
	return nil
}

func (x *Index) purge(id store.BlobID) {
	if r, ok := x.removed[id]; ok && !r.Purged {
		purged := *r
		purged.Entry = &store.Entry{Ref: r.Entry.Ref, SOPClass: r.Entry.SOPClass, Blob: id}
		purged.Purged = true
		x.removed[id] = &purged
	}
}

// Changes implements store.Index.
func (x *Index) Changes(ctx context.Context, after store.Cursor) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		x.mu.RLock()
		f := x.feed
		x.mu.RUnlock()
		if after.Epoch != "" && after.Epoch != f.epoch || after.Epoch != "" && after.Number < f.trimmed || after.Number > f.number {
			yield(store.Change{}, fmt.Errorf("%v: %w", after, store.ErrStale))
			return
		}
		for _, c := range f.changes {
			if err := ctx.Err(); err != nil {
				yield(store.Change{}, err)
				return
			}
			if c.Cursor.Number > after.Number && !yield(c, nil) {
				return
			}
		}
	}
}

// LatestChange implements store.Index.
func (x *Index) LatestChange(ctx context.Context) (store.Cursor, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return store.Cursor{Epoch: x.feed.epoch, Number: x.feed.number}, ctx.Err()
}

// Changed implements store.Index.
func (x *Index) Changed() <-chan struct{} { return x.changed.Next() }

// Settle implements store.Index.
func (x *Index) Settle(ctx context.Context, before time.Time, limit int) (next time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return next, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	f := &x.feed
	defer x.changed.Ring()
	for _, c := range f.changes {
		if c.Cursor.Number <= f.settled {
			continue
		}
		if limit == 0 || !c.Time.Before(before) {
			return c.Time, nil
		}
		f.settled = c.Cursor.Number
		limit--
		if st := x.studies[c.Ref.Study]; c.Ref.Study != "" && st != nil && st.instances > 0 && st.touched == c.Cursor.Number {
			f.change(store.StudySettled, dicom.Ref{Study: c.Ref.Study}, "")
		}
	}
	return next, nil
}

// TrimChanges implements store.Index.
func (x *Index) TrimChanges(ctx context.Context, before time.Time, limit int) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for ; n < min(limit, len(x.feed.changes)) && x.feed.changes[n].Time.Before(before); n++ {
		x.feed.trimmed = x.feed.changes[n].Cursor.Number
	}
	x.feed.changes = x.feed.changes[n:]
	return n, ctx.Err()
}

// Unrecorded implements store.Index.
func (x *Index) Unrecorded(ctx context.Context) ([]store.Record, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var records []store.Record
	for _, r := range x.feed.outbox {
		if r.Number > x.feed.recorded {
			records = append(records, r)
		}
	}
	return records, ctx.Err()
}

// Recorded implements store.Index.
func (x *Index) Recorded(number int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.feed.recorded = max(x.feed.recorded, number)
}

// LastRecord implements store.Index.
func (x *Index) LastRecord(ctx context.Context) (int64, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.feed.last, ctx.Err()
}
