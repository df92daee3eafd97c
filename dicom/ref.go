package dicom

import "log/slog"

// Ref names a study, a series of it, or an instance of that: the levels below the named one are empty. An instance of no patient has
// no study; it lies in the Resource of its SOP Class (PS3.18 12.1.1). The empty Ref names everything.
type Ref struct {
	Study, Series, Instance UID
	Resource                string // "hanging-protocols"; "" for what lies in a study
}

// Contains reports whether o is r itself or lies below it.
func (r Ref) Contains(o Ref) bool {
	return (r.Study == "" || r.Study == o.Study) &&
		(r.Series == "" || r.Series == o.Series) &&
		(r.Instance == "" || r.Instance == o.Instance) &&
		(r.Resource == "" || r.Resource == o.Resource)
}

// Path returns the resource's path below the base URI: "/studies/1.2/series/1.3/instances/1.4" (PS3.18 10.1.1),
// "/hanging-protocols/1.2" (PS3.18 12.1.1).
func (r Ref) Path() string {
	s := ""
	if r.Resource != "" {
		s = "/" + r.Resource
		if r.Instance != "" {
			s += "/" + string(r.Instance)
		}
		return s
	}
	if r.Study != "" {
		s += "/studies/" + string(r.Study)
	}
	if r.Series != "" {
		s += "/series/" + string(r.Series)
	}
	if r.Instance != "" {
		s += "/instances/" + string(r.Instance)
	}
	return s
}

// LogValue gives the UIDs to a log.
func (r Ref) LogValue() slog.Value { return slog.StringValue(r.Path()) }
