package sqlindex

import (
	"context"
	"database/sql"
	"errors"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/store"
)

// Procedures implements procedure.Repository in the database of an index.
type Procedures struct{ x *Index }

// Procedures returns the procedure steps in the same database.
func (x *Index) Procedures() *Procedures { return &Procedures{x} }

// update commits what run does. An error of package procedure is the answer, and not one of the database.
func (p *Procedures) update(ctx context.Context, run func(*session) error) error {
	var refused error
	err := p.x.worklist.update(ctx, func(s *session) error {
		refused = nil
		err := run(s)
		if errors.Is(err, procedure.ErrUnknown) || errors.Is(err, procedure.ErrConflict) || errors.Is(err, procedure.ErrInvalid) {
			refused, err = err, errRefused
		}
		return err
	})
	if refused != nil {
		return refused
	}
	return err
}

// errRefused ends a transaction that shall change nothing.
var errRefused = errors.New("refused")

// Schedule implements procedure.Repository.
func (p *Procedures) Schedule(ctx context.Context, sc *procedure.Scheduled) error {
	return p.update(ctx, func(s *session) error {
		n := sc.Name()
		var taken bool
		if err := s.row(`SELECT EXISTS (SELECT 1 FROM scheduled_step WHERE study = ? AND step = ?)`, n.Study, n.Step).Scan(&taken); err != nil {
			return err
		}
		if taken {
			return procedure.ErrConflict
		}
		return s.writeScheduled(store.StepScheduled, sc)
	})
}

// Reschedule implements procedure.Repository.
func (p *Procedures) Reschedule(ctx context.Context, sc *procedure.Scheduled) error {
	return p.update(ctx, func(s *session) error {
		if err := s.unschedule(sc.Name()); err != nil {
			return err
		}
		return s.writeScheduled(store.StepUpdated, sc)
	})
}

// Unschedule implements procedure.Repository.
func (p *Procedures) Unschedule(ctx context.Context, n procedure.Name) error {
	return p.update(ctx, func(s *session) error {
		if err := s.unschedule(n); err != nil {
			return err
		}
		return s.changeStep(store.StepRemoved, n, "")
	})
}

func (s *session) unschedule(n procedure.Name) error {
	var id int64
	err := s.row(`DELETE FROM scheduled_step WHERE study = ? AND step = ? RETURNING id`, n.Study, n.Step).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return procedure.ErrUnknown
	}
	return err
}

