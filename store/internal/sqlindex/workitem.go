package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/failpoint"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/worklist"
)

// Worklist implements worklist.Repository in the database of an index.
//
// workitem.go writes workitems, readings.go those of stored studies in the transactions that store them; workitemsearch.go finds them;
// subscriptions.go and events.go say who is told what.
type Worklist struct {
	x          *Index
	hub        worklist.Hub
	statements worklistStatements
	maxQueue   int
	facilities Facilities

	mu      sync.Mutex
	acks    map[string]int64 // by entity, the last event that it has received; not written yet
	flushed time.Time
}

// worklistStatements are those that storing a new study runs, prepared once.
type worklistStatements struct {
	insert, update, byStudy, lists, subscribers *sql.Stmt
}

func (x *Index) newWorklist(ctx context.Context) (*Worklist, error) {
	w := &Worklist{x: x, maxQueue: worklist.MaxQueue, acks: map[string]int64{}}
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&w.statements.insert, `INSERT INTO workitem (uid, study, state, priority, label, start, modified, lock, read, json)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`},
		{&w.statements.update, `UPDATE workitem SET study = ?, state = ?, priority = ?, label = ?, start = ?, modified = ?, lock = ?, read = ?, json = ?
			WHERE id = ?`},
		{&w.statements.byStudy, `SELECT id, uid, lock, read, resting, json FROM workitem WHERE study = ? AND study <> ''`},
		{&w.statements.lists, `SELECT subscriber.id, ae, resource, lock, filter FROM list_subscription JOIN subscriber ON subscriber.id = subscriber_id`},
		{&w.statements.subscribers, `SELECT ae FROM workitem_subscription JOIN subscriber ON subscriber.id = subscriber_id WHERE workitem_id = ?`},
	} {
		var err error
		if *p.to, err = x.writer.PrepareContext(ctx, x.rebind(p.sql)); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Worklist returns the worklist in the same database.
func (x *Index) Worklist() *Worklist { return x.worklist }

// Hub implements worklist.Repository.
func (w *Worklist) Hub() *worklist.Hub { return &w.hub }

// told is what a transaction has to tell when it is committed.
type told struct {
	entities []string
	lists    []listSubscription // there are, once listed is set
	listed   bool
}

// update commits what run does. run may be run twice.
func (w *Worklist) update(ctx context.Context, run func(*session) error) error {
	if err := errors.Join(ctx.Err(), w.x.poisoned()); err != nil {
		return err
	}
	tx, err := w.x.writer.BeginTx(ctx, nil)
	if err != nil {
		return w.x.wrap(err)
	}
	defer tx.Rollback()
	failpoint.Hit("list begun")
	s := newSession(context.WithoutCancel(ctx), tx, w.x)
	err = s.readState()
	if err == nil {
		err = run(s)
	}
	if err == nil && s.state.change > s.began {
		err = s.writeState()
	}
	if err != nil {
		var refused *worklist.Refusal
		if errors.As(err, &refused) {
			return err
		}
		return w.x.failed(err)
	}
	failpoint.Hit("list written")
	if err := tx.Commit(); err != nil {
		return w.x.failed(err)
	}
	failpoint.Hit("list committed")
	s.publish()
	return nil
}

// publish tells those who wait that something has been committed.
func (s *session) publish() {
	if len(s.told.entities) > 0 {
		s.index.worklist.hub.Publish(s.told.entities)
	}
	if s.state.change > s.began {
		s.index.changed.Ring()
	}
}

// item is a row of the table workitem.
type item struct {
	worklist.Workitem
	id                int64
	resting, removing bool
}

func refused(code worklist.Code, detail string, gone bool) error {
	return &worklist.Refusal{Code: code, Detail: detail, Gone: gone}
}

// Add implements worklist.Repository.
func (w *Worklist) Add(ctx context.Context, item *worklist.Workitem) error {
	return w.update(ctx, func(s *session) error {
		var n int
		err := s.row(`SELECT (SELECT COUNT(*) FROM workitem WHERE uid = ?) + (SELECT COUNT(*) FROM workitem_gone WHERE uid = ?)`,
			item.UID(), item.UID()).Scan(&n)
		if err != nil {
			return err
		}
		if n > 0 {
			return refused(worklist.DuplicateInstance, "there is or was a workitem with this UID", false)
		}
		return s.addItem(item)
	})
}

// addItem inserts a workitem, and subscribes to it who wants all of its kind.
func (s *session) addItem(w *worklist.Workitem) error {
	text, err := w.DataSet.MarshalJSON()
	if err != nil {
		return err
	}
	st := &s.index.worklist.statements
	it := &item{Workitem: *w}
	if err := s.query(st.insert, append(columnsOf(w), text)...).Scan(&it.id); err != nil {
		return err
	}
	if err := s.writeItemKeys(it, nil); err != nil {
		return err
	}
	if err := s.changeItem(store.WorkitemCreated, it.Study, it.UID(), it.State()); err != nil {
		return err
	}
	lists, err := s.lists()
	if err != nil {
		return err
	}
	for _, l := range lists {
		if !l.Selects(w) {
			continue
		}
		err := s.do(`INSERT INTO workitem_subscription (workitem_id, subscriber_id, lock) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET lock = max(lock, excluded.lock)`, it.id, l.subscriber, l.Lock)
		if err != nil {
			return err
		}
	}
	if len(lists) == 0 {
		return nil
	}
	return s.tell(it, w.Created()...)
}

// columnsOf are the values of a row's columns before json.
func columnsOf(w *worklist.Workitem) []any {
	ds := w.DataSet
	return []any{w.UID(), w.Study, w.State(), match.Normal(dicom.CS, ds.String(dicom.ScheduledProcedureStepPriority)),
		match.Normal(dicom.LO, ds.String(dicom.WorklistLabel)), w.Moment(dicom.ScheduledProcedureStepStartDateTime),
		w.Moment(dicom.ScheduledProcedureStepModificationDateTime), w.Lock, w.Read}
}

// writeItem writes a workitem that was read before.
func (s *session) writeItem(it *item, before *dicom.DataSet) error {
	text, err := it.DataSet.MarshalJSON()
	if err != nil {
		return err
	}
	if err := s.exec(s.index.worklist.statements.update, append(columnsOf(&it.Workitem)[1:], text, it.id)...); err != nil {
		return err
	}
	return s.writeItemKeys(it, before)
}

// writeItemKeys brings the values by which the workitem is found up to date; before is nil if it is new.
func (s *session) writeItemKeys(it *item, before *dicom.DataSet) error {
	var had []workitemKey
	if before != nil {
		had = workitemKeys(before)
	}
	has := workitemKeys(it.DataSet)
	for _, k := range had {
		if !slices.Contains(has, k) {
			if err := s.do(`DELETE FROM workitem_key WHERE path = ? AND value = ? AND workitem_id = ?`, k.path, k.value, it.id); err != nil {
				return err
			}
		}
	}
	var args []any
	for _, k := range has {
		if !slices.Contains(had, k) {
			args = append(args, k.path, k.value, it.id)
		}
	}
	if len(args) == 0 {
		return nil
	}
	return s.do(`INSERT INTO workitem_key (path, value, workitem_id) VALUES `+strings.TrimSuffix(strings.Repeat("(?, ?, ?),", len(args)/3), ",")+
		` ON CONFLICT DO NOTHING`, args...)
}

const selectItem = `SELECT workitem.id, workitem.study, lock, read, resting, removing, workitem.json, COALESCE(study.series_count, 0), COALESCE(study.instance_count, 0)
	FROM workitem LEFT JOIN study ON workitem.study <> '' AND study.uid = workitem.study`

func scanItem(row interface{ Scan(...any) error }) (*item, error) {
	it := &item{}
	var text []byte
	if err := row.Scan(&it.id, &it.Study, &it.Lock, &it.Read, &it.resting, &it.removing, &text, &it.Series, &it.Instances); err != nil {
		return nil, err
	}
	var err error
	it.DataSet, err = decode(text)
	return it, err
}

// Workitem implements worklist.Repository.
func (w *Worklist) Workitem(ctx context.Context, uid dicom.UID) (*worklist.Workitem, error) {
	it, err := scanItem(w.x.reader.QueryRowContext(ctx, w.x.rebind(selectItem+" WHERE workitem.uid = ? AND resting = 0"), uid))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, w.noSuch(ctx, w.x.reader, uid)
	}
	if err != nil {
		return nil, w.x.readError(ctx, err)
	}
	return &it.Workitem, nil
}

