package sqlindex

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// burial is a removed instance made ready by the caller's goroutine for the table removed, should it not be stored.
type burial struct {
	*store.Removed
	layout, metadata []byte
}

func (x *Index) newBurial(r *store.Removed) (burial, error) {
	b := burial{Removed: r, layout: []byte{}, metadata: []byte{}}
	if r.Record == 0 || r.Purged || r.Entry.Metadata == nil {
		return b, nil
	}
	b.metadata = x.pack.pack(r.Entry.Metadata)
	var err error
	b.layout, err = r.Entry.Layout.MarshalBinary()
	return b, err
}

// bury puts what is not stored into the recycle bin as it is.
func (s *session) bury(b burial) error {
	e := b.Entry
	s.state.removed = true
	return s.exec(s.st.insertRemoved, b.Record, e.Ref.Study, e.Ref.Series, e.Ref.Instance, e.SOPClass, e.TransferSyntax, e.Blob[:], e.Size,
		max(0, e.Stored.Unix()), b.layout, b.metadata, b.Time.Unix(), b.Kind, b.Purged)
}

// takeBack takes the blob of an entry that is about to be inserted out of what has been removed. The journal has to know, or it would
// be removed again.
func (s *session) takeBack(e *store.Entry, kind store.ChangeKind) error {
	s.state.record = max(s.state.record, e.Record)
	if !s.state.removed {
		return nil
	}
	result, err := s.tx.StmtContext(s.ctx, s.st.deleteRemoved).ExecContext(s.ctx, e.Blob[:])
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = s.record(store.Record{Number: e.Record, Time: s.now, Kind: kind, Ref: e.Ref, SOPClass: e.SOPClass, Blob: e.Blob})
	return err
}

// Purge implements store.Index.
func (x *Index) Purge(ctx context.Context, blobs []store.BlobID) error {
	if len(blobs) == 0 {
		return nil
	}
	return x.write(ctx, len(blobs), func(s *session) error {
		var of []string
		for _, id := range blobs {
			studies, err := s.texts(`SELECT study FROM removed WHERE blob = ?`, id[:])
			if err == nil {
				err = s.exec(s.st.purge, id[:])
			}
			if err != nil {
				return err
			}
			if of = append(of, studies...); len(of) > 1 && of[len(of)-1] == of[len(of)-2] {
				of = of[:len(of)-1]
			}
		}
		return s.endReadings(of)
	})
}

// Removed implements store.Index. It reads a page at a time, each behind the last.
func (x *Index) Removed(ctx context.Context, q store.RemovedQuery) iter.Seq2[*store.Removed, error] {
	query, args := removedQuery(q)
	chunk := chunkRows
	if q.Whole {
		chunk = chunkWhole
	}
	return func(yield func(*store.Removed, error) bool) {
		for below := int64(1) << 62; ; {
			var page []*store.Removed
			err := x.each(ctx, query, append([]any{below}, append(args, chunk)...), func(rows *sql.Rows) error {
				r, err := x.scanRemoved(ctx, rows)
				page = append(page, r)
				return err
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				below = r.Record
			}
			if len(page) < chunk {
				return
			}
		}
	}
}

// removedQuery selects what q chooses with a number below the first argument, up to as many as the last one says. The sign before a column
// keeps the database from looking up by it: an instance, a blob or a study narrows the most.
func removedQuery(q store.RemovedQuery) (query string, args []any) {
	query = `SELECT record, study, series, instance, sop_class, transfer_syntax, blob, size, stored, time, kind, purged`
	if q.Whole {
		query += ", layout, metadata"
	} else {
		query += ", x'', x''"
	}
	query += " FROM removed WHERE record < ?"
	where := func(clause string, arg any) {
		query += " AND " + clause
		args = append(args, arg)
	}
	if q.Blob != nil {
		where("blob = ?", q.Blob[:])
	}
	if q.Ref.Instance != "" {
		where("instance = ?", q.Ref.Instance)
	}
	if q.Ref.Resource != "" {
		query += " AND study = '' AND sop_class IN (" + placeholders(len(dicom.ClassesIn(q.Ref.Resource))) + ")"
		for _, class := range dicom.ClassesIn(q.Ref.Resource) {
			args = append(args, class)
		}
	}
	if q.Ref.Series != "" {
		where("series = ?", q.Ref.Series)
	}
	if q.Ref.Study != "" && q.Ref.Instance == "" {
		where("study = ?", q.Ref.Study)
	} else if q.Ref.Study != "" {
		where("+study = ?", q.Ref.Study)
	}
	if !q.Before.IsZero() {
		where("time < ?", (q.Before.UnixNano()+int64(time.Second)-1)/int64(time.Second))
	}
	if !q.Tombstones {
		query += " AND purged = 0"
	}
	return query + " ORDER BY record DESC LIMIT ?", args
}

func (x *Index) scanRemoved(ctx context.Context, rows *sql.Rows) (*store.Removed, error) {
	e := &store.Entry{}
	r := &store.Removed{Entry: e}
	var stored, removed int64
	var blob, layout, metadata sql.RawBytes
	err := rows.Scan(&r.Record, &e.Ref.Study, &e.Ref.Series, &e.Ref.Instance, &e.SOPClass, &e.TransferSyntax, &blob, &e.Size,
		&stored, &removed, &r.Kind, &r.Purged, &layout, &metadata)
	if err != nil {
		return nil, err
	}
	if copy(e.Blob[:], blob) != len(e.Blob) || !r.Kind.Valid() {
		return nil, fmt.Errorf("the row of removed instance %s is damaged", e.Ref.Instance)
	}
	e.Ref = located(e.Ref, e.SOPClass)
	e.Stored, r.Time = time.Unix(stored, 0).UTC(), time.Unix(removed, 0).UTC()
	if len(metadata) == 0 {
		return r, nil
	}
	length, err := unpackedLength(metadata)
	if err == nil {
		err = store.Admit(ctx, length)
	}
	if err == nil {
		e.Metadata, err = x.pack.unpack(metadata)
	}
	if err != nil {
		return nil, err
	}
	return r, e.Layout.UnmarshalBinary(layout)
}
