package dicom

import "log/slog"

// Ref names a study, a series of it, or an instance of that: the levels below the named one are empty. The empty Ref names
// everything.
type Ref struct{ Study, Series, Instance UID }

// Contains reports whether o is r itself or lies below it.
func (r Ref) Contains(o Ref) bool {
	return (r.Study == "" || r.Study == o.Study) &&
		(r.Series == "" || r.Series == o.Series) &&
		(r.Instance == "" || r.Instance == o.Instance)
}

// Path returns the resource's path below the base URI: "/studies/1.2/series/1.3/instances/1.4" (PS3.18 10.1.1).
func (r Ref) Path() string {
	s := ""
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
