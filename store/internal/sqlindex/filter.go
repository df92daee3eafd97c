package sqlindex

import (
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// clause is a condition in SQL. Every entity that matches satisfies it; if it is exact, no other does.
type clause struct {
	sql    string // "": holds for all
	args   []any
	exact  bool
	narrow bool // names series or instances, so that going through all studies would be a detour
	named  bool // names what is found by its UID, or by that of what it lies in

	// keyed are selections of ids, each of which what is found must be in. It is what the clause says altogether if whole is set.
	keyed []selection
	whole bool
	once  bool // and no study is in it twice
	extra bool // asks extra_key

	held *selection // the same, of the columns that study_holder has as well as study; nil: it has not what is asked for
}

// unknown is the clause of a key that only the oracle can answer.
var unknown = clause{}

// maxArgs bounds the arguments of one clause; longer lists are left to the oracle.
const maxArgs = 10_000

// filter turns the scope and keys of a query into SQL. Keys that it cannot express, or not exactly, make the clause inexact: then
// the oracle has to look at every candidate. extras are the attributes whose additional index can be used.
func filter(q match.Query, extras []ExtraKey) clause {
	clauses := scope(q.Searched(), q.Scope)
	for _, k := range q.Keys {
		clauses = append(clauses, keyClause(q, k, extras))
	}
	if q.After != nil {
		clauses = append(clauses, after(q.Level, *q.After))
	}
	return all(clauses)
}

// after holds for what comes behind the position in the order of store.Index.Search.
func after(level match.Level, p match.Position) clause {
	columns := []struct {
		name, past string
		value      any
	}{
		{"study.study_date", "<", p.Date}, {"study.study_time", "<", p.Time}, {"study.uid", ">", p.Ref.Study},
		{"series.number", ">", p.SeriesNumber}, {"series.uid", ">", p.Ref.Series},
		{"instance.number", ">", p.InstanceNumber}, {"instance.uid", ">", p.Ref.Instance},
	}[:3+2*int(level)]
	// The first condition alone says nothing new, but the database can begin at it in the index of studies.
	c := clause{sql: "study.study_date <= ?", args: []any{p.Date}, exact: true}
	var equal string
	var equals []any
	var texts []string
	for _, column := range columns {
		texts = append(texts, equal+column.name+" "+column.past+" ?")
		c.args = append(append(c.args, equals...), column.value)
		equal += column.name + " = ? AND "
		equals = append(equals, column.value)
	}
	c.sql += " AND (" + strings.Join(texts, " OR ") + ")"
	return c
}

// scope restricts to what lies below r. A level below that of the query has no column; nothing matches it.
func scope(level match.Level, r dicom.Ref) []clause {
	var clauses []clause
	for i, uid := range []dicom.UID{match.Study: r.Study, match.Series: r.Series, match.Instance: r.Instance} {
		switch of := match.Level(i); {
		case uid == "":
		case of > level:
			clauses = append(clauses, clause{sql: "1 = 0", exact: true})
		default:
			clauses = append(clauses, clause{sql: of.String() + ".uid = ?", args: []any{uid}, exact: true, narrow: of > match.Study, named: true})
		}
	}
	return clauses
}

// columns hold the one value of their attribute in its normal form.
var columns = map[dicom.Tag]string{
	dicom.StudyInstanceUID:  "study.uid",
	dicom.SeriesInstanceUID: "series.uid",
	dicom.Modality:          "series.modality",
	dicom.SOPInstanceUID:    "instance.uid",
	dicom.SOPClassUID:       "instance.sop_class",
}

// gathered are the attributes of series and instances whose values the study gathers.
var gathered = map[dicom.Tag]dicom.Tag{
	dicom.Modality:    dicom.ModalitiesInStudy,
	dicom.SOPClassUID: dicom.SOPClassesInStudy,
}

func keyClause(q match.Query, k match.Key, extras []ExtraKey) clause {
	if isUniversal(k.Condition) {
		return clause{exact: true}
	}
	if len(k.Path) != 1 || match.LevelOf(k.Path[0]) > q.Searched() {
		return unknown
	}
	t := k.Path[0]
	if c, nested := k.Condition.(match.Sequence); nested {
		// An instance may have items that did not become part of its study or series (store.Split), and are matched all the same.
		if q.Searched() == match.Instance && match.LevelOf(t) < match.Instance {
			return unknown
		}
		return sequenceClause(q, k, c.Keys, extras)
	}
	if t.IsPrivate() {
		return extraClause(q, k, extras)
	}
	a, _ := dicom.Lookup(t)
	if k.VR != "" && k.VR != a.VR() {
		return unknown
	}
	if t == dicom.StudyDate {
		return dateClause(k)
	}
	if column, ok := columns[t]; ok {
		c := columnClause(column, a.VR(), k.Condition)
		if study, ok := gathered[t]; ok && c.exact {
			// Only the studies that have it at all need be looked into.
			c = all([]clause{c, studyKey(study).matching(keyed[study], false, k)})
		}
		return c
	}
	if vr, ok := keyed[t]; ok {
		return studyKey(t).matching(vr, q.Fuzzy, k)
	}
	return extraClause(q, k, extras)
}

// extraClause is that of a key of an attribute that has been indexed.
func extraClause(q match.Query, k match.Key, extras []ExtraKey) clause {
	a, err := match.NewAttribute(k.Path, k.Creator)
	if err != nil || k.VR != "" && k.VR != a.VR() {
		return unknown
	}
	for _, e := range extras {
		if e.Attribute.Creator == a.Creator && slices.Equal(e.Attribute.Path, a.Path) {
			return extraKey(e).matching(a.VR(), q.Fuzzy, k)
		}
	}
	return unknown
}

// sequenceClause narrows a search down to what has, somewhere in the sequence of the key outer, all that is asked of one of its items.
func sequenceClause(q match.Query, outer match.Key, keys []match.Key, extras []ExtraKey) clause {
	var clauses []clause
	for _, k := range keys {
		k.Path = slices.Concat(outer.Path, k.Path)
		if k.Creator == "" {
			k.Creator = outer.Creator
		} else if outer.Creator != "" && outer.Creator != k.Creator {
			continue // an index is of one creator
		}
		if c, nested := k.Condition.(match.Sequence); nested {
			clauses = append(clauses, sequenceClause(q, k, c.Keys, extras))
		} else {
			clauses = append(clauses, extraClause(q, k, extras))
		}
	}
	c := all(clauses)
	c.exact = false
	return c
}

// isUniversal reports whether the condition holds for every data set (PS3.4 C.2.2.2.3).
func isUniversal(c match.Condition) bool {
	switch c := c.(type) {
	case match.Universal:
		return true
	case match.Wildcard:
		return c.Pattern != "" && strings.Trim(c.Pattern, "*") == ""
	}
	return false
}

// dateClause uses the index by which studies are ordered.
func dateClause(k match.Key) clause {
	low, high, ok := k.Bounds()
	if !ok {
		return unknown
	}
	c := clause{sql: "study.study_date <> ''", exact: true}
	if _, combined := k.Condition.(match.DateTimeRange); combined {
		low, high, c.exact = low[:min(8, len(low))], high[:min(8, len(high))], false
	}
	if low != "" {
		c.sql = "study.study_date >= ?"
		c.args = append(c.args, low)
	}
	if high != "" {
		c.sql += " AND study.study_date <= ?"
		c.args = append(c.args, high)
	}
	c.held = &selection{c.sql, c.args}
	return c
}

// columnClause compares a column for equality.
func columnClause(column string, vr dicom.VR, c match.Condition) clause {
	var values []any
	switch c := c.(type) {
	case match.Single:
		values = append(values, match.Normal(vr, c.Value))
	case match.UIDList:
		for _, u := range c.UIDs {
			values = append(values, match.Normal(dicom.UI, string(u)))
		}
	case match.AnyOf:
		return anyOf(c, func(one match.Condition) clause { return columnClause(column, vr, one) })
	}
	// The oracle equates nothing with an empty value, and the columns have empty texts where there is none.
	if len(values) == 0 || len(values) > maxArgs || values[0] == "" {
		return unknown
	}
	named := strings.HasSuffix(column, ".uid")
	return clause{sql: column + " IN (" + placeholders(len(values)) + ")", args: values, exact: true, narrow: named && column != "study.uid", named: named}
}

func anyOf(c match.AnyOf, one func(match.Condition) clause) clause {
	var clauses []clause
	for _, cond := range c.Conditions {
		if isUniversal(cond) {
			return clause{exact: true}
		}
		clauses = append(clauses, one(cond))
	}
	return either(clauses)
}

// and returns the clause as it is added to a WHERE.
func (c clause) and() string {
	if c.sql == "" {
		return ""
	}
	return " AND " + c.sql
}

// all joins clauses by AND.
func all(clauses []clause) clause {
	joined := clause{exact: true, held: &selection{}}
	var texts []string
	for _, c := range clauses {
		joined.exact = joined.exact && c.exact
		joined.narrow = joined.narrow || c.narrow
		joined.named = joined.named || c.named
		joined.extra = joined.extra || c.extra
		if c.sql != "" {
			joined.whole = c.whole && len(texts) == 0
			joined.held = joined.held.joined(" AND ", c.held)
			texts = append(texts, c.sql)
			joined.args = append(joined.args, c.args...)
			joined.keyed = append(joined.keyed, c.keyed...)
		}
	}
	joined.sql = strings.Join(texts, " AND ")
	return joined
}

// either joins clauses by OR. If one of them says nothing, neither does the result.
func either(clauses []clause) clause {
	if len(clauses) == 1 {
		return clauses[0]
	}
	joined := clause{exact: true}
	var texts []string
	union, whole, held := selection{}, true, &selection{}
	for _, c := range clauses {
		if c.sql == "" {
			return clause{exact: c.exact}
		}
		joined.exact = joined.exact && c.exact
		joined.narrow = joined.narrow || c.narrow
		joined.extra = joined.extra || c.extra
		texts = append(texts, c.sql)
		joined.args = append(joined.args, c.args...)
		held = held.joined(" OR ", c.held)
		if whole = whole && c.whole; whole {
			if union.sql != "" {
				union.sql += " UNION ALL "
			}
			union.sql += c.keyed[0].sql
			union.args = append(union.args, c.keyed[0].args...)
		}
	}
	if whole && len(texts) > 0 && len(joined.args) <= maxArgs {
		c := inStudies(union, joined.exact)
		c.held = held.within("(", ")")
		return c
	}
	if len(texts) == 0 || len(joined.args) > maxArgs {
		return unknown
	}
	joined.sql = "(" + strings.Join(texts, " OR ") + ")"
	joined.held = held.within("(", ")")
	return joined
}

// joined adds one condition to others; without either there is none.
func (s *selection) joined(by string, other *selection) *selection {
	switch {
	case s == nil || other == nil:
		return nil
	case s.sql == "":
		return other
	}
	return &selection{s.sql + by + other.sql, append(s.args[:len(s.args):len(s.args)], other.args...)}
}

// within puts a condition between texts.
func (s *selection) within(before, behind string) *selection {
	if s == nil {
		return nil
	}
	return &selection{before + s.sql + behind, s.args}
}
