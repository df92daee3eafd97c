package sqlindex

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// loss is what a study or series has to make up for after instances have gone: the attributes that they had decided.
type loss struct {
	before *dicom.DataSet     // what was said before the first of them went; nil: none went
	open   map[dicom.Tag]bool // see store.Merged
}

// of notes that the instance has gone.
func (l *loss) of(instance dicom.UID, m *store.Merged) {
	if l.before == nil {
		l.before, l.open = m.DataSet.Clone(), map[dicom.Tag]bool{}
	}
	m.Drop(instance, l.open)
}

// instance is a row of the table instance, or of non_patient.
type instance struct {
	id       int64
	ref      dicom.Ref
	sopClass dicom.UID
	blob     store.BlobID
}

// stored finds the row of an instance, nil if there is none.
func (s *session) stored(uid dicom.UID) (*instance, error) {
	in := &instance{ref: dicom.Ref{Instance: uid}}
	var series int64
	var blob []byte
	err := s.query(s.st.stored, uid).Scan(&in.id, &series, &blob, &in.sopClass)
	if errors.Is(err, sql.ErrNoRows) {
		return s.storedNonPatient(uid)
	}
	if err != nil {
		return nil, err
	}
	copy(in.blob[:], blob)
	return in, s.query(s.st.seriesPath, series).Scan(&in.ref.Study, &in.ref.Series)
}

// Remove implements store.Index.
func (x *Index) Remove(ctx context.Context, removed []*store.Removed) error {
	if len(removed) == 0 {
		return nil
	}
	buried := make([]burial, len(removed))
	for i, r := range removed {
		var err error
		if buried[i], err = x.newBurial(r); err != nil {
			return err
		}
	}
	return x.write(ctx, len(removed), func(s *session) error {
		for _, b := range buried {
			if err := s.remove(b); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *session) remove(b burial) error {
	s.state.record = max(s.state.record, b.Record)
	in, err := s.stored(b.Entry.Ref.Instance)
	switch {
	case err != nil:
		return err
	case in != nil && in.blob == b.Entry.Blob:
		if err := s.change(b.Kind, in.ref, in.sopClass); err != nil {
			return err
		}
		if err := s.recycle(in, b.Removed); err != nil || !b.Purged {
			return err
		}
		return s.exec(s.st.purge, in.blob[:])
	case b.Record > 0:
		return s.bury(b)
	}
	return nil
}

// replace puts an instance into the recycle bin, because another file takes its UID.
func (s *session) replace(old *instance, by *store.Entry) error {
	if old.ref != by.Ref {
		if err := s.change(store.Deleted, old.ref, old.sopClass); err != nil {
			return err
		}
	}
	return s.recycle(old, &store.Removed{Time: s.now, Kind: store.Replaced})
}

// recycle moves the rows of an instance.
func (s *session) recycle(in *instance, r *store.Removed) error {
	if in.ref.Resource != "" {
		return s.recycleNonPatient(in, r)
	}
	st, err := s.study(in.ref.Study)
	if err != nil {
		return err
	}
	se, err := s.seriesOf(st, in.ref.Series)
	if err != nil {
		return err
	}
	number, err := s.record(store.Record{Number: r.Record, Time: r.Time, Kind: r.Kind, Ref: in.ref, SOPClass: in.sopClass, Blob: in.blob})
	if err != nil {
		return err
	}
	s.state.removed = true
	if err := s.exec(s.st.moveInstance, number, in.ref.Study, in.ref.Series, r.Time.Unix(), r.Kind, in.id); err != nil {
		return err
	}
	if slices.ContainsFunc(s.extras, func(e ExtraKey) bool { return e.Level == match.Instance }) {
		ds, err := s.dataSet(in.id)
		if err != nil {
			return err
		}
		if err := s.dropExtras(match.Instance, ds, in.id); err != nil {
			return err
		}
	}
	if err := s.exec(s.st.deleteMetadata, in.id); err != nil {
		return err
	}
	st.loss.of(in.ref.Instance, &st.merged)
	se.loss.of(in.ref.Instance, &se.merged)
	st.counts.Instances--
	se.instances--
	st.changed, st.regroup, se.changed = true, true, true
	if st.counts.Instances == 0 {
		st.holders = match.Holders{} // what may come instead names somebody else
	}
	st.relearn = st.relearn || !st.holders.Agree()
	return s.exec(s.st.deleteInstance, in.id)
}

// dataSet reads that of an instance.
func (s *session) dataSet(id int64) (*dicom.DataSet, error) {
	var packed []byte
	if err := s.query(s.st.metadata, id).Scan(&packed); err != nil {
		return nil, err
	}
	text, err := s.index.pack.unpack(packed)
	if err != nil {
		return nil, err
	}
	return dicom.ReadJSON(text)
}

// makeUpLosses lets the instances that are left say what those that have gone had said. It comes when all rows of instances have been
// written.
func (s *session) makeUpLosses() error {
	for _, se := range s.series {
		if se.loss.before == nil {
			continue
		}
		if se.instances == 0 {
			se.study.counts.Series--
		}
		err := s.makeUp(&se.loss, &se.merged, s.st.ofSeries, se.id, func(ds *dicom.DataSet) *dicom.DataSet {
			_, ofSeries := store.Split(ds)
			return ofSeries
		})
		if err == nil {
			err = s.dropExtras(match.Series, se.loss.before, se.id)
		}
		if err != nil {
			return err
		}
	}
	for _, st := range s.studies {
		if err := s.learnHolders(st); err != nil {
			return err
		}
		if st.loss.before == nil {
			continue
		}
		err := s.makeUp(&st.loss, &st.merged, s.st.ofStudy, st.id, func(ds *dicom.DataSet) *dicom.DataSet {
			ofStudy, _ := store.Split(ds)
			return ofStudy
		})
		if err == nil {
			err = s.dropExtras(match.Study, st.loss.before, st.id)
		}
		if err == nil {
			st.counts.SOPClasses, err = s.distinct(s.st.sopClasses, st.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeUp offers the instances that a statement finds, in ascending order, until nothing is open any more: most often the first of them
// says what the one that has gone had said.
func (s *session) makeUp(l *loss, m *store.Merged, of *sql.Stmt, id int64, split func(*dicom.DataSet) *dicom.DataSet) error {
	if len(l.open) == 0 {
		return nil
	}
	left, err := s.instances(of, id)
	if err != nil {
		return err
	}
	for _, in := range left {
		if len(l.open) == 0 {
			break
		}
		ds, err := s.dataSet(in.id)
		if err != nil {
			return err
		}
		m.Refill(in.ref.Instance, split(ds), l.open)
	}
	return nil
}

// instances returns ids and UIDs, in the order of the latter.
func (s *session) instances(of *sql.Stmt, id int64) ([]instance, error) {
	rows, err := s.tx.StmtContext(s.ctx, of).QueryContext(s.ctx, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []instance
	for rows.Next() {
		var in instance
		if err := rows.Scan(&in.id, &in.ref.Instance); err != nil {
			return nil, err
		}
		all = append(all, in)
	}
	slices.SortFunc(all, func(a, b instance) int { return cmp.Compare(a.ref.Instance, b.ref.Instance) })
	return all, rows.Err()
}
