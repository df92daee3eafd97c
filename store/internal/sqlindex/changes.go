package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/worklist"
)

// state is the row of the table state, and what else is asked once in each transaction.
type state struct {
	study, series, instance int64 // the last ids that were given
	change, trimmed         int64
	settled                 int64 // the last change that Settle has looked at
	record                  int64 // the last number of the journal
	outbox                  int64 // the last record in the outbox, 0 if there is none
	removed                 bool  // something has been removed
}

func (s *session) readState() error {
	s.now = time.Now()
	st := &s.state
	err := s.query(s.st.state).Scan(&st.study, &st.series, &st.instance, &st.change, &st.trimmed, &st.settled, &st.record, &st.outbox, &st.removed)
	st.record = max(st.record, s.index.recorded.Load())
	s.began = st.change
	return err
}

func (s *session) writeState() error {
	st := s.state
	return s.exec(s.st.writeState, st.study, st.series, st.instance, st.change, st.trimmed, st.settled, st.record)
}

// change writes an entry of the change feed, of an instance or a study.
func (s *session) change(kind store.ChangeKind, r dicom.Ref, sopClass dicom.UID) error {
	return s.writeChange(store.Change{Kind: kind, Ref: r, SOPClass: sopClass})
}

// changeItem writes an entry of the change feed, of a workitem.
func (s *session) changeItem(kind store.ChangeKind, study, workitem dicom.UID, state worklist.State) error {
	return s.writeChange(store.Change{Kind: kind, Ref: dicom.Ref{Study: study}, Workitem: workitem, State: string(state)})
}

// writeChange writes an entry of the change feed. The column of the workitem holds that of a step, too: none has both.
func (s *session) writeChange(c store.Change) error {
	s.state.change++
	return s.exec(s.st.insertChange, s.state.change, c.Kind, s.now.UnixMilli(), c.Ref.Study, c.Ref.Series, c.Ref.Instance, c.SOPClass,
		string(c.Workitem)+c.Step, c.State)
}

// record returns the number of a record. One that has none gets the next, and has to be written into the journal; then what the journal
// is known to have leaves the outbox.
func (s *session) record(r store.Record) (int64, error) {
	if r.Number > 0 {
		s.state.record = max(s.state.record, r.Number)
		return r.Number, nil
	}
	if s.state.outbox > 0 && s.state.outbox <= s.index.recorded.Load() {
		if err := s.exec(s.st.deleteRecords, s.state.outbox); err != nil {
			return 0, err
		}
	}
	s.state.record++
	s.state.outbox = s.state.record
	return s.state.record, s.exec(s.st.insertRecord, s.state.record, r.Time.Unix(), r.Kind, r.Ref.Study, r.Ref.Series, r.Ref.Instance,
		r.SOPClass, r.Blob[:])
}

// readOutbox looks what the journal may lack.
func (x *Index) readOutbox(ctx context.Context) error {
	var last int64
	err := x.reader.QueryRowContext(ctx, "SELECT COALESCE(MAX(record), 0) FROM outbox").Scan(&last)
	x.noted.Store(last)
	return err
}

// Unrecorded implements store.Index.
func (x *Index) Unrecorded(ctx context.Context) ([]store.Record, error) {
	recorded := x.recorded.Load()
	if x.noted.Load() <= recorded {
		return nil, nil
	}
	const query = `SELECT record, time, kind, study, series, instance, sop_class, blob FROM outbox WHERE record > ? ORDER BY record`
	var records []store.Record
	err := x.each(ctx, query, []any{recorded}, func(rows *sql.Rows) error {
		var r store.Record
		var seconds int64
		var blob sql.RawBytes
		err := rows.Scan(&r.Number, &seconds, &r.Kind, &r.Ref.Study, &r.Ref.Series, &r.Ref.Instance, &r.SOPClass, &blob)
		r.Ref, r.Time = located(r.Ref, r.SOPClass), time.Unix(seconds, 0).UTC()
		if err == nil && (copy(r.Blob[:], blob) != len(r.Blob) || !r.Kind.Valid()) {
			err = fmt.Errorf("record %d of the outbox is damaged", r.Number)
		}
		records = append(records, r)
		return err
	})
	return records, err
}

// Recorded implements store.Index.
func (x *Index) Recorded(number int64) {
	if number > x.recorded.Load() {
		x.recorded.Store(number)
	}
}

// LastRecord implements store.Index.
func (x *Index) LastRecord(ctx context.Context) (int64, error) {
	var n int64
	err := x.reader.QueryRowContext(ctx, "SELECT record FROM state").Scan(&n)
	return n, x.readError(ctx, err)
}

// LatestChange implements store.Index.
func (x *Index) LatestChange(ctx context.Context) (store.Cursor, error) {
	var c store.Cursor
	err := x.reader.QueryRowContext(ctx, "SELECT epoch, change FROM state").Scan(&c.Epoch, &c.Number)
	return c, x.readError(ctx, err)
}

