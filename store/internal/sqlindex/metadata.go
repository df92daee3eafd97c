package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/klauspost/compress/zstd"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// packedMetadata is the metadata of an instance as it is read together with that of others: a long one has only its beginning, which
// tells how long it is unpacked, and is read when it has been admitted.
type packedMetadata struct {
	ref    dicom.Ref
	blob   []byte
	packed []byte
	whole  int64  // the length of all of packed
	rest   string // the query for all of it
	args   []any
}

// packedColumns are packed and whole, of a column.
func packedColumns(column string) string {
	return "CASE WHEN length(" + column + ") <= 65536 THEN " + column + " ELSE substr(" + column + ", 1, 18) END, length(" + column + ")"
}

// wholeMetadata is the packed metadata of an instance, which may lie in the recycle bin by now.
const wholeMetadata = `SELECT json FROM instance_metadata JOIN instance ON instance.id = instance_id WHERE instance.id = ? AND blob = ?
	UNION ALL SELECT metadata FROM removed WHERE purged = 0 AND blob = ?`

// storedMetadata and wholeNonPatient are that of an instance by its id.
const (
	storedMetadata  = `SELECT json FROM instance_metadata WHERE instance_id = ?`
	wholeNonPatient = `SELECT json FROM non_patient WHERE id = ?`
)

// whole reads one of them.
func (x *Index) whole(ctx context.Context, query string, args ...any) (packed []byte, err error) {
	err = x.reader.QueryRowContext(ctx, x.rebind(query), args...).Scan(&packed)
	return packed, x.readError(ctx, err)
}

// Metadata implements store.Index.
func (x *Index) Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[store.Metadata, error] {
	all := x.nonPatientMetadata(ctx, r)
	if r.Resource == "" {
		all = chained(below(ctx, x, r, versions[packedMetadata]{
			columns: "blob",
			packed:  true,
			chunk:   chunkWhole,
			scan: func(rows *sql.Rows) (int64, packedMetadata, error) {
				var m packedMetadata
				var id int64
				err := rows.Scan(&id, &m.ref.Study, &m.ref.Series, &m.ref.Instance, &m.blob, &m.packed, &m.whole)
				m.rest, m.args = wholeMetadata, []any{id, m.blob, m.blob}
				return id, m, err
			},
			blob: func(m packedMetadata) []byte { return m.blob },
		}), all)
	}
	return func(yield func(store.Metadata, error) bool) {
		for m, err := range all {
			var text []byte
			if err == nil {
				text, err = x.unpacked(ctx, m)
			}
			if errors.Is(err, sql.ErrNoRows) { // removed meanwhile
				continue
			}
			one := store.Metadata{Ref: m.ref, JSON: text}
			if copy(one.Blob[:], m.blob) != len(one.Blob) && err == nil {
				err = fmt.Errorf("index: the row of an instance is damaged: a blob of %d bytes", len(m.blob))
			}
			if !yield(one, err) || err != nil {
				return
			}
		}
	}
}

// nonPatientMetadata yields that of instances of no patient below r.
func (x *Index) nonPatientMetadata(ctx context.Context, r dicom.Ref) iter.Seq2[packedMetadata, error] {
	query := "SELECT id, resource, uid, blob, " + packedColumns("json") + " FROM non_patient WHERE id"
	return ofNonPatient(ctx, x, r, chunkWhole, query, func(rows *sql.Rows) (int64, packedMetadata, error) {
		m := packedMetadata{rest: wholeNonPatient}
		var id int64
		err := rows.Scan(&id, &m.ref.Resource, &m.ref.Instance, &m.blob, &m.packed, &m.whole)
		m.args = []any{id}
		return id, m, err
	})
}

// unpacked is the DICOM JSON, when it has been admitted.
func (x *Index) unpacked(ctx context.Context, m packedMetadata) ([]byte, error) {
	length, err := unpackedLength(m.packed)
	if err != nil {
		return nil, err
	}
	long := m.whole > int64(len(m.packed))
	if long {
		length += m.whole
	}
	if err := store.Admit(ctx, length); err != nil {
		return nil, err
	}
	if long {
		if m.packed, err = x.whole(ctx, m.rest, m.args...); err != nil {
			return nil, err
		}
	}
	return x.pack.unpack(m.packed)
}

// unpackedLength is how long something packed says that it is, which begins like that; at most what may be unpacked.
func unpackedLength(packed []byte) (int64, error) {
	var h zstd.Header
	if len(packed) == 0 {
		return 0, nil
	}
	if err := h.Decode(packed); err != nil {
		return 0, fmt.Errorf("index: a row is damaged: %w", err)
	}
	if !h.HasFCS {
		return maxUnpacked, nil
	}
	return int64(min(h.FrameContentSize, maxUnpacked)), nil
}
