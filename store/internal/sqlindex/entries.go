package sqlindex

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
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
	return chained(below(ctx, x, r, versions[*store.Entry]{
		columns: "sop_class, transfer_syntax, blob, size, stored, layout",
		chunk:   chunkRows,
		scan: func(rows *sql.Rows) (int64, *store.Entry, error) {
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
		},
		blob: func(e *store.Entry) []byte { return e.Blob[:] },
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

// versions is what is read of instances, each as it was when they were listed.
type versions[T any] struct {
	columns string // of instance and removed, behind the id and the UIDs
	packed  bool   // and packedColumns
	chunk   int    // instances at once
	scan    func(*sql.Rows) (int64, T, error)
	blob    func(T) []byte
}

// below yields something of each instance below r, in order. Below a study, series or instance it is what there was when it began: what has been
// removed or replaced since lies in the recycle bin, and is found there by its blob, unless it has been purged. A reader of all there is,
// which may be long, sees neither what goes meanwhile nor remembers the blobs.
func below[T any](ctx context.Context, x *Index, r dicom.Ref, what versions[T]) iter.Seq2[T, error] {
	columns, binned := "instance."+strings.ReplaceAll(what.columns, ", ", ", instance."), what.columns
	if what.packed {
		columns, binned = columns+", "+packedColumns("json"), binned+", "+packedColumns("metadata")
	}
	query := "SELECT instance.id, study.uid, series.uid, instance.uid, " + columns + tables(match.Instance, what.packed, false) + " AND instance.id"
	binned = "SELECT record, study, series, instance, " + binned + " FROM removed WHERE purged = 0 AND blob = ?"
	return func(yield func(T, error) bool) {
		f := all(append(scope(match.Instance, r), probed(match.LimitsOf(ctx))))
		from := tables(match.Instance, false, !f.narrow) + f.and() + order(match.Instance)
		if r == (dicom.Ref{}) {
			ids, err := x.ids(ctx, "SELECT instance.id"+from, f.args)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			byID(ctx, x, ids, what.chunk, query, what.scan, yield)
			return
		}
		for v, err := range asListed(ctx, x, "SELECT instance.id, instance.blob"+from, f.args, query, binned, what) {
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// version is a version of an instance that a reader has come across.
type version struct {
	id   int64
	blob store.BlobID
}

// asListed yields what a query lists, in that order, read in chunks.
func asListed[T any](ctx context.Context, x *Index, list string, args []any, query, binned string, what versions[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var all []version
		var none T
		err := x.each(ctx, list, args, func(rows *sql.Rows) error {
			var in version
			var blob sql.RawBytes
			err := rows.Scan(&in.id, &blob)
			copy(in.blob[:], blob)
			all = append(all, in)
			return err
		})
		if err != nil {
			yield(none, err)
			return
		}
		ids := make([]int64, 0, what.chunk)
		for part := range slices.Chunk(all, what.chunk) {
			ids = ids[:0]
			for _, in := range part {
				ids = append(ids, in.id)
			}
			found, err := readChunk(ctx, x, ids, query, what.scan)
			if err != nil {
				yield(none, err)
				return
			}
			for _, in := range part {
				v, ok := found[in.id]
				if !ok || !bytes.HasPrefix(in.blob[:], what.blob(v)) { // a damaged blob is short
					v, ok = none, false
					err = x.each(ctx, binned, []any{in.blob[:]}, func(rows *sql.Rows) (err error) {
						_, v, err = what.scan(rows)
						ok = true
						return err
					})
				}
				if ok || err != nil {
					if !yield(v, err) || err != nil {
						return
					}
				}
			}
		}
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
