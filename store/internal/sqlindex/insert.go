package sqlindex

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/failpoint"
	"github.com/noctis-dicom/noctis/store"
)

// groupRows bounds the rows of one transaction that several calls share.
const groupRows = 4096

// errClosed is the error of an insertion after Close.
var errClosed = errors.New("index: closed")

// row is an entry made ready for insertion by the caller's goroutine, so that the one that commits does little.
type row struct {
	entry             *store.Entry
	ofStudy, ofSeries *dicom.DataSet
	named             match.Named
	number            int64
	layout            []byte
	summary           []byte
	metadata          []byte
}

func (x *Index) newRow(e *store.Entry) (*row, error) {
	summary, err := summarize(e).MarshalJSON()
	if err != nil {
		return nil, err
	}
	layout, err := e.Layout.MarshalBinary()
	if err != nil {
		return nil, err
	}
	r := &row{
		entry: e, named: match.NamedBy(e.DataSet), number: store.SortNumber(e.DataSet, dicom.InstanceNumber),
		layout: layout, summary: summary, metadata: x.pack.pack(e.Metadata),
	}
	r.ofStudy, r.ofSeries = store.Split(e.DataSet)
	return r, nil
}

// summarize returns the attributes of an instance that a search returns without being asked for (PS3.18 Tables 10.6.3-5, 12.6.1-2).
func summarize(e *store.Entry) *dicom.DataSet {
	tags := match.NonPatientReturned(e.Ref.Resource)
	if e.Ref.Resource == "" {
		tags = match.Returned(match.Instance)
	}
	summary := &dicom.DataSet{}
	for _, t := range tags {
		if element, ok := e.DataSet.Get(t); ok && (match.LevelOf(t) == match.Instance || e.Ref.Resource != "") {
			summary.Set(element)
		}
	}
	return summary
}

// call is a call that writes and waits for its turn.
type call struct {
	ctx  context.Context
	rows int                  // about how many it writes
	run  func(*session) error // within the transaction; it may be run twice
	err  error
	done chan struct{}
}

