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
	id     int64
}

// packedColumns are packed and whole.
const packedColumns = `CASE WHEN length(json) <= 65536 THEN json ELSE substr(json, 1, 18) END, length(json)`

// wholeMetadata is the packed metadata of an instance.
const wholeMetadata = `SELECT json FROM instance_metadata WHERE instance_id = ?`

// Metadata implements store.Index.
func (x *Index) Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[store.Metadata, error] {
	all := x.nonPatientMetadata(ctx, r)
	if r.Resource == "" {
		all = chained(below(ctx, x, r, "instance.blob, "+packedColumns, true, chunkWhole, func(rows *sql.Rows) (int64, packedMetadata, error) {
			m := packedMetadata{rest: wholeMetadata}
			err := rows.Scan(&m.id, &m.ref.Study, &m.ref.Series, &m.ref.Instance, &m.blob, &m.packed, &m.whole)
			return m.id, m, err
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
	const query = `SELECT id, resource, uid, blob, ` + packedColumns + ` FROM non_patient WHERE id`
	return ofNonPatient(ctx, x, r, chunkWhole, query, func(rows *sql.Rows) (int64, packedMetadata, error) {
		m := packedMetadata{rest: `SELECT json FROM non_patient WHERE id = ?`}
		err := rows.Scan(&m.id, &m.ref.Resource, &m.ref.Instance, &m.blob, &m.packed, &m.whole)
		return m.id, m, err
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
		if err := x.reader.QueryRowContext(ctx, x.rebind(m.rest), m.id).Scan(&m.packed); err != nil {
			return nil, x.readError(ctx, err)
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
