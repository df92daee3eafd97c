package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/worklist"
)

// Facilities says where what a modality sends was made, by Station Name (0008,1010), for files that have no Institution Name
// (0008,0080); "*" stands for all others. It is taken from the files, not from the connection, so that an index that is rebuilt says
// the same.
type Facilities map[string]string

// of is the facility of an instance, "" if nobody knows.
func (f Facilities) of(ds *dicom.DataSet) string {
	if name := ds.String(dicom.InstitutionName); name != "" || len(f) == 0 {
		return name
	}
	if name, known := f[ds.String(dicom.StationName)]; known {
		return name
	}
	return f["*"]
}

// SetFacilities is called before anything is stored.
func (w *Worklist) SetFacilities(f Facilities) { w.facilities = f }

// reading is what a session knows of the reading workitem of a study, while it stores instances of it.
type reading struct {
	facility string
	stored   time.Time
}

func (r *reading) add(x *Index, e *store.Entry) {
	if r.facility == "" {
		r.facility = x.worklist.facilities.of(e.DataSet)
	}
	if r.stored.IsZero() || e.Stored.Before(r.stored) {
		r.stored = e.Stored
	}
}

// writeReading gives a study its workitem, and keeps that up to date with it. It is part of the transaction that stores the instances, so
// that there never is a study without one.
func (s *session) writeReading(uid dicom.UID, st *study) error {
	virtual := store.StudyDataSet(st.merged.DataSet, st.counts)
	virtual.SetStrings(dicom.StudyInstanceUID, dicom.UI, string(uid))
	it, err := s.readingOf(uid)
	switch {
	case err != nil:
		return err
	case it == nil:
		began := st.reading.stored
		if began.IsZero() || began.Unix() <= 0 {
			began = time.Now()
		}
		return s.addItem(worklist.Reading(virtual, st.reading.facility, began))
	}
	before, facility := it.DataSet, st.reading.facility
	if before.String(dicom.InstitutionName) != "" {
		facility = "" // the first one stays
	}
	if changed := it.Refresh(virtual, facility); !changed && !it.resting {
		return nil
	}
	kind := store.WorkitemUpdated
	if it.resting {
		kind = store.WorkitemCreated
		if err := s.do(`UPDATE workitem SET resting = 0 WHERE id = ?`, it.id); err != nil {
			return err
		}
	}
	if err := s.changeItem(kind, uid, it.UID(), it.State()); err != nil {
		return err
	}
	return s.writeItem(it, before)
}

// restReading takes the workitem of a study off the list while the study is not stored; writeReading puts it back.
func (s *session) restReading(study dicom.UID) error {
	return s.takeOff(`UPDATE workitem SET resting = 1 WHERE study = ? AND study <> '' AND resting = 0`, study)
}

// endReadings drops resting workitems of studies of which nothing can be restored any more: they hold what a patient is called.
func (s *session) endReadings(studies []string) error {
	const of = ` FROM workitem WHERE resting = 1 AND study <> '' AND study = ?
		AND NOT EXISTS (SELECT 1 FROM removed WHERE removed.study = workitem.study AND purged = 0)`
	for _, study := range studies {
		if err := s.do(`INSERT INTO workitem_gone (uid) SELECT uid`+of+` ON CONFLICT DO NOTHING`, study); err != nil {
			return err
		}
		if err := s.do(`DELETE`+of, study); err != nil {
			return err
		}
	}
	return nil
}

// readingOf is the workitem of a study, nil if there is none.
func (s *session) readingOf(study dicom.UID) (*item, error) {
	it := &item{}
	it.Study = study
	var uid dicom.UID
	var text []byte
	err := s.query(s.index.worklist.statements.byStudy, study).Scan(&it.id, &uid, &it.Lock, &it.Read, &it.resting, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	it.DataSet, err = decode(text)
	return it, err
}

const withoutWorkitem = ` FROM study WHERE NOT EXISTS (SELECT 1 FROM workitem WHERE workitem.study = study.uid AND workitem.study <> '' AND resting = 0)`

// Missing counts the studies that have no workitem: none, unless the database was damaged.
func (w *Worklist) Missing(ctx context.Context) (n int, err error) {
	err = w.x.reader.QueryRowContext(ctx, w.x.rebind(`SELECT COUNT(*)`+withoutWorkitem)).Scan(&n)
	return n, w.x.readError(ctx, err)
}

// mendPage is how many studies get their workitems in one transaction.
const mendPage = 500

// Mend gives every study that has none its workitem, and returns how many that were.
func (w *Worklist) Mend(ctx context.Context) (mended int, err error) {
	for {
		n := 0
		err := w.update(ctx, func(s *session) (err error) {
			n, err = s.mend()
			return err
		})
		if mended += n; err != nil || n < mendPage {
			return mended, err
		}
	}
}

func (s *session) mend() (int, error) {
	uids, err := s.texts(`SELECT study.uid`+withoutWorkitem+` LIMIT ?`, mendPage)
	if err != nil {
		return 0, err
	}
	for _, uid := range uids {
		st, err := s.study(dicom.UID(uid))
		if err != nil {
			return 0, err
		}
		series, err := s.texts(`SELECT attributes FROM series WHERE study_id = ? ORDER BY number, uid`, st.id)
		if err != nil {
			return 0, err
		}
		for _, text := range series {
			ds, err := decode([]byte(text))
			if err != nil {
				return 0, err
			}
			st.reading.add(s.index, &store.Entry{DataSet: ds, Stored: time.Now()})
		}
		if err := s.writeReading(dicom.UID(uid), st); err != nil {
			return 0, err
		}
	}
	return len(uids), nil
}

// texts reads a column.
func (s *session) texts(query string, args ...any) ([]string, error) {
	rows, err := s.tx.QueryContext(s.ctx, s.index.rebind(query), args...)
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
	return all, rows.Err()
}

// begin gives the studies of a database that is older than its worklist their workitems, before anybody sees it.
func (w *Worklist) begin(ctx context.Context) error {
	var begun bool
	if err := w.x.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM worklist_begun)`).Scan(&begun); err != nil || begun || w.x.dialect.Looking {
		return err
	}
	if _, err := w.Mend(ctx); err != nil {
		return err
	}
	return w.update(ctx, func(s *session) error {
		return s.do(`INSERT INTO worklist_begun (at) VALUES (?)`, time.Now().UTC().Format(time.RFC3339))
	})
}