// Insert implements store.Index.
func (x *Index) Insert(ctx context.Context, entries []*store.Entry) ([]store.Inserted, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	rows := make([]*row, len(entries))
	for i, e := range entries {
		var err error
		if rows[i], err = x.newRow(e); err != nil {
			return nil, fmt.Errorf("index: instance %s: %w", e.Ref.Instance, err)
		}
	}
	results := make([]store.Inserted, len(rows))
	err := x.write(ctx, len(rows), func(s *session) (err error) {
		for i, r := range rows {
			if results[i], err = s.insert(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// write commits what run does, in the transaction of all who wait with it. Nobody else writes until that ends.
func (x *Index) write(ctx context.Context, rows int, run func(*session) error) error {
	c := &call{ctx: ctx, rows: rows, run: run, done: make(chan struct{})}
	select {
	case x.queue <- c:
		<-c.done
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	case <-x.closing:
		return errClosed
	}
}

// commitLoop commits what waits in one transaction: while one is being synced, the next ones gather.
func (x *Index) commitLoop() {
	for {
		select {
		case c := <-x.queue:
			x.commitGroup(x.gather(c))
		case <-x.closing:
			return
		}
	}
}

// gather takes whatever waits at this moment.
func (x *Index) gather(first *call) []*call {
	group, rows := []*call{first}, first.rows
	for rows < groupRows {
		select {
		case c := <-x.queue:
			group = append(group, c)
			rows += c.rows
		default:
			return group
		}
	}
	return group
}

// commitGroup commits the group together. If that fails each call of it is tried alone, so that it gets no error of another's.
func (x *Index) commitGroup(group []*call) {
	live := group[:0:0]
	for _, c := range group {
		if c.err = errors.Join(c.ctx.Err(), x.poisoned()); c.err == nil {
			live = append(live, c)
		}
	}
	err := x.commit(live)
	for _, c := range live {
		if c.err = err; err != nil && len(live) > 1 && x.poisoned() == nil {
			c.err = x.commit([]*call{c})
		}
	}
	for _, c := range group {
		close(c.done)
	}
}

// commit is one transaction. It is not bound to the context of any call: they share it.
func (x *Index) commit(group []*call) error {
	if len(group) == 0 {
		return nil
	}
	ctx := context.Background()
	tx, err := x.writer.BeginTx(ctx, nil)
	if err != nil {
		return x.wrap(err)
	}
	defer tx.Rollback()
	failpoint.Hit("index begun")
	s := newSession(ctx, tx, x)
	if err := errors.Join(s.readExtra(), s.readState()); err != nil {
		return x.failed(err)
	}
	for _, c := range group {
		if err := c.run(s); err != nil {
			return x.failed(err)
		}
	}
	if err := s.finish(); err != nil {
		return x.failed(err)
	}
	failpoint.Hit("index inserted")
	err = tx.Commit()
	x.commits.Add(1) // after an error too: nobody knows then what is visible
	if err != nil {
		return x.failed(err)
	}
	failpoint.Hit("index committed")
	s.publish()
	x.noted.Store(s.state.outbox)
	return nil
}

func (x *Index) failed(err error) error {
	if x.dialect.Broken(err) {
		return x.poison(err)
	}
	return x.wrap(err)
}

// insert adds one instance to the transaction.
func (s *session) insert(r *row) (store.Inserted, error) {
	e := r.entry
	result, kind := store.InsertedNew, e.Kind
	old, err := s.stored(e.Ref.Instance)
	switch {
	case err != nil:
		return 0, err
	case old != nil && old.blob == e.Blob:
		return store.InsertedDuplicate, nil
	case old != nil && !e.Replace:
		return store.InsertedConflict, nil
	}
	if admitted, err := s.admits(e); err != nil || !admitted {
		return store.InsertedNot, err
	}
	st, err := s.studyFor(e)
	if err != nil {
		return 0, err
	}
	if old != nil {
		if result = store.InsertedReplacing; kind == store.Stored {
			kind = store.Replaced
		}
		if err := s.replace(old, e); err != nil {
			return 0, err
		}
	}
	id := int64(0)
	if old != nil && old.ref == e.Ref {
		id = old.id // who has listed the old one and reads now finds the new one in its place
	}
	if err := s.takeBack(e, kind); err != nil {
		return 0, err
	}
	if err := s.change(kind, e.Ref, e.SOPClass); err != nil {
		return 0, err
	}
	if st == nil {
		return result, s.addNonPatient(r)
	}
	st.touched = s.state.change
	return result, s.add(st, r, id)
}

// studyFor is the study that an instance is about to come into, which may be its first one; nil for an instance of no patient.
func (s *session) studyFor(e *store.Entry) (*study, error) {
	if e.Ref.Resource != "" {
		return nil, nil
	}
	st, err := s.study(e.Ref.Study)
	if err == nil && st.counts.Instances == 0 {
		err = s.change(store.StudyStored, dicom.Ref{Study: e.Ref.Study}, "")
	}
	return st, err
}

// add writes the rows of an instance that is not there, with a new id if that is 0.
func (s *session) add(st *study, r *row, id int64) error {
	e := r.entry
	se, err := s.seriesOf(st, e.Ref.Series)
	if err != nil {
		return err
	}
	st.add(r)
	st.reading.add(s.index, e)
	se.add(r)
	if id == 0 {
		s.state.instance++
		id = s.state.instance
	}
	err = s.exec(s.st.insertInstance, id, se.id, e.Ref.Instance, r.number, e.SOPClass, e.TransferSyntax, e.Blob[:], e.Size,
		e.Stored.Unix(), r.layout, r.summary)
	if err != nil {
		return err
	}
	if err := s.writeExtras(match.Instance, e.DataSet, id); err != nil {
		return err
	}
	return s.exec(s.st.insertMetadata, id, r.metadata)
}
