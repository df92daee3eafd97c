package sqlindex

import (
	"context"
	"database/sql"
	"time"

	"github.com/noctis-dicom/noctis/worklist"
)

// tell queues events for all who have subscribed to the workitem. Where nobody has, nothing is written.
func (s *session) tell(it *item, events ...worklist.Event) error {
	entities, err := s.subscribersOf(it.id)
	if err != nil || len(entities) == 0 {
		return err
	}
	s.told.entities = append(s.told.entities, entities...)
	for _, e := range events {
		if err := s.queue(e, `SELECT subscriber_id, ? FROM workitem_subscription WHERE workitem_id = ?`, it.id); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) subscribersOf(id int64) ([]string, error) {
	rows, err := s.tx.StmtContext(s.ctx, s.index.worklist.statements.subscribers).QueryContext(s.ctx, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var ae string
		if err := rows.Scan(&ae); err != nil {
			return nil, err
		}
		all = append(all, ae)
	}
	return all, rows.Err()
}

// queueFor queues an event for one subscriber.
func (s *session) queueFor(subscriber int64, e worklist.Event) error {
	return s.queue(e, `SELECT id, ? FROM subscriber WHERE id = ?`, subscriber)
}

// queue writes an event, and for whom it is: of selects them, with the event's id as the first of its arguments.
func (s *session) queue(e worklist.Event, of string, args ...any) error {
	text, err := e.Report(0).MarshalJSON()
	if err != nil {
		return err
	}
	var id int64
	if err := s.row(`INSERT INTO event_report (json) VALUES (?) RETURNING id`, text).Scan(&id); err != nil {
		return err
	}
	if err := s.do(`INSERT INTO event_queue (subscriber_id, event_id) `+of, append([]any{id}, args...)...); err != nil {
		return err
	}
	if every := int64(max(1, s.index.worklist.maxQueue/20)); id%every == 0 {
		return s.trim()
	}
	return nil
}

// trim drops what is too old in the queues that nobody empties, and the events that nobody waits for.
func (s *session) trim() error {
	long, err := s.texts(`SELECT CAST(subscriber_id AS TEXT) FROM event_queue GROUP BY subscriber_id HAVING COUNT(*) > ?`, s.index.worklist.maxQueue)
	if err != nil {
		return err
	}
	for _, id := range long {
		err := s.do(`DELETE FROM event_queue WHERE subscriber_id = CAST(? AS INTEGER) AND event_id <= (SELECT event_id FROM event_queue
			WHERE subscriber_id = CAST(? AS INTEGER) ORDER BY event_id DESC LIMIT 1 OFFSET ?)`, id, id, s.index.worklist.maxQueue)
		if err == nil {
			err = s.do(`UPDATE subscriber SET dropped = 1 WHERE id = CAST(? AS INTEGER)`, id)
		}
		if err != nil {
			return err
		}
	}
	return s.do(`DELETE FROM event_report WHERE NOT EXISTS (SELECT 1 FROM event_queue WHERE event_id = event_report.id)`)
}

// Pending implements worklist.Repository.
func (w *Worklist) Pending(ctx context.Context, ae string, after int64, limit int) ([]worklist.Report, error) {
	var id int64
	var dropped bool
	err := w.x.reader.QueryRowContext(ctx, w.x.rebind(`SELECT id, dropped FROM subscriber WHERE ae = ?`), ae).Scan(&id, &dropped)
	if err == sql.ErrNoRows {
		return nil, errNoSubscription
	}
	if err == nil && dropped {
		err = w.tellDropped(ctx, id)
	}
	if err != nil {
		return nil, w.x.readError(ctx, err)
	}
	w.mu.Lock()
	after = max(after, w.acks[ae])
	w.mu.Unlock()
	var reports []worklist.Report
	err = w.x.each(ctx, `SELECT event_id, json FROM event_queue JOIN event_report ON event_report.id = event_id
		WHERE subscriber_id = ? AND event_id > ? ORDER BY event_id LIMIT ?`, []any{id, after, limit}, func(rows *sql.Rows) error {
		var r worklist.Report
		var text []byte
		if err := rows.Scan(&r.ID, &text); err != nil {
			return err
		}
		ds, err := decode(text)
		r.DataSet = ds
		reports = append(reports, r)
		return err
	})
	return reports, err
}

// tellDropped tells a subscriber that it has missed something.
func (w *Worklist) tellDropped(ctx context.Context, id int64) error {
	return w.update(ctx, func(s *session) error {
		if err := s.queueFor(id, worklist.Restarted(false)); err != nil {
			return err
		}
		return s.do(`UPDATE subscriber SET dropped = 0 WHERE id = ?`, id)
	})
}

// ackInterval is how often acknowledgements are written: a thousand subscribers that receive one event shall not mean a thousand commits.
// What is lost in a crash is sent once more.
const ackInterval = time.Second

// Acknowledge implements worklist.Repository.
func (w *Worklist) Acknowledge(ctx context.Context, ae string, id int64) error {
	w.mu.Lock()
	w.acks[ae] = max(w.acks[ae], id)
	due := time.Since(w.flushed) >= ackInterval
	if due {
		w.flushed = time.Now()
	}
	w.mu.Unlock()
	if !due {
		return nil
	}
	return w.flush(ctx)
}

// flush writes the acknowledgements.
func (w *Worklist) flush(ctx context.Context) error {
	w.mu.Lock()
	acks := make(map[string]int64, len(w.acks))
	for ae, id := range w.acks {
		acks[ae] = id
	}
	w.mu.Unlock()
	if len(acks) == 0 || w.x.poisoned() != nil {
		return nil
	}
	err := w.update(ctx, func(s *session) error {
		for ae, id := range acks {
			err := s.do(`DELETE FROM event_queue WHERE event_id <= ? AND subscriber_id = (SELECT id FROM subscriber WHERE ae = ?)`, id, ae)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for ae, id := range acks {
		if w.acks[ae] == id {
			delete(w.acks, ae)
		}
	}
	return nil
}

// Send implements worklist.Repository.
func (w *Worklist) Send(ctx context.Context, e worklist.Event) error {
	return w.update(ctx, func(s *session) error {
		const subscribed = ` FROM subscriber WHERE EXISTS (SELECT 1 FROM list_subscription WHERE subscriber_id = subscriber.id)
			OR EXISTS (SELECT 1 FROM workitem_subscription WHERE subscriber_id = subscriber.id)`
		entities, err := s.texts(`SELECT ae` + subscribed)
		if err != nil || len(entities) == 0 {
			return err
		}
		s.told.entities = entities
		return s.queue(e, `SELECT id, ?`+subscribed)
	})
}
