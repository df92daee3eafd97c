// Package match is Attribute Matching (PS3.4 C.2.2.2): what a search asks for, and whether a data set is an answer.
//
// It is one concept for searches of studies, series, instances, workitems and scheduled procedure steps. Query.Match is the
// oracle: every index is tested against it on random data, and an index that cannot answer a key itself asks it.
//
// parse.go turns the text of a key into a Condition; condition.go holds the conditions of PS3.4 C.2.2.2.1 to C.2.2.2.8;
// level.go says which attribute belongs to which level.
package match

import "github.com/noctis-dicom/noctis/dicom"

// Level is a level of the Study Root information model (PS3.4 C.6.2).
type Level int

// The levels from the top down. Patient attributes belong to the study in the Study Root model.
const (
	Study Level = iota
	Series
	Instance
)

// Path is an attribute, nested ones with the sequences that lead to it: [RequestAttributesSequence, ScheduledProcedureStepID].
type Path []dicom.Tag

// Query is a search: its keys are joined by AND (PS3.4 C.2.2.2). The zero value asks for all studies.
type Query struct {
	Level      Level
	Keys       []Key
	Include    []Path // attributes to be returned beside the required ones
	IncludeAll bool   // includefield=all (PS3.18 8.3.4.3)
	Fuzzy      bool   // fuzzymatching=true: names match loosely (PS3.4 C.2.2.2.1.1)
	Offset     int    // results to skip
	Limit      int    // most results wanted; negative: no limit
}

// Key is one matching key: the attribute and what it must satisfy.
type Key struct {
	Path      Path
	Condition Condition
}

// Match reports whether the data set satisfies every key. ds is the virtual data set of the query's level: the attributes of
// the entity and of those above it. Match reads nothing but ds and the query, and is safe for concurrent use.
func (q Query) Match(ds *dicom.DataSet) bool {
	for _, k := range q.Keys {
		if !k.match(ds, q.Fuzzy) {
			return false
		}
	}
	return true
}
