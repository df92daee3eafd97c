package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
)

// workitemKey is a row of workitem_key.
type workitemKey struct{ path, value string }

// workitemPaths are the attributes that workitem_key has rows of.
var workitemPaths = func() map[string]match.Path {
	all := map[string]match.Path{}
	for _, path := range []match.Path{
		{dicom.PatientName}, {dicom.PatientID}, {dicom.AccessionNumber}, {dicom.ModalitiesInStudy}, {dicom.InstitutionName}, {dicom.StudyDate},
		{dicom.ReferringPhysicianName}, {dicom.StudyInstanceUID},
		{dicom.ReferencedRequestSequence, dicom.AccessionNumber}, {dicom.ReferencedRequestSequence, dicom.StudyInstanceUID},
		{dicom.UnifiedProcedureStepPerformedProcedureSequence, dicom.ActualHumanPerformersSequence, dicom.HumanPerformerName},
	} {
		all[path.String()] = path
	}
	return all
}()

// workitemColumns hold the one value of their attribute in its normal form.
var workitemColumns = map[dicom.Tag]string{
	dicom.ProcedureStepState:             "workitem.state",
	dicom.ScheduledProcedureStepPriority: "workitem.priority",
	dicom.WorklistLabel:                  "workitem.label",
	dicom.SOPInstanceUID:                 "workitem.uid",
}

// workitemMoments hold the moment of a DT attribute.
var workitemMoments = map[dicom.Tag]string{
	dicom.ScheduledProcedureStepStartDateTime:        "workitem.start",
	dicom.ScheduledProcedureStepModificationDateTime: "workitem.modified",
}

// workitemKeys returns every value of these attributes, of a person name each of its component groups.
func workitemKeys(ds *dicom.DataSet) []workitemKey {
	var keys []workitemKey
	for name, path := range workitemPaths {
		vr := path[len(path)-1].VR()
		for _, v := range valuesAt(ds, path) {
			normal := []string{match.Normal(vr, v)}
			switch vr {
			case dicom.PN:
				groups := match.NameGroups(v)
				normal = groups[:]
			case dicom.DA:
				day, _ := match.NormalDate(v)
				normal = []string{day}
			}
			for _, n := range normal {
				if k := (workitemKey{name, n}); n != "" && !slices.Contains(keys, k) {
					keys = append(keys, k)
				}
			}
		}
	}
	return keys
}

func valuesAt(ds *dicom.DataSet, path match.Path) []string {
	if len(path) == 1 {
		return ds.Strings(path[0])
	}
	var all []string
	for _, item := range ds.Items(path[0]) {
		all = append(all, valuesAt(item, path[1:])...)
	}
	return all
}

// workitemFilter turns keys into SQL, as filter does for studies. prefix leads to the items that the keys are in.
func workitemFilter(prefix match.Path, keys []match.Key, fuzzy bool) clause {
	var clauses []clause
	for _, k := range keys {
		clauses = append(clauses, workitemClause(prefix, k, fuzzy))
	}
	return all(clauses)
}

func workitemClause(prefix match.Path, k match.Key, fuzzy bool) clause {
	path := append(slices.Clone(prefix), k.Path...)
	t := path[len(path)-1]
	if c, ok := k.Condition.(match.Sequence); ok {
		inner := workitemFilter(path, c.Keys, fuzzy)
		inner.exact = false // each key may hold in an item of its own
		return inner
	}
	switch {
	case isUniversal(k.Condition):
		return clause{exact: true}
	case k.VR != "" && k.VR != t.VR():
		return unknown
	case len(path) == 1 && workitemColumns[t] != "":
		return columnClause(workitemColumns[t], t.VR(), k.Condition)
	case len(path) == 1 && workitemMoments[t] != "":
		return momentClause(workitemMoments[t], k)
	}
	if _, keyed := workitemPaths[path.String()]; keyed {
		of := valueTable{attribute: t, of: "SELECT workitem_id FROM workitem_key WHERE path = ? AND ", arg: path.String(), ids: "workitem.id"}
		return of.matching(t.VR(), fuzzy, k)
	}
	return unknown
}

