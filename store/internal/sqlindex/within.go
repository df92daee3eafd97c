package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Limits (match.Limits) are kept to in the statement that decides what is found, and not after it, so that nothing comes in between: each
// study is asked (probed). What is known before only says where to look.

// counted is the limit of a query whose matches are counted.
const counted = -2

// within joins the limits of a context to the clause of a query, of which so many matches are wanted behind others.
func (x *Index) within(ctx context.Context, f clause, offset, limit int) (clause, error) {
	l := match.LimitsOf(ctx)
	if l.Everything() {
		return f, nil
	}
	r, err := x.reach(ctx, l)
	if err != nil {
		return clause{}, err
	}
	counting := limit == counted
	if h, one := only(l); one && f.held != nil && f.exact && !r.few {
		values, _ := l.Of(h)
		if counting {
			return listed(h, values, r.several, *f.held), nil
		}
		if c, found, err := x.latest(ctx, h, values, r, *f.held, offset+limit); found || err != nil {
			return c, err
		}
	}
	narrower, err := x.narrower(ctx, r, f)
	if err != nil {
		return clause{}, err
	}
	limits := asked(l, r.clauses(f, narrower))
	if counting && f.whole && len(l.Studies) == 0 && !r.few { // what is selected is asked, and no study has to be looked up for that
		s := f.keyed[0]
		c := inStudies(selection{"SELECT id FROM (SELECT DISTINCT study_id AS id FROM (" + s.sql + ")) AS study WHERE " + limits.sql,
			append(s.args[:len(s.args):len(s.args)], limits.args...)}, true)
		c.once = true
		return c, nil
	}
	switch {
	case narrower:
		f.narrow = f.narrow || !f.named
	case r.few && r.several:
		f = all([]clause{among(r.ids), f.probing()})
	case r.few:
		f = f.probing()
		f.narrow = true
	}
	return all([]clause{limits, f}), nil
}

// clauses returns what makes a clause of each of the limits, for a search whose keys are those of f and may be narrower.
func (r reach) clauses(f clause, narrower bool) func(match.Holder, []string) clause {
	return func(h match.Holder, values []string) clause {
		switch {
		case f.named: // the sign keeps the database from joining what it looks up once
			c := probedOf(h, values, r.several)
			c.sql = "+" + c.sql
			return c
		case r.few && !narrower && r.by == h && !r.several:
			return inStudies(selectionOf(h, values, false), true)
		case r.few || narrower || len(values) == 1:
			return probedOf(h, values, r.several)
		}
		s := selectionOf(h, values, r.several) // it is listed once, and would be asked for each study with all values
		return clause{sql: "+" + byKey + s.sql + ")", args: s.args, exact: true}
	}
}

// handful is how many studies are looked at sooner than the question is asked whether the keys of a search leave fewer.
const handful = 25

