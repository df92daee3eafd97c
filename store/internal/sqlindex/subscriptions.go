package sqlindex

import (
	"context"
	"database/sql"
	"errors"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/worklist"
)

// listSubscription is a row of list_subscription.
type listSubscription struct {
	worklist.Subscription
	subscriber int64
}

// lists reads them once in a transaction, which does not change them after that.
func (s *session) lists() ([]listSubscription, error) {
	if s.told.listed {
		return s.told.lists, nil
	}
	rows, err := s.tx.StmtContext(s.ctx, s.index.worklist.statements.lists).QueryContext(s.ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []listSubscription
	for rows.Next() {
		var l listSubscription
		if err := rows.Scan(&l.subscriber, &l.AE, &l.Resource, &l.Lock, &l.Filter); err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	s.told.lists, s.told.listed = all, true
	return all, rows.Err()
}

// subscriber is the id of an application entity, 0 if it never subscribed.
func (s *session) subscriber(ae string) (id int64, err error) {
	err = s.row(`SELECT id FROM subscriber WHERE ae = ?`, ae).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

func isList(resource dicom.UID) bool {
	return resource == worklist.Global || resource == worklist.Filtered
}

var errNoSubscription = refused(worklist.NoSuchWorkitem, "there is no such subscription", false)

// Subscribe implements worklist.Repository.
func (w *Worklist) Subscribe(ctx context.Context, sub worklist.Subscription) error {
	return w.update(ctx, func(s *session) error {
		var it *item
		if !isList(sub.Resource) {
			var err error
			if it, err = s.itemOf(sub.Resource); err != nil {
				return err
			}
		}
		id, err := s.subscriber(sub.AE)
		if err == nil && id == 0 {
			err = s.row(`INSERT INTO subscriber (ae) VALUES (?) RETURNING id`, sub.AE).Scan(&id)
		}
		if err != nil {
			return err
		}
		s.told.entities = append(s.told.entities, sub.AE)
		if it == nil {
			return s.subscribeList(id, sub)
		}
		err = s.do(`INSERT INTO workitem_subscription (workitem_id, subscriber_id, lock) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET lock = excluded.lock`, it.id, id, sub.Lock)
		if err == nil {
			err = s.queueFor(id, it.Initial())
		}
		if err == nil {
			err = s.collect(`id = ?`, it.id)
		}
		return err
	})
}

// subscribeList subscribes to what will come, and to what is there already, as PS3.4 Table CC.2.3-2 has it.
func (s *session) subscribeList(id int64, sub worklist.Subscription) error {
	err := s.do(`INSERT INTO list_subscription (subscriber_id, resource, lock, filter) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET lock = excluded.lock, filter = excluded.filter`, id, sub.Resource, sub.Lock, sub.Filter)
	if err != nil {
		return err
	}
	found, err := s.unsubscribed(id, sub)
	if err != nil {
		return err
	}
	for _, it := range found {
		err := s.do(`INSERT INTO workitem_subscription (workitem_id, subscriber_id, lock) VALUES (?, ?, ?)`, it.id, id, sub.Lock)
		if err == nil && sub.Lock {
			err = s.queueFor(id, it.Initial())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unsubscribed are the workitems that the subscription selects and that the entity has not subscribed to.
func (s *session) unsubscribed(id int64, sub worklist.Subscription) ([]*item, error) {
	where := ` WHERE resting = 0 AND NOT EXISTS (SELECT 1 FROM workitem_subscription WHERE workitem_id = workitem.id AND subscriber_id = ?)`
	args := []any{id}
	if sub.Resource == worklist.Filtered {
		keys, err := worklist.ParseFilter(sub.Filter)
		if err != nil {
			return nil, err
		}
		f := workitemFilter(nil, keys, false)
		where, args = where+f.and(), append(args, f.args...)
	}
	rows, err := s.tx.QueryContext(s.ctx, s.index.rebind(selectItem+where), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []*item
	for rows.Next() {
		it, err := scanItem(rows)
		if err != nil {
			return nil, err
		}
		if sub.Selects(&it.Workitem) {
			found = append(found, it)
		}
	}
	return found, rows.Err()
}

// Unsubscribe implements worklist.Repository.
func (w *Worklist) Unsubscribe(ctx context.Context, ae string, resource dicom.UID) error {
	return w.update(ctx, func(s *session) error {
		id, err := s.subscriber(ae)
		if err != nil {
			return err
		}
		found := 0
		for _, d := range []struct {
			list  bool
			query string
			args  []any
		}{
			{true, `DELETE FROM list_subscription WHERE subscriber_id = ?`, []any{id}},
			{true, `DELETE FROM workitem_subscription WHERE subscriber_id = ?`, []any{id}},
			{false, `DELETE FROM workitem_subscription WHERE subscriber_id = ? AND workitem_id = (SELECT id FROM workitem WHERE uid = ?)`, []any{id, resource}},
		} {
			if d.list != isList(resource) {
				continue
			}
			n, err := s.affected(d.query, d.args...)
			if err != nil {
				return err
			}
			found += n
		}
		if found == 0 {
			return errNoSubscription
		}
		return s.collect(`1 = 1`)
	})
}

// Suspend implements worklist.Repository.
func (w *Worklist) Suspend(ctx context.Context, ae string, resource dicom.UID) error {
	return w.update(ctx, func(s *session) error {
		n, err := s.affected(`DELETE FROM list_subscription WHERE resource = ? AND subscriber_id = (SELECT id FROM subscriber WHERE ae = ?)`, resource, ae)
		if err == nil && n == 0 {
			err = errNoSubscription
		}
		return err
	})
}

func (s *session) affected(query string, args ...any) (int, error) {
	result, err := s.tx.ExecContext(s.ctx, s.index.rebind(query), args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