// noSuch is the refusal for a workitem that is not there.
func (w *Worklist) noSuch(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, uid dicom.UID) error {
	var n int
	err := db.QueryRowContext(ctx, w.x.rebind(`SELECT (SELECT COUNT(*) FROM workitem_gone WHERE uid = ?) + (SELECT COUNT(*) FROM workitem WHERE uid = ? AND resting = 1)`),
		uid, uid).Scan(&n)
	if err != nil {
		return w.x.readError(ctx, err)
	}
	return refused(worklist.NoSuchWorkitem, "there is no such workitem", n > 0)
}

// itemOf reads a workitem within the transaction.
func (s *session) itemOf(uid dicom.UID) (*item, error) {
	it, err := scanItem(s.row(selectItem+" WHERE workitem.uid = ? AND resting = 0", uid))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, s.index.worklist.noSuch(s.ctx, s.tx, uid)
	}
	return it, err
}

// Change implements worklist.Repository.
func (w *Worklist) Change(ctx context.Context, uid dicom.UID, change func(*worklist.Workitem, bool) (worklist.Change, error)) error {
	return w.update(ctx, func(s *session) error {
		it, err := s.itemOf(uid)
		if err != nil {
			return err
		}
		var subscribed bool
		err = s.row(`SELECT EXISTS (SELECT 1 FROM workitem_subscription WHERE workitem_id = ?)`, it.id).Scan(&subscribed)
		if err != nil {
			return err
		}
		before, study := it.DataSet, it.Study
		c, err := change(&it.Workitem, subscribed)
		if err != nil || before == it.DataSet && !c.Remove && len(c.Events) == 0 {
			return err
		}
		if before != it.DataSet {
			kind := store.WorkitemUpdated
			if from := (&worklist.Workitem{DataSet: before}).State(); from != it.State() {
				kind = store.WorkitemState
			}
			if err := s.changeItem(kind, study, it.UID(), it.State()); err != nil {
				return err
			}
		}
		return s.apply(it, before, c)
	})
}

