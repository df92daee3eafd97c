package sqlindex

import (
	"context"

	"github.com/noctis-dicom/noctis/store"
)

// holds is a query of what the archive holds, which triggers count; truly has the same from the rows themselves.
const (
	holds = `SELECT instances, bytes FROM holding`
	truly = `SELECT count(*) AS instances, COALESCE(sum(size), 0) AS bytes FROM (SELECT size FROM instance UNION ALL SELECT size FROM non_patient
		UNION ALL SELECT size FROM removed WHERE purged = 0)`
)

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

// Miscounts reports whether what the archive says that it holds is not what it holds.
func (x *Index) Miscounts(ctx context.Context) (wrong bool, err error) {
	const query = `SELECT (SELECT count(*) FROM holding) <> 1 OR NOT EXISTS (` + holds + ` INTERSECT ` + truly + `)`
	return wrong, x.readError(ctx, x.reader.QueryRowContext(ctx, query).Scan(&wrong))
}

// Recount makes the archive say what it holds.
func (x *Index) Recount(ctx context.Context) error {
	return x.write(ctx, 1, func(s *session) error {
		_, err := s.tx.ExecContext(s.ctx, `DELETE FROM holding`)
		if err == nil {
			_, err = s.tx.ExecContext(s.ctx, `INSERT INTO holding (instances, bytes) `+truly)
		}
		return err
	})
}
