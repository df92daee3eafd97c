package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
)

// Commitments implements commitment.Repository in the database of an index.
type Commitments struct{ x *Index }

// Commitments returns the storage commitment requests in the same database.
func (x *Index) Commitments() *Commitments { return &Commitments{x} }

// The states of a request.
const (
	commitmentWaits = iota
	commitmentDone
	commitmentDropped
)

// Add implements commitment.Repository.
func (c *Commitments) Add(ctx context.Context, uid dicom.UID, request, result *dicom.DataSet, now time.Time) error {
	state, content := commitmentDone, result
	if result == nil {
		state, content = commitmentWaits, request
	}
	text, err := content.MarshalJSON()
	if err != nil {
		return err
	}
	var refused error
	err = c.x.worklist.update(ctx, func(s *session) error {
		var taken bool
		var waiting int
		if err := s.row(`SELECT EXISTS (SELECT 1 FROM commitment WHERE uid = ?), (SELECT COUNT(*) FROM commitment WHERE state = 0)`, uid).
			Scan(&taken, &waiting); err != nil {
			return err
		}
		switch refused = nil; {
		case taken:
			refused = commitment.ErrDuplicate
		case state == commitmentWaits && waiting >= commitment.MaxWaiting:
			refused = commitment.ErrBusy
		default:
			return s.do(`INSERT INTO commitment (uid, state, at, content) VALUES (?, ?, ?, ?)`, uid, state, now.Unix(), c.x.pack.pack(text))
		}
		return nil
	})
	return errors.Join(refused, err)
}

// Result implements commitment.Repository.
func (c *Commitments) Result(ctx context.Context, uid dicom.UID) (*dicom.DataSet, error) {
	var state int
	var content []byte
	err := c.x.reader.QueryRowContext(ctx, c.x.rebind(`SELECT state, content FROM commitment WHERE uid = ?`), uid).Scan(&state, &content)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, commitment.ErrUnknown
	case err != nil:
		return nil, c.x.readError(ctx, err)
	case state == commitmentDropped:
		return nil, commitment.ErrGone
	case state == commitmentWaits:
		return nil, nil
	}
	return c.unpack(content)
}

func (c *Commitments) unpack(content []byte) (*dicom.DataSet, error) {
	text, err := c.x.pack.unpack(content)
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// Waiting implements commitment.Repository.
func (c *Commitments) Waiting(ctx context.Context) (uids []dicom.UID, err error) {
	err = c.x.each(ctx, `SELECT uid FROM commitment WHERE state = 0 ORDER BY at, id`, nil, func(rows *sql.Rows) error {
		var uid dicom.UID
		err := rows.Scan(&uid)
		uids = append(uids, uid)
		return err
	})
	return uids, err
}

// Request implements commitment.Repository.
func (c *Commitments) Request(ctx context.Context, uid dicom.UID) (*dicom.DataSet, error) {
	var content []byte
	err := c.x.reader.QueryRowContext(ctx, c.x.rebind(`SELECT content FROM commitment WHERE uid = ? AND state = 0`), uid).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, commitment.ErrUnknown
	}
	if err != nil {
		return nil, c.x.readError(ctx, err)
	}
	ds, err := c.unpack(content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", commitment.ErrDamaged, err)
	}
	return ds, nil
}

// Finish implements commitment.Repository.
func (c *Commitments) Finish(ctx context.Context, uid dicom.UID, result *dicom.DataSet, now time.Time) error {
	state, content := commitmentDropped, []byte{}
	if result != nil {
		text, err := result.MarshalJSON()
		if err != nil {
			return err
		}
		state, content = commitmentDone, c.x.pack.pack(text)
	}
	return c.x.worklist.update(ctx, func(s *session) error {
		return s.do(`UPDATE commitment SET state = ?, at = ?, content = ? WHERE uid = ? AND state = 0`, state, now.Unix(), content, uid)
	})
}

// Expire implements commitment.Repository.
func (c *Commitments) Expire(ctx context.Context, before time.Time) error {
	var any bool
	err := c.x.reader.QueryRowContext(ctx, c.x.rebind(`SELECT EXISTS (SELECT 1 FROM commitment WHERE state = 1 AND at < ?)`), before.Unix()).Scan(&any)
	if err != nil || !any {
		return c.x.readError(ctx, err)
	}
	return c.x.worklist.update(ctx, func(s *session) error {
		return s.do(`UPDATE commitment SET state = 2, content = x'' WHERE state = 1 AND at < ?`, before.Unix())
	})
}
