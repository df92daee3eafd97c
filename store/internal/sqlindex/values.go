package sqlindex

import (
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// valueTable is where the values of an attribute are found, in their normal forms: study_key or extra_key.
type valueTable struct {
	attribute dicom.Tag
	of        string // selects ids by value; a condition follows
	arg       any    // of it
	extra     bool   // may have values that are no longer there
	ids       string // the column that the ids are of; "": those of studies, of study_key
}

func studyKey(t dicom.Tag) valueTable {
	return valueTable{attribute: t, of: "SELECT study_id FROM study_key WHERE attribute = ? AND ", arg: t}
}

func extraKey(e ExtraKey) valueTable {
	return valueTable{of: "SELECT entity_id FROM extra_key WHERE index_id = ? AND ", arg: e.id, extra: true, ids: e.Level.String() + ".id"}
}

// selection is a query that yields ids, some of them perhaps twice; or a condition of one.
type selection struct {
	sql  string
	args []any
}

// matching returns the clause of a key.
func (v valueTable) matching(vr dicom.VR, fuzzy bool, k match.Key) clause {
	if vr == "" {
		return v.ofAnyVR(k.Condition)
	}
	switch c := k.Condition.(type) {
	case match.UIDList:
		if len(c.UIDs) > maxArgs {
			return unknown
		}
		var clauses []clause
		for _, u := range c.UIDs {
			clauses = append(clauses, v.is(match.Normal(dicom.UI, string(u))))
		}
		return either(clauses)
	case match.Single:
		switch vr {
		case dicom.PN:
			return nameClause(fuzzy, c.Value, v.is)
		case dicom.DA, dicom.TM:
			return v.between(k)
		}
		return v.is(match.Normal(vr, c.Value))
	case match.Range, match.DateTimeRange:
		return v.between(k)
	case match.Wildcard:
		if vr == dicom.PN {
			return nameClause(fuzzy, c.Pattern, func(group string) clause {
				var patterns []clause
				for _, p := range match.NamePatterns(group) {
					patterns = append(patterns, v.like(p))
				}
				return either(patterns)
			})
		}
		return v.like(c.Pattern)
	case match.Multiple:
		var clauses []clause
		for _, value := range c.Values {
			k.Condition = match.Single{Value: value}
			clauses = append(clauses, v.matching(vr, fuzzy, k))
		}
		return all(clauses)
	case match.AnyOf:
		return anyOf(c, func(one match.Condition) clause {
			k.Condition = one
			return v.matching(vr, fuzzy, k)
		})
	}
	return unknown
}

// ofAnyVR returns the clause of a condition whose values are compared by the VR that the elements have.
func (v valueTable) ofAnyVR(c match.Condition) clause {
	var clauses []clause
	switch c := c.(type) {
	case match.Single:
		for _, form := range match.Forms(c.Value) {
			clauses = append(clauses, v.is(form))
		}
	case match.Wildcard:
		clauses = []clause{v.like(c.Pattern), v.is(match.AnyValue)}
	default:
		return unknown
	}
	return either(clauses)
}

// nameClause asks for one component group of a person name. Where the query names several, joined by "=", the first that it
// restricts narrows the search down.
func nameClause(fuzzy bool, want string, group func(string) clause) clause {
	if fuzzy {
		return unknown
	}
	groups := strings.SplitN(want, "=", 3)
	for _, g := range groups {
		if folded := match.FoldName(g); folded != "" && strings.Trim(folded, "*") != "" {
			c := group(folded)
			c.exact = c.exact && len(groups) == 1
			return c
		}
	}
	return unknown
}

// clause is that of what is selected.
func (v valueTable) clause(s selection, exact bool) clause {
	if v.ids != "" {
		return clause{sql: v.ids + " IN (" + s.sql + ")", args: s.args, exact: exact && !v.extra, narrow: true, extra: v.extra, keyed: []selection{s}}
	}
	return inStudies(s, exact)
}

const byKey = "study.id IN ("

// inStudies is the clause of studies that are selected.
func inStudies(s selection, exact bool) clause {
	return clause{sql: byKey + s.sql + ")", args: s.args, exact: exact, keyed: []selection{s}, whole: true}
}

func (v valueTable) is(value string) clause {
	c := v.clause(selection{v.of + "value = ?", []any{v.arg, value}}, true)
	if v.attribute == dicom.ModalitiesInStudy {
		c.held = &selection{`instr('\' || study.modalities || '\', '\' || ? || '\') > 0`, []any{value}}
	}
	return c
}

// between narrows dates and times down: of a date with a time, its date.
func (v valueTable) between(k match.Key) clause {
	low, high, ok := k.Bounds()
	if !ok {
		return unknown
	}
	if _, combined := k.Condition.(match.DateTimeRange); combined {
		low, high = low[:min(8, len(low))], high[:min(8, len(high))]
	}
	s := selection{v.of + "value >= ?", []any{v.arg, low}}
	if high != "" {
		s.sql += " AND value <= ?"
		s.args = append(s.args, high)
	}
	return v.clause(s, false)
}

// like is exact for one literal text that begins the value, or lies anywhere in it. Of other patterns it takes the text before the
// first wildcard, or the longest one between two, to narrow the candidates down.
func (v valueTable) like(pattern string) clause {
	literals := strings.FieldsFunc(pattern, func(r rune) bool { return r == '*' || r == '?' })
	if len(literals) == 0 {
		return unknown
	}
	if prefix := literals[0]; strings.HasPrefix(pattern, prefix) {
		if pattern == prefix {
			return v.is(prefix)
		}
		s := selection{v.of + "value >= ? AND value < ?", []any{v.arg, prefix, prefix + "\U0010FFFF"}}
		return v.clause(s, pattern == prefix+"*")
	}
	longest := ""
	for _, l := range literals {
		if len(l) > len(longest) {
			longest = l
		}
	}
	return v.clause(v.has(longest), pattern == "*"+longest+"*")
}

// maxGrams bounds the pairs of characters that narrow a search down; more of them seldom do.
const maxGrams = 6

// has selects by a text within the value: where study_gram has its pairs of characters, only values that have all of them are looked
// at, and a text that is itself a pair needs no look.
func (v valueTable) has(text string) selection {
	const ofGram = "SELECT study_id FROM study_gram WHERE attribute = ? AND gram = ?"
	s := selection{v.of + "instr(value, ?) > 0", []any{v.arg, text}}
	parts := pairs(text)
	switch {
	case v.ids != "" || !slices.Contains(grammed, v.attribute) || len(parts) == 0:
		return s
	case len(parts) == 1:
		return selection{ofGram, s.args}
	}
	parts = parts[:min(len(parts), maxGrams)]
	for _, p := range parts {
		s.args = append(s.args, v.attribute, p)
	}
	s.sql += " AND study_id IN (" + strings.Repeat(ofGram+" INTERSECT ", len(parts)-1) + ofGram + ")"
	return s
}
