package sqlindex

import (
	"context"

	"github.com/noctis-dicom/noctis/store"
)

// Usage implements store.Index.
func (x *Index) Usage(ctx context.Context) (u store.Usage, err error) {
	return u, x.reader.QueryRowContext(ctx, `SELECT instances, bytes FROM holding`).Scan(&u.Instances, &u.Bytes)
}

// admits reports whether an entry may be added to what is held with all that the transaction has written. What is in the recycle bin is
// held already.
func (s *session) admits(e *store.Entry) (bool, error) {
	if e.Quota == (store.Quota{}) {
		return true, nil
	}
	var u store.Usage
	if err := s.row(`SELECT instances, bytes FROM holding`).Scan(&u.Instances, &u.Bytes); err != nil {
		return false, err
	}
	if e.Quota.Admits(u, e.Size) {
		return true, nil
	}
	var held bool
	err := s.row(`SELECT EXISTS (SELECT 1 FROM removed WHERE blob = ? AND purged = 0)`, e.Blob[:]).Scan(&held)
	return held, err
}