// apply writes what has become of a workitem.
func (s *session) apply(it *item, before *dicom.DataSet, c worklist.Change) error {
	if err := s.writeItem(it, before); err != nil {
		return err
	}
	if err := s.tell(it, c.Events...); err != nil {
		return err
	}
	if c.Replacement != nil {
		if err := s.addItem(c.Replacement); err != nil {
			return err
		}
	}
	if !c.Remove {
		return nil
	}
	if err := s.do(`UPDATE workitem SET removing = 1 WHERE id = ?`, it.id); err != nil {
		return err
	}
	return s.collect(`id = ?`, it.id)
}

// collect takes those workitems off the list that are to be removed and that no deletion lock holds.
func (s *session) collect(which string, args ...any) error {
	where := ` FROM workitem WHERE removing = 1 AND ` + which +
		` AND NOT EXISTS (SELECT 1 FROM workitem_subscription WHERE workitem_id = workitem.id AND lock = 1)`
	if err := s.do(`INSERT INTO workitem_gone (uid) SELECT uid`+where, args...); err != nil {
		return err
	}
	return s.takeOff(`DELETE`+where, args...)
}

// takeOff runs a statement that takes workitems off the worklist, and writes so into the change feed.
func (s *session) takeOff(statement string, args ...any) error {
	rows, err := s.tx.QueryContext(s.ctx, s.index.rebind(statement+` RETURNING study, uid, state`), args...)
	if err != nil {
		return fmt.Errorf("worklist: %w", err)
	}
	defer rows.Close()
	var off [][3]string
	for rows.Next() {
		var it [3]string
		if err := rows.Scan(&it[0], &it[1], &it[2]); err != nil {
			return err
		}
		off = append(off, it)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, it := range off {
		if err := s.changeItem(store.WorkitemRemoved, dicom.UID(it[0]), dicom.UID(it[1]), worklist.State(it[2])); err != nil {
			return err
		}
	}
	return nil
}

// row and do run statements that are not worth preparing.
func (s *session) row(query string, args ...any) *sql.Row {
	return s.tx.QueryRowContext(s.ctx, s.index.rebind(query), args...)
}

func (s *session) do(query string, args ...any) error {
	if _, err := s.tx.ExecContext(s.ctx, s.index.rebind(query), args...); err != nil {
		return fmt.Errorf("worklist: %w", err)
	}
	return nil
}
