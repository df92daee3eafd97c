package sqlindex

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
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
	number            int64
	layout            []byte
	summary           []byte
	metadata          []byte
}

func (x *Index) newRow(e *store.Entry) (*row, error) {
	summary, err := summarize(e.DataSet).MarshalJSON()
	if err != nil {
		return nil, err
	}
	layout, err := e.Layout.MarshalBinary()
	if err != nil {
		return nil, err
	}
	r := &row{
		entry: e, number: store.SortNumber(e.DataSet, dicom.InstanceNumber),
		layout: layout, summary: summary, metadata: x.pack.pack(e.Metadata),
	}
	r.ofStudy, r.ofSeries = store.Split(e.DataSet)
	return r, nil
}

// summarize returns the attributes of an instance that a search returns without being asked for (PS3.18 Table 10.6.3-5).
func summarize(ds *dicom.DataSet) *dicom.DataSet {
	summary := &dicom.DataSet{}
	for _, t := range match.Returned(match.Instance) {
		if e, ok := ds.Get(t); ok && match.LevelOf(t) == match.Instance {
			summary.Set(e)
		}
	}
	return summary
}

// insertion is a call of Insert that waits for its turn.
type insertion struct {
	ctx     context.Context
	rows    []*row
	results []store.Inserted
	err     error
	done    chan struct{}
}

// Insert implements store.Index.
func (x *Index) Insert(ctx context.Context, entries []*store.Entry) ([]store.Inserted, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	in := &insertion{ctx: ctx, rows: make([]*row, len(entries)), done: make(chan struct{})}
	for i, e := range entries {
		var err error
		if in.rows[i], err = x.newRow(e); err != nil {
			return nil, fmt.Errorf("index: instance %s: %w", e.Ref.Instance, err)
		}
	}
	select {
	case x.queue <- in:
		<-in.done
		return in.results, in.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-x.closing:
		return nil, errClosed
	}
}

// commitLoop commits what waits in one transaction: while one is being synced, the next ones gather.
func (x *Index) commitLoop() {
	for {
		select {
		case in := <-x.queue:
			x.commitGroup(x.gather(in))
		case <-x.closing:
			return
		}
	}
}

// gather takes whatever waits at this moment.
func (x *Index) gather(first *insertion) []*insertion {
	group, rows := []*insertion{first}, len(first.rows)
	for rows < groupRows {
		select {
		case in := <-x.queue:
			group = append(group, in)
			rows += len(in.rows)
		default:
			return group
		}
	}
	return group
}

// commitGroup commits the group together. If that fails each call of it is tried alone, so that it gets no error of another's.
func (x *Index) commitGroup(group []*insertion) {
	live := group[:0:0]
	for _, in := range group {
		if in.err = errors.Join(in.ctx.Err(), x.poisoned()); in.err == nil {
			live = append(live, in)
		}
	}
	err := x.commit(live)
	for _, in := range live {
		if in.err = err; err != nil && len(live) > 1 && x.poisoned() == nil {
			in.err = x.commit([]*insertion{in})
		}
		if in.err != nil {
			in.results = nil
		}
	}
	for _, in := range group {
		close(in.done)
	}
}

// commit is one transaction. It is not bound to the context of any call: they share it.
func (x *Index) commit(group []*insertion) error {
	if len(group) == 0 {
		return nil
	}
	ctx := context.Background()
	tx, err := x.writer.BeginTx(ctx, nil)
	if err != nil {
		return x.wrap(err)
	}
	defer tx.Rollback()
	s := newSession(ctx, tx, x)
	if err := s.readExtra(); err != nil {
		return x.failed(err)
	}
	for _, in := range group {
		in.results = make([]store.Inserted, len(in.rows))
		for i, r := range in.rows {
			if in.results[i], err = s.insert(r); err != nil {
				return x.failed(err)
			}
		}
	}
	if err := s.finish(); err != nil {
		return x.failed(err)
	}
	if err := tx.Commit(); err != nil {
		return x.failed(err)
	}
	s.publish()
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
	var blob []byte
	err := s.query(s.st.blobOfInstance, e.Ref.Instance).Scan(&blob)
	switch {
	case err == nil && bytes.Equal(blob, e.Blob[:]):
		return store.InsertedDuplicate, nil
	case err == nil:
		return store.InsertedConflict, nil
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	}
	st, err := s.study(e.Ref.Study)
	if err != nil {
		return 0, err
	}
	se, err := s.seriesOf(st, e.Ref.Series)
	if err != nil {
		return 0, err
	}
	st.add(r)
	st.reading.add(s.index, e)
	se.add(r)
	var id int64
	err = s.query(s.st.insertInstance, se.id, e.Ref.Instance, r.number, e.SOPClass, e.TransferSyntax, e.Blob[:], e.Size,
		e.Stored.Unix(), r.layout, r.summary).Scan(&id)
	if err != nil {
		return 0, err
	}
	if err := s.writeExtras(match.Instance, e.DataSet, id); err != nil {
		return 0, err
	}
	return store.InsertedNew, s.exec(s.st.insertMetadata, id, r.metadata)
}
