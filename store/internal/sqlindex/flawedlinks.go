package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/worklist"
)

// Reference is a column with the ids of rows of another table, in a table that no file can give back.
type Reference struct{ Table, Column, To string }

// References are all of them.
var References = []Reference{
	{"workitem_key", "workitem_id", "workitem"}, {"workitem_subscription", "workitem_id", "workitem"},
	{"workitem_subscription", "subscriber_id", "subscriber"}, {"list_subscription", "subscriber_id", "subscriber"},
	{"event_queue", "subscriber_id", "subscriber"}, {"event_queue", "event_id", "event_report"},
	{"performed_for", "performed_id", "performed_step"},
}

// Dangling is the condition of rows that refer to none.
func (r Reference) Dangling() string { return r.Column + ` NOT IN (SELECT id FROM ` + r.To + `)` }

// dangling finds rows that refer to none. They go; who waited for an event that has gone is told that it has missed something.
func (w *Worklist) dangling(ctx context.Context) (flaws []Flaw, err error) {
	for _, r := range References {
		var n int
		if err := w.x.reader.QueryRowContext(ctx, `SELECT count(*) FROM `+r.Table+` WHERE `+r.Dangling()).Scan(&n); err != nil {
			return flaws, w.x.readError(ctx, err)
		}
		if n == 0 {
			continue
		}
		f := Flaw{table: r.Table, what: fmt.Sprintf("%d rows of %s refer to rows of %s that are not there", n, r.Table, r.To), where: r.Dangling(), keep: true}
		if r.To == "event_report" {
			f.mend = func(s *session) error { return s.missed(f.where) }
		}
		flaws = append(flaws, f)
	}
	return flaws, nil
}

// missed takes rows out of the queues of events, and notes that those who waited for them have to be told.
func (s *session) missed(where string, args ...any) error {
	err := s.do(`UPDATE subscriber SET dropped = 1 WHERE id IN (SELECT subscriber_id FROM event_queue WHERE `+where+`)`, args...)
	if err != nil {
		return err
	}
	return s.do(`DELETE FROM event_queue WHERE `+where, args...)
}

// flawedEvents finds events that cannot be told: whoever waits for one would get nothing any more.
func (w *Worklist) flawedEvents(ctx context.Context) (flaws []Flaw, err error) {
	err = w.x.each(ctx, `SELECT id, json FROM event_report ORDER BY id`, nil, func(r *sql.Rows) error {
		var id int64
		var text []byte
		if err := r.Scan(&id, &text); err != nil {
			return err
		}
		if _, err := decode(text); err != nil {
			flaws = append(flaws, wrong("event_report", id, noDataSet, func(s *session) error {
				return errors.Join(s.missed(`event_id = ?`, id), s.do(`DELETE FROM event_report WHERE id = ?`, id))
			}))
		}
		return nil
	})
	return flaws, err
}

// flawedSubscriptions finds subscriptions to lists that there are not, or with filters that select nothing.
func (w *Worklist) flawedSubscriptions(ctx context.Context) (flaws []Flaw, err error) {
	err = w.x.each(ctx, `SELECT subscriber_id, resource, filter FROM list_subscription`, nil, func(r *sql.Rows) error {
		var id int64
		var sub worklist.Subscription
		if err := r.Scan(&id, &sub.Resource, &sub.Filter); err != nil {
			return err
		}
		var unread error
		if sub.Resource == worklist.Filtered {
			_, unread = worklist.ParseFilter(sub.Filter)
		}
		if !isList(sub.Resource) || unread != nil {
			flaws = append(flaws, Flaw{table: "list_subscription", what: fmt.Sprintf("a subscription of subscriber %d is to nothing: it has to be made again", id),
				where: `subscriber_id = ? AND resource = ?`, args: []any{id, sub.Resource}, keep: true})
		}
		return nil
	})
	return flaws, err
}

// flawedCommitments finds requests and results that cannot be read. There is nothing to come of them; their UIDs stay known.
func (w *Worklist) flawedCommitments(ctx context.Context) (flaws []Flaw, err error) {
	c := w.x.Commitments()
	err = w.x.each(ctx, `SELECT id, state, content FROM commitment ORDER BY id`, nil, func(r *sql.Rows) error {
		var id int64
		var state int
		var content []byte
		if err := r.Scan(&id, &state, &content); err != nil {
			return err
		}
		if state == commitmentDropped {
			return nil
		}
		ds, err := c.unpack(content)
		if err == nil && state == commitmentWaits {
			_, err = commitment.Parse(ds)
		}
		if err != nil || state != commitmentWaits && state != commitmentDone {
			flaws = append(flaws, wrong("commitment", id, "has no request and no result: it has to be asked for again", func(s *session) error {
				return s.do(`UPDATE commitment SET state = ?, content = x'' WHERE id = ?`, commitmentDropped, id)
			}))
		}
		return nil
	})
	return flaws, err
}

// flawedWebhooks finds webhooks that are where the change feed has never been, and dead letters that hold no message.
func (w *Worklist) flawedWebhooks(ctx context.Context) (flaws []Flaw, err error) {
	const ahead = `EXISTS (SELECT 1 FROM state WHERE state.epoch = webhook.epoch AND (number < 0 OR number > change))`
	err = w.x.each(ctx, `SELECT name FROM webhook WHERE `+ahead, nil, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		// Of another epoch it is told that it has missed something, and goes on at the end.
		flaws = append(flaws, Flaw{table: "webhook", what: "a webhook is where the change feed has never been", where: `name = ?`, args: []any{name}, keep: true,
			mend: func(s *session) error {
				return s.do(`UPDATE webhook SET epoch = 'lost', number = 0 WHERE name = ?`, name)
			}})
		return err
	})
	if err != nil {
		return flaws, err
	}
	err = w.x.each(ctx, `SELECT id, body FROM dead_letter ORDER BY id`, nil, func(r *sql.Rows) error {
		var id int64
		var body []byte
		err := r.Scan(&id, &body)
		if err == nil && !json.Valid(body) {
			flaws = append(flaws, wrong("dead_letter", id, "holds no message", nil))
		}
		return err
	})
	return flaws, err
}
