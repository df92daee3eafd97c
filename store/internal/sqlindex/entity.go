package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// session is one transaction that writes. Studies and series are read once, changed in memory, and written by finish.
type session struct {
	ctx     context.Context
	tx      *sql.Tx
	index   *Index
	st      *statements
	state   state
	began   int64 // number of the last change before it
	now     time.Time
	studies map[dicom.UID]*study
	series  map[seriesKey]*series
	extras  []ExtraKey
	told    told
}

type seriesKey struct {
	study  int64
	series dicom.UID
}

func newSession(ctx context.Context, tx *sql.Tx, x *Index) *session {
	return &session{ctx: ctx, tx: tx, index: x, st: &x.statements, studies: map[dicom.UID]*study{}, series: map[seriesKey]*series{}}
}

func (s *session) query(st *sql.Stmt, args ...any) *sql.Row {
	return s.tx.StmtContext(s.ctx, st).QueryRowContext(s.ctx, args...)
}

func (s *session) exec(st *sql.Stmt, args ...any) error {
	_, err := s.tx.StmtContext(s.ctx, st).ExecContext(s.ctx, args...)
	return err
}

// study is a row of the table study.
type study struct {
	id      int64
	merged  store.Merged
	counts  store.StudyCounts
	touched int64 // number of the last change that brought an instance
	keys    []key // as they are in study_key
	held    []held
	holders match.Holders
	relearn bool // holders are not known, or may be fewer
	changed bool // merged, SOPClasses or holders differ from the row
	regroup bool // a series came or went, or its modality changed
	loss    loss
	reading reading
}

// series is a row of the table series.
type series struct {
	id        int64
	study     *study
	merged    store.Merged
	instances int
	changed   bool
	loss      loss
}

// study reads the row, or makes one.
func (s *session) study(uid dicom.UID) (*study, error) {
	if st := s.studies[uid]; st != nil {
		return st, nil
	}
	st := &study{}
	var attributes, sources []byte
	var modalities, classes, holders string
	err := s.query(s.st.study, uid).Scan(&st.id, &attributes, &sources, &modalities, &classes, &st.counts.Series, &st.counts.Instances,
		&st.touched, &holders)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		s.state.study++
		st.id = s.state.study
		err = s.exec(s.st.insertStudy, st.id, uid)
	case err == nil:
		st.counts.Modalities, st.counts.SOPClasses = split(modalities), split(classes)
		if st.merged, err = decodeMerged(attributes, sources); err == nil {
			err = st.decodeHolders(holders)
			st.keys, st.held = studyKeys(st), heldBy(st)
		}
	}
	if err != nil {
		return nil, err
	}
	s.studies[uid] = st
	return st, nil
}

func (s *session) seriesOf(st *study, uid dicom.UID) (*series, error) {
	k := seriesKey{st.id, uid}
	if se := s.series[k]; se != nil {
		return se, nil
	}
	se := &series{study: st}
	var attributes, sources []byte
	err := s.query(s.st.series, st.id, uid).Scan(&se.id, &attributes, &sources, &se.instances)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		st.counts.Series++
		st.regroup = true
		s.state.series++
		se.id = s.state.series
		err = s.exec(s.st.insertSeries, se.id, st.id, uid)
	case err == nil:
		se.merged, err = decodeMerged(attributes, sources)
	}
	if err != nil {
		return nil, err
	}
	s.series[k] = se
	return se, nil
}

func (st *study) add(r *row) {
	if st.merged.Add(r.entry.Ref.Instance, r.ofStudy) {
		st.changed = true
	}
	if st.holders.Add(r.named) {
		st.changed = true
	}
	st.counts.Instances++
	class := string(r.entry.SOPClass)
	if i, found := slices.BinarySearch(st.counts.SOPClasses, class); !found {
		st.counts.SOPClasses = slices.Insert(st.counts.SOPClasses, i, class)
		st.changed = true
	}
}

func (se *series) add(r *row) {
	before := store.SeriesModality(se.merged.DataSet)
	if se.merged.Add(r.entry.Ref.Instance, r.ofSeries) {
		se.changed = true
		if store.SeriesModality(se.merged.DataSet) != before {
			se.study.regroup = true
		}
	}
	se.instances++
}

