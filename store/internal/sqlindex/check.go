package sqlindex

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// Check compares what the index says twice: the rows by which studies and series are found with their data sets, and what is counted with what
// is there. It returns what disagrees, without patient data. An index made anew of the files has nothing of it.
func (x *Index) Check(ctx context.Context) (found []string, err error) {
	for _, examine := range []func(context.Context) ([]string, error){x.checkStudies, x.checkSeries, x.checkCounts} {
		more, err := examine(ctx)
		if found = append(found, more...); err != nil {
			return found, err
		}
	}
	return found, nil
}

// sums add up the rows that each entity has in a table, whatever their order, so that no more than a number of each is kept.
type sums map[int64]uint64

var sumSeed = maphash.MakeSeed()

func (s sums) add(id int64, row held) { s[id] += maphash.Comparable(sumSeed, row) }

// sum adds up the rows that a query finds: an id, a number and three texts.
func (x *Index) sum(ctx context.Context, query string) (sums, error) {
	s := sums{}
	return s, x.each(ctx, query, nil, func(rows *sql.Rows) error {
		var id int64
		var row held
		err := rows.Scan(&id, &row.holder, &row.value, &row.date, &row.modalities)
		s.add(id, row)
		return err
	})
}

// take reports whether the entity has just these rows, and forgets it.
func (s sums) take(id int64, want []held) bool {
	expected := sums{}
	for _, row := range want {
		expected.add(id, row)
	}
	had := s[id]
	delete(s, id)
	return had == expected[id]
}

// tally counts the entities of which something is wrong, and names the first.
type tally struct {
	what, first string
	n           int
}

func (t *tally) add(ok bool, of string) {
	if ok {
		return
	}
	if t.n++; t.n == 1 {
		t.first = of
	}
}

func findings(tallies ...*tally) (found []string) {
	for _, t := range tallies {
		if t.n > 0 {
			found = append(found, fmt.Sprintf("%s (%d, the first is %s)", t.what, t.n, t.first))
		}
	}
	return found
}

// checkStudies compares study_key, study_gram, study_holder and the columns of studies with what the studies say.
func (x *Index) checkStudies(ctx context.Context) ([]string, error) {
	var had [3]sums
	for i, query := range []string{
		`SELECT study_id, attribute, value, '', '' FROM study_key`,
		`SELECT study_id, attribute, gram, '', '' FROM study_gram`,
		`SELECT id, holder, value, study_date, modalities FROM study_holder`,
	} {
		var err error
		if had[i], err = x.sum(ctx, query); err != nil {
			return nil, err
		}
	}
	rows := [...]*tally{
		{what: "studies have other rows in study_key than their attributes"},
		{what: "studies have other rows in study_gram than their attributes"},
		{what: "studies have other rows in study_holder than whom they name"},
	}
	unread, columns := &tally{what: "the rows of studies cannot be read"}, &tally{what: "studies have another date or time than their attributes"}
	sourced := &tally{what: "studies have attributes from none of their instances"}
	err := x.each(ctx, `SELECT id, uid, study_date, study_time, attributes, sources, modalities, sop_classes, holders FROM study`, nil, func(r *sql.Rows) error {
		st := &study{}
		var uid, date, time, modalities, classes, holders string
		var attributes, sources []byte
		err := r.Scan(&st.id, &uid, &date, &time, &attributes, &sources, &modalities, &classes, &holders)
		if err != nil {
			return err
		}
		st.counts.Modalities, st.counts.SOPClasses = split(modalities), split(classes)
		if st.merged, err = decodeMerged(attributes, sources); err == nil {
			err = st.decodeHolders(holders)
		}
		if unread.add(err == nil, "study "+uid); err != nil {
			return nil //nolint:nilerr // it is told
		}
		keys := studyKeys(st)
		for i, want := range [][]held{rowsOf(keys), rowsOf(grams(keys)), heldBy(st)} {
			same := had[i].take(st.id, want)
			rows[i].add(same || i == 2 && st.relearn, "study "+uid) // whom it names the server is about to find out
		}
		wantDate, wantTime := store.SortTime(st.merged.DataSet)
		columns.add(date == wantDate && time == wantTime, "study "+uid)
		from, err := x.sourced(ctx, st.merged, `SELECT EXISTS (SELECT 1 FROM instance JOIN series ON series.id = series_id WHERE instance.uid = ? AND study_id = ?)`, st.id)
		sourced.add(from, "study "+uid)
		return err
	})
	for i, left := range had {
		rows[i].add(len(left) == 0 || unread.n > 0, "of no study")
	}
	return findings(append(rows[:], unread, columns, sourced)...), err
}

