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

// Flaw is a row of the worklist, or of the procedure steps, that does not say what its data set says. No file has what these rows have.
type Flaw struct {
	Table string
	ID    int64
	Lost  bool // its data set cannot be read, or is no such thing: the row cannot be mended
	mend  func(*session) error
}

// String says what is wrong, without patient data.
func (f Flaw) String() string {
	if f.Lost {
		return fmt.Sprintf("row %d of %s has no data set of one", f.ID, f.Table)
	}
	return fmt.Sprintf("row %d of %s, or what it is found by, is not as its data set", f.ID, f.Table)
}

// Flaws looks at every row.
func (w *Worklist) Flaws(ctx context.Context) (all []Flaw, err error) {
	for _, examine := range []func(context.Context) ([]Flaw, error){w.flawedItems, w.flawedPerformed, w.flawedScheduled} {
		flaws, err := examine(ctx)
		if all = append(all, flaws...); err != nil {
			return all, err
		}
	}
	return all, nil
}

// Repair writes the rows again from their data sets. Those that are lost are given to aside, and go.
func (w *Worklist) Repair(ctx context.Context, flaws []Flaw, aside func(table string, row map[string]any) error) error {
	for _, f := range flaws {
		err := w.update(ctx, func(s *session) error {
			if !f.Lost {
				return f.mend(s)
			}
			row, err := s.whole(f.Table, f.ID)
			if err != nil {
				return err
			}
			if err := aside(f.Table, row); err != nil {
				return err
			}
			if f.Table == "workitem" {
				return s.takeOff(`DELETE FROM workitem WHERE id = ?`, f.ID)
			}
			return s.do(`DELETE FROM `+f.Table+` WHERE id = ?`, f.ID)
		})
		if err != nil {
			return fmt.Errorf("%v: %w", f, err)
		}
	}
	return nil
}

// whole is a row with all its columns.
func (s *session) whole(table string, id int64) (map[string]any, error) {
	rows, err := s.tx.QueryContext(s.ctx, `SELECT * FROM `+table+` WHERE id = ?`, id) // #nosec G202 -- the names of tables are ours
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	row, values, to := map[string]any{}, make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		for i, c := range columns {
			row[c] = values[i]
		}
	}
	return row, rows.Err()
}

// flawedItems compares columns and keys of workitems with their data sets.
func (w *Worklist) flawedItems(ctx context.Context) (flaws []Flaw, err error) {
	keys, err := w.x.sum(ctx, `SELECT workitem_id, 0, path, value, '' FROM workitem_key`)
	if err != nil {
		return nil, err
	}
	states := []worklist.State{worklist.Scheduled, worklist.InProgress, worklist.Completed, worklist.Canceled}
	taken := map[dicom.UID]bool{}
	const query = `SELECT id, uid, study, state, priority, label, start, modified, lock, read, json FROM workitem ORDER BY id`
	err = w.x.each(ctx, query, nil, func(r *sql.Rows) error {
		it := &item{}
		var has [9]string
		var text []byte
		to := []any{&it.id}
		for i := range has {
			to = append(to, &has[i])
		}
		if err := r.Scan(append(to, &text)...); err != nil {
			return err
		}
		it.Study, it.Lock = dicom.UID(has[1]), dicom.UID(has[7])
		fmt.Sscan(has[8], &it.Read) //nolint:errcheck // the column holds numbers
		var err error
		it.DataSet, err = decode(text)
		if err != nil || it.UID() == "" || taken[it.UID()] || !slices.Contains(states, it.State()) {
			flaws = append(flaws, Flaw{Table: "workitem", ID: it.id, Lost: true})
			return nil
		}
		taken[it.UID()] = true
		var want []held
		for _, k := range workitemKeys(it.DataSet) {
			want = append(want, held{value: k.path, date: k.value})
		}
		if same := keys.take(it.id, want); !same || !alike(has[:], columnsOf(&it.Workitem)) {
			flaws = append(flaws, Flaw{Table: "workitem", ID: it.id, mend: func(s *session) error { return s.mendItem(it) }})
		}
		return nil
	})
	return flaws, err
}

func (s *session) mendItem(it *item) error {
	for _, statement := range []string{`UPDATE workitem SET uid = 'of ' || id WHERE uid = ? AND id <> ?`, `UPDATE workitem SET uid = ? WHERE id = ?`} {
		if err := s.do(statement, it.UID(), it.id); err != nil { // another row may have its UID, and is about to get its own
			return err
		}
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
			flaws = append(flaws, Flaw{Table: "performed_step", ID: id, Lost: true})
			return nil
		}
		taken[pf.UID()] = true
		var want []held
		for _, n := range pf.Names() {
			want = append(want, held{value: string(n.Study), date: n.Step})
		}
		if same := names.take(id, want); !same || uid != string(pf.UID()) || status != pf.Status() {
			flaws = append(flaws, Flaw{Table: "performed_step", ID: id, mend: func(s *session) error { return s.mendPerformed(id, pf) }})
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
			flaws = append(flaws, Flaw{Table: "scheduled_step", ID: id, Lost: true})
			return nil
		}
		taken[sc.Name()] = true
		if !alike(has[:], scheduledValues(sc)) {
			flaws = append(flaws, Flaw{Table: "scheduled_step", ID: id, mend: func(s *session) error { return s.mendScheduled(id, sc) }})
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
