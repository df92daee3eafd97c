package sqlindex

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// Entries implements store.Index.
func (x *Index) Entries(ctx context.Context, r dicom.Ref) iter.Seq2[*store.Entry, error] {
	if r.Resource != "" {
		return x.nonPatientEntries(ctx, r)
	}
	const columns = `instance.sop_class, instance.transfer_syntax, instance.blob, instance.size, instance.stored, instance.layout`
	return chained(below(ctx, x, r, columns, false, chunkRows, func(rows *sql.Rows) (int64, *store.Entry, error) {
		var id, stored int64
		var blob, layout sql.RawBytes
		e := &store.Entry{}
		err := rows.Scan(&id, &e.Ref.Study, &e.Ref.Series, &e.Ref.Instance,
			&e.SOPClass, &e.TransferSyntax, &blob, &e.Size, &stored, &layout)
		if err != nil {
			return 0, nil, err
		}
		if copy(e.Blob[:], blob) != len(e.Blob) {
			return 0, nil, fmt.Errorf("the row of instance %s is damaged", e.Ref.Instance)
		}
		e.Stored = time.Unix(stored, 0).UTC()
		return id, e, e.Layout.UnmarshalBinary(layout)
	}), x.nonPatientEntries(ctx, r))
}

// chained yields what lies in studies, and then what lies in other resources.
func chained[T any](ofStudies, others iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, part := range []iter.Seq2[T, error]{ofStudies, others} {
			for v, err := range part {
				if !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}

// below yields something of each instance below r, in order. An instance's ids and UIDs come before the given columns.
func below[T any](ctx context.Context, x *Index, r dicom.Ref, columns string, full bool, chunk int,
	scan func(*sql.Rows) (int64, T, error)) iter.Seq2[T, error] {
	query := "SELECT instance.id, study.uid, series.uid, instance.uid, " + columns + tables(match.Instance, full, false)
	return func(yield func(T, error) bool) {
		f := all(append(scope(match.Instance, r), probed(match.LimitsOf(ctx))))
		ids, err := x.ids(ctx, "SELECT instance.id"+tables(match.Instance, false, !f.narrow)+f.and()+order(match.Instance), f.args)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		byID(ctx, x, ids, chunk, query+" AND instance.id", scan, yield)
	}
}

// BlobOf implements store.Index.
func (x *Index) BlobOf(ctx context.Context, uid dicom.UID) (id store.BlobID, stored bool, err error) {
	var blob []byte
	err = x.blobOf.QueryRowContext(ctx, uid, uid).Scan(&blob)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return id, false, nil
	case err != nil:
		return id, false, x.readError(ctx, err)
	case copy(id[:], blob) != len(id):
		return id, false, fmt.Errorf("the row of instance %s is damaged", uid)
	}
	return id, true, nil
}

// runs are the parts in which instance_blob is in order.
const runs = `WITH RECURSIVE run (n) AS (
	SELECT 0 UNION ALL SELECT n + 1 FROM run WHERE n < (SELECT MAX(id) >> 12 FROM instance)
) `

// Blobs implements store.Index. The digests of one first byte are held at a time.
func (x *Index) Blobs(ctx context.Context) iter.Seq2[store.BlobID, error] {
	const query = runs + `SELECT blob FROM run CROSS JOIN instance
		WHERE instance.id >> 12 = run.n AND substr(instance.blob, 1, 8) >= ? AND substr(instance.blob, 1, 8) <= ?
		UNION ALL SELECT blob FROM non_patient WHERE blob >= ? AND blob <= ?
		UNION ALL SELECT blob FROM removed WHERE blob >= ? AND blob <= ? AND purged = 0`
	return func(yield func(store.BlobID, error) bool) {
		for first := range 256 {
			low := []byte{byte(first), 0, 0, 0, 0, 0, 0, 0}
			high := bytes.Repeat([]byte{0xFF}, len(store.BlobID{}))
			high[0] = byte(first)
			var ids []store.BlobID
			err := x.each(ctx, query, []any{low, high[:8], low, high, low, high}, func(rows *sql.Rows) error {
				var raw sql.RawBytes
				if err := rows.Scan(&raw); err != nil {
					return err
				}
				var id store.BlobID
				copy(id[:], raw)
				ids = append(ids, id)
				return nil
			})
			if err != nil {
				yield(store.BlobID{}, err)
				return
			}
			slices.SortFunc(ids, func(a, b store.BlobID) int { return bytes.Compare(a[:], b[:]) })
			for _, id := range ids {
				if !yield(id, nil) {
					return
				}
			}
		}
	}
}

// Names implements store.Index.
func (x *Index) Names(ctx context.Context, id store.BlobID) (bool, error) {
	if err := x.poisoned(); err != nil {
		return false, err
	}
	const query = runs + `SELECT (SELECT COUNT(*) FROM run CROSS JOIN instance
		WHERE instance.id >> 12 = run.n AND substr(instance.blob, 1, 8) = ? AND instance.blob = ?)
		+ (SELECT COUNT(*) FROM non_patient WHERE blob = ?)
		+ (SELECT COUNT(*) FROM removed WHERE blob = ? AND purged = 0)`
	var n int
	err := x.reader.QueryRowContext(ctx, x.rebind(query), id[:8], id[:], id[:], id[:]).Scan(&n)
	return n > 0, x.readError(ctx, err)
}