// momentClause compares moments, which have been brought to Universal Coordinated Time.
func momentClause(column string, k match.Key) clause {
	low, high, ok := k.Bounds()
	if _, combined := k.Condition.(match.DateTimeRange); !ok || combined {
		return unknown
	}
	c := clause{sql: column + " <> ''", exact: true}
	if low != "" {
		c.sql, c.args = column+" >= ?", append(c.args, low)
	}
	if high != "" {
		c.sql, c.args = c.sql+" AND "+column+" <= ?", append(c.args, high)
	}
	return c
}

// filter turns the keys of a query into SQL. As of studies, few workitems are looked up and put in order; of many, those that come first are
// met on the way through the index of the order.
func (w *Worklist) filter(ctx context.Context, q match.Query) (clause, error) {
	f := workitemFilter(nil, q.Keys, q.Fuzzy)
	walked := f.sql
	for _, s := range f.keyed {
		if isFew, err := w.x.isFewer(ctx, s, few); err != nil || isFew {
			return f, err
		}
		in := "workitem.id IN (" + s.sql + ")"
		walked = strings.Replace(walked, in, "+"+in, 1) // the sign keeps the database from looking up by it
	}
	f.sql = walked
	return f, nil
}

func workitemOrder(q match.Query) string {
	by := worklist.OrderOf(q)
	column := workitemMoments[by.Tag]
	if by.Descending {
		return " ORDER BY " + column + " DESC, workitem.uid DESC"
	}
	return " ORDER BY " + column + ", workitem.uid"
}

// Search implements worklist.Repository.
func (w *Worklist) Search(ctx context.Context, q match.Query) iter.Seq2[*worklist.Workitem, error] {
	return func(yield func(*worklist.Workitem, error) bool) {
		ids, err := w.matches(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		byID(ctx, w.x, ids, chunkRows, selectItem+" WHERE resting = 0 AND workitem.id", func(rows *sql.Rows) (int64, *worklist.Workitem, error) {
			it, err := scanItem(rows)
			if err != nil {
				return 0, nil, err
			}
			return it.id, &it.Workitem, nil
		}, yield)
	}
}

func (w *Worklist) matches(ctx context.Context, q match.Query) ([]int64, error) {
	if q.Limit == 0 {
		return nil, ctx.Err()
	}
	q.Level, q.Scope = match.Instance, dicom.Ref{}
	f, err := w.filter(ctx, q)
	if err != nil {
		return nil, err
	}
	if !f.exact {
		return w.judge(ctx, q, f)
	}
	query := "SELECT workitem.id FROM workitem WHERE resting = 0" + f.and() + workitemOrder(q)
	if q.Limit > 0 || q.Offset > 0 {
		limit := int64(q.Limit)
		if q.Limit < 0 {
			limit = 1 << 62
		}
		query += " LIMIT ? OFFSET ?"
		f.args = append(f.args, limit, q.Offset)
	}
	return w.x.ids(ctx, query, f.args)
}

// judge lets the oracle look at every candidate.
func (w *Worklist) judge(ctx context.Context, q match.Query, f clause) ([]int64, error) {
	var ids []int64
	skip := q.Offset
	err := w.x.each(ctx, selectItem+" WHERE resting = 0"+f.and()+workitemOrder(q), f.args, func(rows *sql.Rows) error {
		it, err := scanItem(rows)
		if err != nil || !q.Match(it.Shown()) {
			return err
		}
		if skip > 0 {
			skip--
			return nil
		}
		if ids = append(ids, it.id); len(ids) == q.Limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ids, err
}

// Count implements worklist.Repository.
func (w *Worklist) Count(ctx context.Context, q match.Query, most int) (n int, err error) {
	q.Level, q.Scope, q.Offset, q.Limit = match.Instance, dicom.Ref{}, 0, -1
	if most >= 0 {
		q.Limit = most + 1
	}
	f, err := w.filter(ctx, q)
	if err != nil {
		return 0, err
	}
	if !f.exact {
		ids, err := w.judge(ctx, q, f)
		return len(ids), err
	}
	query := "SELECT COUNT(*) FROM (SELECT 1 FROM workitem WHERE resting = 0" + f.and()
	if q.Limit > 0 {
		query += " LIMIT ?"
		f.args = append(f.args, q.Limit)
	}
	err = w.x.each(ctx, query+")", f.args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}