func (s *session) writeScheduled(kind store.ChangeKind, given *procedure.Scheduled) error {
	text, err := given.DataSet.MarshalJSON()
	if err != nil {
		return err
	}
	sc, n := &procedure.Scheduled{DataSet: given.DataSet}, given.Name()
	if sc.Performed, err = s.performedFor(n); err != nil {
		return err
	}
	err = s.do(`INSERT INTO scheduled_step (study, step, start, patient, accession, performed, json) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		append(scheduledValues(sc), text)...)
	if err != nil {
		return err
	}
	return s.changeStep(kind, n, sc.Status())
}

// changeStep writes an entry of the change feed, of a scheduled step.
func (s *session) changeStep(kind store.ChangeKind, n procedure.Name, status string) error {
	return s.writeChange(store.Change{Kind: kind, Ref: dicom.Ref{Study: n.Study}, Step: n.Step, State: status})
}

// scheduledValues are those of the columns of a scheduled step before json.
func scheduledValues(sc *procedure.Scheduled) []any {
	n := sc.Name()
	return []any{n.Study, n.Step, sc.Start(), match.Normal(dicom.LO, sc.DataSet.String(dicom.PatientID)),
		match.Normal(dicom.SH, sc.DataSet.String(dicom.AccessionNumber)), sc.Performed}
}

// performedStatus is a query that lacks its last conditions.
const performedStatus = `(SELECT COALESCE(CASE WHEN MAX(status = 'COMPLETED') THEN 'COMPLETED' WHEN MAX(status = 'IN PROGRESS') THEN 'STARTED' END, '')
	FROM performed_for JOIN performed_step ON performed_step.id = performed_id WHERE `

// performedFor is the status that a scheduled step has from the steps performed for it (see procedure.Scheduled).
func (s *session) performedFor(n procedure.Name) (status string, err error) {
	err = s.row(`SELECT `+performedStatus+`study = ? AND step = ?)`, n.Study, n.Step).Scan(&status)
	return status, err
}

// follow lets the scheduled steps of a performed one follow it.
func (s *session) follow(kind store.ChangeKind, pf *procedure.Performed) error {
	err := s.writeChange(store.Change{Kind: kind, Ref: dicom.Ref{Study: pf.Study()}, Step: string(pf.UID()), State: pf.Status()})
	if err != nil {
		return err
	}
	for _, n := range pf.Names() {
		status, err := s.performedFor(n)
		if err != nil {
			return err
		}
		var text []byte
		err = s.row(`UPDATE scheduled_step SET performed = ? WHERE study = ? AND step = ? AND performed <> ? RETURNING json`, status, n.Study, n.Step,
			status).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			continue // not scheduled here, or as it was
		}
		if err != nil {
			return err
		}
		ds, err := decode(text)
		if err != nil {
			return err
		}
		if err := s.changeStep(store.StepUpdated, n, (&procedure.Scheduled{DataSet: ds, Performed: status}).Status()); err != nil {
			return err
		}
	}
	return nil
}

const selectScheduled = `SELECT id, performed, json FROM scheduled_step WHERE `

func scanScheduled(row interface{ Scan(...any) error }) (int64, *procedure.Scheduled, error) {
	var id int64
	var text []byte
	sc := &procedure.Scheduled{}
	if err := row.Scan(&id, &sc.Performed, &text); err != nil {
		return 0, nil, err
	}
	var err error
	sc.DataSet, err = decode(text)
	return id, sc, err
}

// Scheduled implements procedure.Repository.
func (p *Procedures) Scheduled(ctx context.Context, n procedure.Name) (*procedure.Scheduled, error) {
	_, sc, err := scanScheduled(p.x.reader.QueryRowContext(ctx, p.x.rebind(selectScheduled+`study = ? AND step = ?`), n.Study, n.Step))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, procedure.ErrUnknown
	}
	return sc, p.x.readError(ctx, err)
}

// scheduledColumns hold the one value of their attribute in its normal form.
var scheduledColumns = map[dicom.Tag]string{
	dicom.PatientID: "patient", dicom.AccessionNumber: "accession", dicom.StudyInstanceUID: "study",
}

// scheduledClause narrows a search; the oracle looks at what is left.
func scheduledClause(path match.Path, k match.Key) clause {
	path = append(path[:len(path):len(path)], k.Path...)
	if c, ok := k.Condition.(match.Sequence); ok {
		var clauses []clause
		for _, inner := range c.Keys {
			clauses = append(clauses, scheduledClause(path, inner))
		}
		return all(clauses)
	}
	last := path[len(path)-1]
	if len(path) == 1 && scheduledColumns[last] != "" {
		return columnClause(scheduledColumns[last], last.VR(), k.Condition)
	}
	if len(path) == 2 && path[0] == dicom.ScheduledProcedureStepSequence && last == dicom.ScheduledProcedureStepStartDate {
		return startClause(k)
	}
	return unknown
}

// startClause narrows to days.
func startClause(k match.Key) clause {
	low, high, ok := k.Bounds()
	if _, combined := k.Condition.(match.DateTimeRange); !ok || combined {
		return unknown
	}
	c := clause{sql: "start <> ''"}
	if len(low) >= 8 {
		c.sql, c.args = c.sql+" AND start >= ?", append(c.args, low[:8])
	}
	if len(high) >= 8 {
		c.sql, c.args = c.sql+" AND start < ?", append(c.args, high[:8]+"~")
	}
	return c
}

// Search implements procedure.Repository.
func (p *Procedures) Search(ctx context.Context, q match.Query) (page []*procedure.Scheduled, total int, err error) {
	q.Level, q.Scope = match.Instance, dicom.Ref{}
	var clauses []clause
	for _, k := range q.Keys {
		clauses = append(clauses, scheduledClause(nil, k))
	}
	f := all(clauses)
	which := "performed <> 'COMPLETED'"
	if procedure.AsksForStatus(q) {
		which = "TRUE"
	}
	err = p.x.each(ctx, selectScheduled+which+f.and()+" ORDER BY start, study, step", f.args, func(rows *sql.Rows) error {
		_, sc, err := scanScheduled(rows)
		if err != nil || !q.Match(sc.Shown()) {
			return err
		}
		if total >= q.Offset && (q.Limit < 0 || len(page) < q.Limit) {
			page = append(page, sc)
		}
		total++
		return nil
	})
	return page, total, err
}

// Begin implements procedure.Repository.
func (p *Procedures) Begin(ctx context.Context, pf *procedure.Performed) error {
	return p.update(ctx, func(s *session) error {
		var taken bool
		if err := s.row(`SELECT EXISTS (SELECT 1 FROM performed_step WHERE uid = ?)`, pf.UID()).Scan(&taken); err != nil {
			return err
		}
		if taken {
			return procedure.ErrConflict
		}
		text, err := pf.DataSet.MarshalJSON()
		if err != nil {
			return err
		}
		var id int64
		err = s.row(`INSERT INTO performed_step (uid, status, json) VALUES (?, ?, ?) RETURNING id`, pf.UID(), pf.Status(), text).Scan(&id)
		if err != nil {
			return err
		}
		for _, n := range pf.Names() {
			if err := s.do(`INSERT INTO performed_for (study, step, performed_id) VALUES (?, ?, ?)`, n.Study, n.Step, id); err != nil {
				return err
			}
		}
		return s.follow(store.PerformedCreated, pf)
	})
}

const selectPerformed = `SELECT json FROM performed_step WHERE uid = ?`

func scanPerformed(row *sql.Row) (*procedure.Performed, error) {
	var text []byte
	if err := row.Scan(&text); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = procedure.ErrUnknown
		}
		return nil, err
	}
	ds, err := decode(text)
	return &procedure.Performed{DataSet: ds}, err
}

// Performed implements procedure.Repository.
func (p *Procedures) Performed(ctx context.Context, uid dicom.UID) (*procedure.Performed, error) {
	pf, err := scanPerformed(p.x.reader.QueryRowContext(ctx, p.x.rebind(selectPerformed), uid))
	if errors.Is(err, procedure.ErrUnknown) {
		return nil, err
	}
	return pf, p.x.readError(ctx, err)
}

// Change implements procedure.Repository.
func (p *Procedures) Change(ctx context.Context, uid dicom.UID, change func(*procedure.Performed) error) error {
	return p.update(ctx, func(s *session) error {
		pf, err := scanPerformed(s.row(selectPerformed, uid))
		if err != nil {
			return err
		}
		if err := change(pf); err != nil {
			return err
		}
		text, err := pf.DataSet.MarshalJSON()
		if err != nil {
			return err
		}
		if err := s.do(`UPDATE performed_step SET status = ?, json = ? WHERE uid = ?`, pf.Status(), text, uid); err != nil {
			return err
		}
		return s.follow(store.PerformedUpdated, pf)
	})
}