// narrower reports whether the keys of a search leave fewer studies than the limits.
func (x *Index) narrower(ctx context.Context, r reach, f clause) (bool, error) {
	most := few
	if r.few {
		most = len(r.ids)
	}
	if f.named || most <= handful {
		return f.named, nil
	}
	for _, s := range f.keyed {
		if is, err := x.isFewer(ctx, s, most); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// only returns the limit, if it is one of a holder.
func only(l match.Limits) (h match.Holder, one bool) {
	n := len(l.Studies)
	for _, of := range holders {
		if _, set := l.Of(of); set {
			h, n = of, n+1
		}
	}
	return h, n == 1 && len(l.Studies) == 0
}

// reach is about how far limits reach.
type reach struct {
	few     bool
	by      match.Holder // of few studies: the limit that leaves so few; ofStudies: the limit by studies
	ids     []int64      // and all that can be within the limits
	several bool         // there are studies, among the few if they are few, whose instances name several
}

// ofStudies is the holder of no limit.
const ofStudies match.Holder = -1

// reaches remembers those that were asked for since the last commit. It is safe for concurrent use.
type reaches struct {
	mu     sync.Mutex
	commit int64
	by     map[string]reach // by the text of the limits
}

// mostReaches bounds them.
const mostReaches = 1000

func (x *Index) reach(ctx context.Context, l match.Limits) (reach, error) {
	commit, text := x.commits.Load(), l.Text() // the commits first, or one could be missed
	x.reaches.mu.Lock()
	if x.reaches.by == nil || x.reaches.commit != commit || len(x.reaches.by) >= mostReaches {
		x.reaches.commit, x.reaches.by = commit, map[string]reach{}
	}
	r, known := x.reaches.by[text]
	x.reaches.mu.Unlock()
	if known {
		return r, nil
	}
	severals := []any{severalOf(holders[0]), severalOf(holders[len(holders)-1])}
	err := x.each(ctx, "SELECT EXISTS (SELECT 1 FROM study_holder AS study WHERE holder BETWEEN ? AND ?)", severals, func(rows *sql.Rows) error { return rows.Scan(&r.several) })
	if err != nil {
		return r, err
	}
	for _, s := range leftBy(l, r.several) {
		ids, err := x.ids(ctx, "SELECT * FROM ("+s.sql+") LIMIT ?", append(s.args[:len(s.args):len(s.args)], few))
		if err != nil {
			return r, err
		}
		if len(ids) >= few {
			continue
		}
		r.few, r.by, r.ids = true, s.by, ids
		if r.several {
			c := among(ids)
			err = x.each(ctx, "SELECT EXISTS (SELECT 1 FROM study_holder AS study WHERE holder BETWEEN ? AND ?"+c.and()+")", append(severals, c.args...),
				func(rows *sql.Rows) error { return rows.Scan(&r.several) })
		}
		if err != nil {
			return r, err
		}
		break
	}
	x.reaches.mu.Lock()
	defer x.reaches.mu.Unlock()
	if x.reaches.commit == commit {
		x.reaches.by[text] = r
	}
	return r, nil
}

// among is the clause of a few studies.
func among(ids []int64) clause {
	c := clause{sql: "study.id IN (" + placeholders(len(ids)) + ")", exact: true, narrow: true}
	for _, id := range ids {
		c.args = append(c.args, id)
	}
	return c
}

// probing asks each study for its values, instead of looking up all studies with the values that are asked for.
func (c clause) probing() clause {
	c.sql = strings.NewReplacer(
		byKey+"SELECT study_id FROM ", "EXISTS (SELECT study_id FROM ",
		"study_key WHERE ", "study_key INDEXED BY study_key_study WHERE study_id = study.id AND ",
		"study_gram WHERE ", "study_gram WHERE study_id = study.id AND ").Replace(c.sql)
	return c
}

// probed is the clause of limits that asks each study, for one of them.
func probed(l match.Limits) clause {
	return asked(l, func(h match.Holder, values []string) clause { return probedOf(h, values, true) })
}

// asked joins the clauses of limits.
func asked(l match.Limits, of func(match.Holder, []string) clause) clause {
	var clauses []clause
	if len(l.Studies) > 0 {
		list, args := inList(uidsOf(l))
		clauses = append(clauses, clause{sql: "study.uid IN " + list, args: args, exact: true})
	}
	for _, h := range holders {
		if values, set := l.Of(h); set {
			clauses = append(clauses, of(h, values))
		}
	}
	return all(clauses)
}

func uidsOf(l match.Limits) []string {
	var texts []string
	for _, uid := range l.Studies {
		texts = append(texts, match.Normal(dicom.UI, string(uid)))
	}
	return texts
}

func probedOf(h match.Holder, values []string, several bool) clause {
	list, args := inList(values)
	const of = "EXISTS (SELECT 1 FROM study_holder INDEXED BY study_holder_id WHERE id = study.id AND holder = ?"
	c := clause{sql: of + " AND value IN " + list + ")", args: append([]any{soleOf(h)}, args...), exact: true}
	if several {
		c.sql = "(" + c.sql + " OR " + of + ") AND NOT " + of + " AND " + strange + "))"
		c.args = append(c.args, severalOf(h), severalOf(h), lines(values))
	}
	return c
}

// left is the selection of the studies that one of the limits leaves.
type left struct {
	by match.Holder
	selection
}

func leftBy(l match.Limits, several bool) []left {
	var all []left
	if len(l.Studies) > 0 {
		list, args := inList(uidsOf(l))
		all = append(all, left{ofStudies, selection{"SELECT id FROM study WHERE uid IN " + list, args}})
	}
	for _, h := range holders {
		if values, set := l.Of(h); set {
			all = append(all, left{h, selectionOf(h, values, several)})
		}
	}
	return all
}

func selectionOf(h match.Holder, values []string, several bool) selection {
	return selectionWith(h, values, several, selection{})
}

// selectionWith selects those that satisfy a condition besides.
func selectionWith(h match.Holder, values []string, several bool, condition selection) selection {
	list, args := inList(values)
	and := ""
	if condition.sql != "" {
		and = " AND " + condition.sql
	}
	s := selection{"SELECT id AS study_id FROM study_holder AS study WHERE holder = ? AND value IN " + list + and, append([]any{soleOf(h)}, args...)}
	s.args = append(s.args, condition.args...)
	if several {
		s.sql += ` UNION ALL SELECT DISTINCT id FROM study_holder AS study WHERE holder = ?
			AND id NOT IN (SELECT id FROM study_holder WHERE holder = ? AND ` + strange + ")" + and
		s.args = append(s.args, severalOf(h), severalOf(h), lines(values))
		s.args = append(s.args, condition.args...)
	}
	return s
}

// listed is the clause of one limit, and a condition, by the list of all studies that satisfy them. By one value no study comes twice.
func listed(h match.Holder, values []string, several bool, condition selection) clause {
	c := inStudies(selectionWith(h, values, several, condition), true)
	c.once = len(values) == 1
	return c
}

// latest is the clause of one limit, and a condition, for a search of the first n studies: of those alone that can be among them. On the
// way from the latest study on others might come for long. found is false where that is no shorter.
func (x *Index) latest(ctx context.Context, h match.Holder, values []string, r reach, condition selection, n int) (c clause, found bool, err error) {
	if n <= 0 || len(values) > 1 {
		return c, false, nil
	}
	s := selectionWith(h, values, false, condition)
	var dates []string // of the nth, and of one behind it
	for _, at := range []int{n - 1, n - 1 + few} {
		err := x.each(ctx, strings.Replace(s.sql, "id AS study_id", "study_date", 1)+" ORDER BY study_date DESC LIMIT 1 OFFSET ?",
			append(s.args[:len(s.args):len(s.args)], at), func(rows *sql.Rows) error {
				var date string
				err := rows.Scan(&date)
				dates = append(dates, date)
				return err
			})
		if err != nil {
			return c, false, err
		}
	}
	switch {
	case len(dates) == 2 && dates[0] == dates[1]: // there are too many of one day
		return c, false, nil
	case len(dates) > 0:
		condition = *(&condition).joined(" AND ", &selection{"study.study_date >= ?", []any{dates[0]}})
	}
	c = inStudies(selectionWith(h, values, r.several, condition), true)
	c.narrow = true
	return c, true, nil
}

// inList is what may follow IN, however long it is.
func inList(values []string) (string, []any) {
	if len(values) == 1 {
		return "(?)", []any{values[0]}
	}
	return "(SELECT value FROM json_each(?))", []any{jsonOf(values)}
}

func jsonOf(values []string) string {
	text, err := json.Marshal(values)
	if err != nil || values == nil { // texts have no errors
		return "[]"
	}
	return string(text)
}

// strange are the rows of holders whom no limit means: the parameter is a list of lines.
const strange = `NOT EXISTS (SELECT 1 FROM json_each(?) AS meant WHERE instr(study_holder.value, meant.value) > 0)`

func lines(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = line(v)
	}
	return jsonOf(all)
}