// sourced reports whether every attribute comes from an instance that there is; has asks for one by its UID.
func (x *Index) sourced(ctx context.Context, m store.Merged, has string, id int64) (bool, error) {
	known := map[dicom.UID]bool{}
	for e := range m.DataSet.All() {
		uid, there := m.Sources[e.Tag]
		if there && !known[uid] {
			if err := x.reader.QueryRowContext(ctx, x.rebind(has), uid, id).Scan(&there); err != nil {
				return false, err
			}
			known[uid] = there
		}
		if !there {
			return false, nil
		}
	}
	return m.DataSet.Len() == len(m.Sources), nil
}

func rowsOf(keys []key) []held {
	rows := make([]held, len(keys))
	for i, k := range keys {
		rows[i] = held{holder: int(k.attribute), value: k.value}
	}
	return rows
}

// checkSeries compares the columns of series with what the series say.
func (x *Index) checkSeries(ctx context.Context) ([]string, error) {
	unread, columns := &tally{what: "the rows of series cannot be read"}, &tally{what: "series have another number or modality than their attributes"}
	sourced := &tally{what: "series have attributes from none of their instances"}
	err := x.each(ctx, `SELECT id, uid, number, modality, attributes, sources FROM series`, nil, func(r *sql.Rows) error {
		var uid, modality string
		var id, number int64
		var attributes, sources []byte
		if err := r.Scan(&id, &uid, &number, &modality, &attributes, &sources); err != nil {
			return err
		}
		m, err := decodeMerged(attributes, sources)
		if unread.add(err == nil, "series "+uid); err != nil {
			return nil //nolint:nilerr // it is told
		}
		columns.add(number == store.SortNumber(m.DataSet, dicom.SeriesNumber) && modality == store.SeriesModality(m.DataSet), "series "+uid)
		from, err := x.sourced(ctx, m, `SELECT EXISTS (SELECT 1 FROM instance WHERE uid = ? AND series_id = ?)`, id)
		sourced.add(from, "series "+uid)
		return err
	})
	return findings(unread, columns, sourced), err
}

// checkCounts compares what is counted, and the numbers given so far, with what is there.
func (x *Index) checkCounts(ctx context.Context) (found []string, err error) {
	for _, c := range []struct{ what, holds string }{
		{"series have another number of instances than they say", `SELECT NOT EXISTS (SELECT 1 FROM series
			WHERE instance_count <> (SELECT count(*) FROM instance WHERE series_id = series.id))`},
		{"studies have another number of series or instances than they say", `SELECT NOT EXISTS (SELECT 1 FROM study
			WHERE series_count <> (SELECT count(*) FROM series WHERE study_id = study.id) OR
			instance_count <> (SELECT COALESCE(sum(instance_count), 0) FROM series WHERE study_id = study.id))`},
		{"numbers that have been given would be given again", `SELECT (SELECT count(*) FROM state) = 1 AND EXISTS (SELECT 1 FROM state WHERE
			study_id >= (SELECT COALESCE(MAX(id), 0) FROM study) AND series_id >= (SELECT COALESCE(MAX(id), 0) FROM series) AND
			instance_id >= (SELECT COALESCE(MAX(id), 0) FROM instance) AND change >= (SELECT COALESCE(MAX(number), 0) FROM change))`},
	} {
		var holds bool
		if err := x.reader.QueryRowContext(ctx, c.holds).Scan(&holds); err != nil {
			return found, x.readError(ctx, err)
		}
		if !holds {
			found = append(found, c.what)
		}
	}
	return found, nil
}
