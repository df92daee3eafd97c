package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
)

// Webhooks implements webhook.Repository in the database of an index.
type Webhooks struct{ x *Index }

// Webhooks returns what is kept for webhooks in the same database.
func (x *Index) Webhooks() *Webhooks { return &Webhooks{x} }

// Position implements webhook.Repository.
func (w *Webhooks) Position(ctx context.Context, name string) (at store.Cursor, known bool, err error) {
	err = w.x.reader.QueryRowContext(ctx, w.x.rebind(`SELECT epoch, number FROM webhook WHERE name = ?`), name).Scan(&at.Epoch, &at.Number)
	if errors.Is(err, sql.ErrNoRows) {
		return at, false, nil
	}
	return at, err == nil, w.x.readError(ctx, err)
}

// Move implements webhook.Repository.
func (w *Webhooks) Move(ctx context.Context, name string, to store.Cursor, dead []webhook.Letter) (dropped int, err error) {
	err = w.x.worklist.update(ctx, func(s *session) (err error) {
		err = s.do(`INSERT INTO webhook (name, epoch, number) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET epoch = excluded.epoch, number = excluded.number`, name, to.Epoch, to.Number)
		if err != nil || len(dead) == 0 {
			return err
		}
		for _, l := range dead {
			m := l.Message
			err := s.do(`INSERT INTO dead_letter (webhook, message, type, time, body, at, attempts, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				name, m.ID, m.Type, m.Time.UnixMilli(), m.Body, l.At.UnixMilli(), l.Attempts, l.Reason)
			if err != nil {
				return err
			}
		}
		dropped, err = s.affected(`DELETE FROM dead_letter WHERE webhook = ? AND id <= (SELECT id FROM dead_letter WHERE webhook = ?
			ORDER BY id DESC LIMIT 1 OFFSET ?)`, name, name, webhook.MaxLetters)
		return err
	})
	return dropped, err
}

const selectLetter = `SELECT id, webhook, message, type, time, body, at, attempts, reason FROM dead_letter WHERE webhook = ? AND id `

// Letters implements webhook.Repository.
func (w *Webhooks) Letters(ctx context.Context, name string, after int64, limit int) ([]webhook.Letter, error) {
	var all []webhook.Letter
	err := w.x.each(ctx, selectLetter+`> ? ORDER BY id LIMIT ?`, []any{name, after, limit}, func(rows *sql.Rows) error {
		l, err := scanLetter(rows)
		all = append(all, l)
		return err
	})
	return all, err
}

// Letter implements webhook.Repository.
func (w *Webhooks) Letter(ctx context.Context, name string, id int64) (webhook.Letter, error) {
	l, err := scanLetter(w.x.reader.QueryRowContext(ctx, w.x.rebind(selectLetter+`= ?`), name, id))
	if errors.Is(err, sql.ErrNoRows) {
		return l, webhook.ErrUnknown
	}
	return l, w.x.readError(ctx, err)
}

func scanLetter(row interface{ Scan(...any) error }) (l webhook.Letter, err error) {
	var happened, at int64
	err = row.Scan(&l.ID, &l.Webhook, &l.Message.ID, &l.Message.Type, &happened, &l.Message.Body, &at, &l.Attempts, &l.Reason)
	l.Message.Time, l.At = time.UnixMilli(happened).UTC(), time.UnixMilli(at).UTC()
	return l, err
}

// Again implements webhook.Repository.
func (w *Webhooks) Again(ctx context.Context, l webhook.Letter) error {
	return w.x.worklist.update(ctx, func(s *session) error {
		return s.do(`UPDATE dead_letter SET at = ?, attempts = ?, reason = ? WHERE webhook = ? AND id = ?`, l.At.UnixMilli(), l.Attempts, l.Reason, l.Webhook, l.ID)
	})
}

// Discard implements webhook.Repository.
func (w *Webhooks) Discard(ctx context.Context, name string, id int64) (n int, err error) {
	err = w.x.worklist.update(ctx, func(s *session) (err error) {
		n, err = s.affected(`DELETE FROM dead_letter WHERE webhook = ? AND (id = ? OR ? = 0)`, name, id, id)
		return err
	})
	return n, err
}

// Count implements webhook.Repository.
func (w *Webhooks) Count(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	err := w.x.each(ctx, `SELECT webhook, COUNT(*) FROM dead_letter GROUP BY webhook`, nil, func(rows *sql.Rows) error {
		var name string
		var n int
		err := rows.Scan(&name, &n)
		counts[name] = n
		return err
	})
	return counts, err
}
