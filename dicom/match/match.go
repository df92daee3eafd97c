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

// String returns the level in lower case, for messages.
func (l Level) String() string {
	switch l {
	case Study:
		return "study"
	case Series:
		return "series"
	}
	return "instance"
}

// Query is a search: its keys are joined by AND (PS3.4 C.2.2.2). The zero value asks for all studies.
type Query struct {
	Level      Level
	Scope      dicom.Ref // the study or series named in the resource's path, or a Resource; decides what is returned too
	Keys       []Key     // as Combine returns them
	Parts      Level     // where it lies below Level: that of the parts by which entities are found, see Searched
	Include    []Path    // attributes to be returned beside the required ones
	IncludeAll bool      // includefield=all (PS3.18 8.3.4.3)
	Fuzzy      bool      // fuzzymatching=true: names match loosely (PS3.4 C.2.2.2.1.1)
	Offset     int       // results to skip
	Limit      int       // most results wanted; negative: no limit
	Order      []Order   // of the results; those that it does not tell apart, and all without it, come as Position has it
	After      *Position // only what comes behind it; not together with Order
}

// Searched returns the level whose data sets are matched: Level, or that of Parts below it. Then an entity of Level is found if one of its
// parts satisfies all keys; the first that does is the result, and Offset, Limit, After and counts are of entities.
func (q Query) Searched() Level { return max(q.Level, q.Parts) }

// Decisive returns the level at which all attributes of the keys are, Level or one below it. Nobody says of a private attribute where it
// belongs, so that only instances have it.
func (q Query) Decisive() Level {
	level := q.Level
	for _, k := range q.Keys {
		if len(k.Path) > 0 {
			level = max(level, LevelOf(k.Path[0]))
		}
	}
	return level
}

// Key is one matching key: the attribute and what it must satisfy. Keys come from ParseKey and pass through Combine; a key
// that is written by hand needs only Path and Condition.
type Key struct {
	Path      Path
	Condition Condition
	VR        dicom.VR // by which values are compared; empty: that of the dictionary, and without one that of the element

	// Creator is who reserved the block of a private attribute, wherever it lies (PS3.5 7.8.1); empty: the tag is literal.
	Creator string
	// Zone is that of the dates and times of the condition, "+0100"; empty: whichever those of the data set are in.
	Zone string
}

// Match reports whether the data set lies in the scope and satisfies every key. ds is the virtual data set of the query's
// level: the attributes of the entity and of those above it. Match reads nothing but ds and the query, and is safe for
// concurrent use.
func (q Query) Match(ds *dicom.DataSet) bool {
	if !q.Scope.Contains(ds.Ref()) {
		return false
	}
	s := subject{fuzzy: q.Fuzzy, zone: ds.String(dicom.TimezoneOffsetFromUTC)}
	for _, k := range q.Keys {
		if !s.satisfies(ds, k, k.Path) {
			return false
		}
	}
	return true
}

// vr returns the value representation that decides how values are compared; empty if only the element can tell.
func (k Key) vr() dicom.VR {
	if k.VR != "" {
		return k.VR
	}
	if len(k.Path) == 0 {
		return ""
	}
	return vrOf(k.Path[len(k.Path)-1])
}

func vrOf(t dicom.Tag) dicom.VR {
	if a, found := dicom.Lookup(t); found {
		return a.VR()
	}
	return ""
}