// finish writes the studies and series of the transaction.
func (s *session) finish() error {
	if err := s.makeUpLosses(); err != nil {
		return err
	}
	for _, se := range s.series {
		if err := s.writeSeries(se); err != nil {
			return err
		}
	}
	for uid, st := range s.studies {
		if err := s.writeStudy(uid, st); err != nil {
			return err
		}
	}
	return s.writeState()
}

func (s *session) writeSeries(se *series) error {
	if se.instances == 0 {
		return s.exec(s.st.deleteSeries, se.id)
	}
	if !se.changed {
		return s.exec(s.st.countSeries, se.instances, se.id)
	}
	attributes, sources, err := encodeMerged(se.merged)
	if err != nil {
		return err
	}
	ds := se.merged.DataSet
	if err := s.writeExtras(match.Series, ds, se.id); err != nil {
		return err
	}
	return s.exec(s.st.updateSeries, store.SortNumber(ds, dicom.SeriesNumber), store.SeriesModality(ds), se.instances,
		attributes, sources, se.id)
}

func (s *session) writeStudy(uid dicom.UID, st *study) error {
	if st.counts.Instances == 0 {
		if err := errors.Join(s.writeKeys(st, nil), s.writeHolders(st, nil)); err != nil {
			return err
		}
		if err := s.restReading(uid); err != nil {
			return err
		}
		return s.exec(s.st.deleteStudy, st.id)
	}
	if st.regroup {
		if err := s.modalities(st); err != nil {
			return err
		}
	}
	if !st.changed && !st.regroup {
		return s.exec(s.st.countStudy, st.counts.Series, st.counts.Instances, st.touched, st.id)
	}
	attributes, sources, err := encodeMerged(st.merged)
	if err != nil {
		return err
	}
	holders, err := st.encodeHolders()
	if err != nil {
		return err
	}
	date, time := store.SortTime(st.merged.DataSet)
	err = s.exec(s.st.updateStudy, date, time, strings.Join(st.counts.Modalities, `\`), strings.Join(st.counts.SOPClasses, `\`),
		st.counts.Series, st.counts.Instances, st.touched, attributes, sources, holders, st.id)
	if err != nil {
		return err
	}
	if err := s.writeExtras(match.Study, st.merged.DataSet, st.id); err != nil {
		return err
	}
	if err := errors.Join(s.writeKeys(st, studyKeys(st)), s.writeHolders(st, heldBy(st))); err != nil {
		return err
	}
	return s.writeReading(uid, st)
}

// modalities collects ModalitiesInStudy from the series.
func (s *session) modalities(st *study) (err error) {
	st.counts.Modalities, err = s.distinct(s.st.modalities, st.id)
	return err
}

// distinct returns the texts that a statement finds, ascending.
func (s *session) distinct(of *sql.Stmt, id int64) ([]string, error) {
	rows, err := s.tx.StmtContext(s.ctx, of).QueryContext(s.ctx, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all, rows.Err()
}

// decodeMerged reads what encodeMerged wrote.
func decodeMerged(attributes, sources []byte) (store.Merged, error) {
	m := store.Merged{DataSet: &dicom.DataSet{}, Sources: map[dicom.Tag]dicom.UID{}}
	if err := m.DataSet.UnmarshalJSON(attributes); err != nil {
		return m, err
	}
	var tags map[dicom.UID][]dicom.Tag
	if err := json.Unmarshal(sources, &tags); err != nil {
		return m, err
	}
	for uid, of := range tags {
		for _, t := range of {
			m.Sources[t] = uid
		}
	}
	return m, nil
}

// encodeMerged writes the attributes as DICOM JSON, and the sources by UID, because most often there is only one.
func encodeMerged(m store.Merged) (attributes, sources []byte, err error) {
	if attributes, err = m.DataSet.MarshalJSON(); err != nil {
		return nil, nil, err
	}
	tags := map[dicom.UID][]dicom.Tag{}
	for t, uid := range m.Sources {
		tags[uid] = append(tags[uid], t)
	}
	sources, err = json.Marshal(tags)
	return attributes, sources, err
}

// split is the inverse of strings.Join(values, `\`).
func split(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, `\`)
}