// Changes implements store.Index. Numbers are given by the one transaction that writes, so what comes later has a higher one.
func (x *Index) Changes(ctx context.Context, after store.Cursor) iter.Seq2[store.Change, error] {
	// What has been trimmed is looked up in the same statement, or changes could be passed over.
	const query = `SELECT epoch, state.change, trimmed, number, kind, time, study, series, instance, sop_class, workitem, change.state
		FROM state LEFT JOIN change ON number > ? ORDER BY number LIMIT ?`
	return func(yield func(store.Change, error) bool) {
		for at := after; ; {
			page, err := x.changes(ctx, query, at)
			if err != nil {
				yield(store.Change{}, err)
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
				at = c.Cursor
			}
			if len(page) < chunkRows {
				return
			}
		}
	}
}

// changes reads a page.
func (x *Index) changes(ctx context.Context, query string, after store.Cursor) ([]store.Change, error) {
	var page []store.Change
	err := x.each(ctx, query, []any{after.Number, chunkRows}, func(rows *sql.Rows) error {
		var epoch string
		var last, trimmed int64
		var number, kind, millis sql.NullInt64
		var study, series, instance, class, task, state sql.NullString
		if err := rows.Scan(&epoch, &last, &trimmed, &number, &kind, &millis, &study, &series, &instance, &class, &task, &state); err != nil {
			return err
		}
		if after.Epoch != "" && (after.Epoch != epoch || after.Number < trimmed) || after.Number > last {
			return fmt.Errorf("%v: %w", after, store.ErrStale)
		}
		if number.Valid {
			ref := dicom.Ref{Study: dicom.UID(study.String), Series: dicom.UID(series.String), Instance: dicom.UID(instance.String)}
			c := store.Change{
				Cursor: store.Cursor{Epoch: epoch, Number: number.Int64}, Kind: store.ChangeKind(kind.Int64),
				Ref:      located(ref, dicom.UID(class.String)),
				SOPClass: dicom.UID(class.String), State: state.String, Time: time.UnixMilli(millis.Int64).UTC(),
			}
			if !c.Kind.Valid() {
				return fmt.Errorf("change %d of the feed is damaged: noctis doctor --fix mends it", number.Int64)
			}
			if c.Kind.OfStep() {
				c.Step = task.String
			} else {
				c.Workitem = dicom.UID(task.String)
			}
			page = append(page, c)
		}
		return nil
	})
	return page, err
}

// Changed implements store.Index.
func (x *Index) Changed() <-chan struct{} { return x.changed.Next() }

// Settle implements store.Index. A study knows the number of the last change that brought something to it, so that nothing is written for
// this when an instance comes.
func (x *Index) Settle(ctx context.Context, before time.Time, limit int) (next time.Time, err error) {
	const first = `SELECT time FROM change WHERE number > (SELECT settled FROM state) ORDER BY number LIMIT 1`
	var millis int64
	err = x.reader.QueryRowContext(ctx, first).Scan(&millis)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if next = time.UnixMilli(millis).UTC(); err != nil || !next.Before(before) {
		return next, x.readError(ctx, err)
	}
	err = x.write(ctx, limit, func(s *session) (err error) {
		next, err = s.settleStudies(before, limit)
		return err
	})
	return next, err
}

func (s *session) settleStudies(before time.Time, limit int) (next time.Time, err error) {
	rows, err := s.tx.QueryContext(s.ctx, s.index.rebind(`SELECT number, time, study.uid FROM change
		LEFT JOIN study ON study.uid = change.study AND study.touched = number WHERE number > ? ORDER BY number LIMIT ?`), s.state.settled, limit+1)
	if err != nil {
		return next, err
	}
	defer rows.Close()
	var studies []dicom.UID
	for n := 0; rows.Next(); n++ {
		var number, millis int64
		var study sql.NullString
		if err := rows.Scan(&number, &millis, &study); err != nil {
			return next, err
		}
		if next = time.UnixMilli(millis).UTC(); n == limit || !next.Before(before) {
			break
		}
		next, s.state.settled = time.Time{}, number
		if study.Valid {
			studies = append(studies, dicom.UID(study.String))
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return next, err
	}
	for _, uid := range studies {
		if err := s.change(store.StudySettled, dicom.Ref{Study: uid}, ""); err != nil {
			return next, err
		}
	}
	return next, nil
}

// TrimChanges implements store.Index.
func (x *Index) TrimChanges(ctx context.Context, before time.Time, limit int) (n int, err error) {
	const last = `SELECT COALESCE(MAX(number), 0), COUNT(*) FROM
		(SELECT number, time FROM change ORDER BY number LIMIT ?) WHERE time < ?`
	err = x.write(ctx, limit, func(s *session) error {
		var number int64
		if err := s.tx.QueryRowContext(s.ctx, x.rebind(last), limit, before.UnixMilli()).Scan(&number, &n); err != nil || n == 0 {
			return err
		}
		s.state.trimmed = max(s.state.trimmed, number)
		_, err := s.tx.ExecContext(s.ctx, x.rebind("DELETE FROM change WHERE number <= ?"), number)
		return err
	})
	return n, err
}
