package sqlindex

import (
	"context"

	"github.com/noctis-dicom/noctis/store"
)

// holds is a query of what the archive holds: what the row of holding counts, and the instances of no patient, which are few. In the recycle bin
// these are counted as all others are.
const holds = `SELECT instances + (SELECT count(*) FROM non_patient), bytes + (SELECT COALESCE(sum(size), 0) FROM non_patient) FROM holding`

// Usage implements store.Index.
func (x *Index) Usage(ctx context.Context) (u store.Usage, err error) {
	return u, x.reader.QueryRowContext(ctx, holds).Scan(&u.Instances, &u.Bytes)
}

// admits reports whether an entry may be added to what is held with all that the transaction has written. What is in the recycle bin is
// held already.
func (s *session) admits(e *store.Entry) (bool, error) {
	if e.Quota == (store.Quota{}) {
		return true, nil
	}
	var u store.Usage
	if err := s.row(holds).Scan(&u.Instances, &u.Bytes); err != nil {
		return false, err
	}
	if e.Quota.Admits(u, e.Size) {
		return true, nil
	}
	var held bool
	err := s.row(`SELECT EXISTS (SELECT 1 FROM removed WHERE blob = ? AND purged = 0)`, e.Blob[:]).Scan(&held)
	return held, err
}
