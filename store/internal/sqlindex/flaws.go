package sqlindex

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/worklist"
)

// Flaw is a row of the worklist, of the procedure steps or of what else no file has, that contradicts itself or refers to nothing; or some rows that
// do so in the same way.
type Flaw struct {
	table, what string // what is wrong, without patient data
	where       string // which rows
	args        []any
	keep        bool                 // they are kept aside before they are mended, because something of them is lost
	mend        func(*session) error // nil: they go
}

// String says what is wrong, without patient data.
func (f Flaw) String() string { return f.what }

// amiss is a row that can be written again from its data set.
func amiss(table string, id int64, mend func(*session) error) Flaw {
	return Flaw{table: table, what: fmt.Sprintf("row %d of %s, or what it is found by, is not as its data set", id, table), where: "id = ?", args: []any{id}, mend: mend}
}

// wrong is a row that is kept aside before it is mended; with nil it goes.
func wrong(table string, id int64, what string, mend func(*session) error) Flaw {
	return Flaw{table: table, what: fmt.Sprintf("row %d of %s %s", id, table, what), where: "id = ?", args: []any{id}, keep: true, mend: mend}
}

// noDataSet is what is wrong with a row whose data set cannot be read, or is no such thing.
const noDataSet = "has no data set of one"

// Flaws looks at every row.
func (w *Worklist) Flaws(ctx context.Context) (all []Flaw, err error) {
	for _, examine := range []func(context.Context) ([]Flaw, error){w.dangling, w.flawedItems, w.flawedPerformed, w.flawedScheduled,
		w.flawedSubscriptions, w.flawedEvents, w.flawedCommitments, w.flawedWebhooks} {
		flaws, err := examine(ctx)
		if all = append(all, flaws...); err != nil {
			return all, err
		}
	}
	return all, nil
}

// Repair mends the rows. What is lost of them is given to aside before.
func (w *Worklist) Repair(ctx context.Context, flaws []Flaw, aside func(table string, rows []map[string]any) error) error {
	for _, f := range flaws {
		err := w.update(ctx, func(s *session) error {
			if f.keep {
				rows, err := s.whole(f.table, f.where, f.args)
				if err == nil {
					err = aside(f.table, rows)
				}
				if err != nil {
					return err
				}
			}
			if f.mend != nil {
				return f.mend(s)
			}
			return s.do(`DELETE FROM `+f.table+` WHERE `+f.where, f.args...)
		})
		if err != nil {
			return fmt.Errorf("%v: %w", f, err)
		}
	}
	return nil
}

// whole are rows with all their columns.
func (s *session) whole(table, where string, args []any) (all []map[string]any, err error) {
	rows, err := s.tx.QueryContext(s.ctx, s.index.rebind(`SELECT * FROM `+table+` WHERE `+where), args...) // #nosec G202 -- the names of tables are ours
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, c := range columns {
			row[c] = values[i]
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// place is what else the database says of a workitem: whether it is on the list, and why.
type place struct {
	recycled bool // its study can be restored
	stored   bool // its study is stored
	free     bool // it is to be removed, and nobody holds it
	gone     bool // it is one of those that were there once
}

// flawedItems compares columns and keys of workitems with their data sets, and looks whether they are in their places.
func (w *Worklist) flawedItems(ctx context.Context) (flaws []Flaw, err error) {
	keys, err := w.x.sum(ctx, `SELECT workitem_id, 0, path, value, '' FROM workitem_key`)
	if err != nil {
		return nil, err
	}
	states := []worklist.State{worklist.Scheduled, worklist.InProgress, worklist.Completed, worklist.Canceled}
	taken := map[dicom.UID]bool{}
	const query = `SELECT id, uid, study, state, priority, label, start, modified, lock, read, json, resting,
		EXISTS (SELECT 1 FROM removed WHERE removed.study = workitem.study AND purged = 0), EXISTS (SELECT 1 FROM study WHERE study.uid = workitem.study),
		removing = 1 AND NOT EXISTS (SELECT 1 FROM workitem_subscription WHERE workitem_id = workitem.id AND lock = 1),
		EXISTS (SELECT 1 FROM workitem_gone WHERE workitem_gone.uid = workitem.uid) FROM workitem ORDER BY id`
	err = w.x.each(ctx, query, nil, func(r *sql.Rows) error {
		it := &item{}
		var has [9]string
		var text []byte
		var at place
		to := []any{&it.id}
		for i := range has {
			to = append(to, &has[i])
		}
		if err := r.Scan(append(to, &text, &it.resting, &at.recycled, &at.stored, &at.free, &at.gone)...); err != nil {
			return err
		}
		it.Study, it.Lock = dicom.UID(has[1]), dicom.UID(has[7])
		fmt.Sscan(has[8], &it.Read) //nolint:errcheck // the column holds numbers
		var err error
		it.DataSet, err = decode(text)
		if err != nil || it.UID() == "" || taken[it.UID()] || !slices.Contains(states, it.State()) {
			flaws = append(flaws, wrong("workitem", it.id, noDataSet, func(s *session) error { return s.takeOff(`DELETE FROM workitem WHERE id = ?`, it.id) }))
			return nil
		}
		taken[it.UID()] = true
		if of := it.DataSet.UID(dicom.StudyInstanceUID); it.Study != "" && of != "" {
			it.Study = of
		}
		var want []held
		for _, k := range workitemKeys(it.DataSet) {
			want = append(want, held{value: k.path, date: k.value})
		}
		if same := keys.take(it.id, want); !same || !alike(has[:], columnsOf(&it.Workitem)) {
			flaws = append(flaws, amiss("workitem", it.id, func(s *session) error { return s.mendItem(it) }))
			return nil
		}
		flaws = append(flaws, it.misplaced(at)...)
		return nil
	})
	return flaws, err
}

// mendItem writes a workitem again. Another row may have its UID, and is about to get its own; one that has its study is its successor.
func (s *session) mendItem(it *item) error {
	if err := s.do(`UPDATE workitem SET uid = 'of ' || id WHERE uid = ? AND id <> ?`, it.UID(), it.id); err != nil {
		return err
	}
	var succeeded bool
	if err := s.row(`SELECT EXISTS (SELECT 1 FROM workitem WHERE study = ? AND study <> '' AND id <> ?)`, it.Study, it.id).Scan(&succeeded); err != nil {
		return err
	}
	if succeeded {
		it.Study = ""
	}
	if err := s.do(`UPDATE workitem SET uid = ? WHERE id = ?`, it.UID(), it.id); err != nil {
		return err
	}
	if err := s.do(`DELETE FROM workitem_key WHERE workitem_id = ?`, it.id); err != nil {
		return err
	}
	return s.writeItem(it, nil)
}

// alike reports whether columns have these values.
func alike(has []string, want []any) bool {
	for i, v := range want {
		if has[i] != fmt.Sprint(v) {
			return false
		}
	}
	return true
}

// flawedPerformed compares performed steps, and for what they were performed, with their data sets.
func (w *Worklist) flawedPerformed(ctx context.Context) (flaws []Flaw, err error) {
	names, err := w.x.sum(ctx, `SELECT performed_id, 0, study, step, '' FROM performed_for`)
	if err != nil {
		return nil, err
	}
	states := []string{"IN PROGRESS", "COMPLETED", "DISCONTINUED"}
	taken := map[dicom.UID]bool{}
	err = w.x.each(ctx, `SELECT id, uid, status, json FROM performed_step ORDER BY id`, nil, func(r *sql.Rows) error {
		var id int64
		var uid, status string
		var text []byte
		if err := r.Scan(&id, &uid, &status, &text); err != nil {
			return err
		}
		ds, err := decode(text)
		pf := &procedure.Performed{DataSet: ds}
		if err != nil || pf.UID() == "" || taken[pf.UID()] || !slices.Contains(states, pf.Status()) {
			flaws = append(flaws, wrong("performed_step", id, noDataSet, nil))
			return nil
		}
		taken[pf.UID()] = true
		var want []held
		for _, n := range pf.Names() {
			want = append(want, held{value: string(n.Study), date: n.Step})
		}
		if same := names.take(id, want); !same || uid != string(pf.UID()) || status != pf.Status() {
			flaws = append(flaws, amiss("performed_step", id, func(s *session) error { return s.mendPerformed(id, pf) }))
		}
		return nil
	})
	return flaws, err
}

func (s *session) mendPerformed(id int64, pf *procedure.Performed) error {
	if err := s.do(`UPDATE performed_step SET uid = 'of ' || id WHERE uid = ? AND id <> ?`, pf.UID(), id); err != nil {
		return err
	}
	if err := s.do(`UPDATE performed_step SET uid = ?, status = ? WHERE id = ?`, pf.UID(), pf.Status(), id); err != nil {
		return err
	}
	if err := s.do(`DELETE FROM performed_for WHERE performed_id = ?`, id); err != nil {
		return err
	}
	for _, n := range pf.Names() {
		if err := s.do(`INSERT INTO performed_for (study, step, performed_id) VALUES (?, ?, ?)`, n.Study, n.Step, id); err != nil {
			return err
		}
	}
	return nil
}

// flawedScheduled compares scheduled steps with their data sets, and with what was performed for them.
func (w *Worklist) flawedScheduled(ctx context.Context) (flaws []Flaw, err error) {
	taken := map[procedure.Name]bool{}
	const query = `SELECT id, study, step, start, patient, accession, performed, json, ` + performedStatus + `performed_for.study = scheduled_step.study
		AND performed_for.step = scheduled_step.step) FROM scheduled_step ORDER BY id`
	err = w.x.each(ctx, query, nil, func(r *sql.Rows) error {
		var id int64
		var has [6]string
		var text []byte
		sc := &procedure.Scheduled{}
		if err := r.Scan(&id, &has[0], &has[1], &has[2], &has[3], &has[4], &has[5], &text, &sc.Performed); err != nil {
			return err
		}
		var err error
		sc.DataSet, err = decode(text)
		if err != nil || len(sc.DataSet.Items(dicom.ScheduledProcedureStepSequence)) != 1 || sc.Name().Study == "" || sc.Name().Step == "" || taken[sc.Name()] {
			flaws = append(flaws, wrong("scheduled_step", id, noDataSet, nil))
			return nil
		}
		taken[sc.Name()] = true
		if !alike(has[:], scheduledValues(sc)) {
			flaws = append(flaws, amiss("scheduled_step", id, func(s *session) error { return s.mendScheduled(id, sc) }))
		}
		return nil
	})
	return flaws, err
}

func (s *session) mendScheduled(id int64, sc *procedure.Scheduled) (err error) {
	n := sc.Name()
	if sc.Performed, err = s.performedFor(n); err != nil {
		return err
	}
	if err := s.do(`UPDATE scheduled_step SET step = 'of ' || id WHERE study = ? AND step = ? AND id <> ?`, n.Study, n.Step, id); err != nil {
		return err
	}
	return s.do(`UPDATE scheduled_step SET study = ?, step = ?, start = ?, patient = ?, accession = ?, performed = ? WHERE id = ?`,
		append(scheduledValues(sc), id)...)
}
