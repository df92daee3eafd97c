package report

import (
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// text is the value of a text element without the space around it, lines ended as everywhere but in DICOM (PS3.5 6.1.3).
func text(ds *dicom.DataSet, t dicom.Tag) string {
	s := strings.Join(ds.Strings(t), `\`)
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\f", "\n").Replace(s))
}

func trimmed(values []string) []string {
	var all []string
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// spaced joins what is not empty.
func spaced(parts ...string) string { return strings.Join(trimmed(parts), " ") }

func ints(ds *dicom.DataSet, t dicom.Tag) dicom.Ints {
	e, _ := ds.Get(t)
	n, _ := e.Value.(dicom.Ints)
	return n
}

func list(numbers dicom.Ints, separator string) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint([]int64(numbers)), "[]"), " ", separator)
}

// personName writes the components of a name with spaces, all its representations (PS3.5 6.2.1).
func personName(name string) string {
	var groups []string
	for _, g := range dicom.PersonNameGroups(name) {
		groups = append(groups, strings.Join(trimmed(strings.Split(g, "^")), " "))
	}
	return strings.Join(trimmed(groups), " / ")
}

// date writes a DA as ISO 8601 has it; what is none stays as it is. So do clock and dateTime.
func date(da string) string {
	if len(da) == 8 && digits(da) {
		return da[:4] + "-" + da[4:6] + "-" + da[6:]
	}
	return da
}

func clock(tm string) string {
	whole, fraction, _ := strings.Cut(tm, ".")
	if !digits(whole) || len(whole)%2 == 1 || len(whole) > 6 {
		return tm
	}
	s := whole[:min(2, len(whole))]
	for i := 2; i < len(whole); i += 2 {
		s += ":" + whole[i:i+2]
	}
	if fraction != "" {
		s += "." + fraction
	}
	return s
}

func dateTime(dt string) string {
	zone := ""
	if i := strings.IndexAny(dt, "+-"); i > 0 {
		dt, zone = dt[:i], dt[i:]
	}
	if len(dt) <= 8 || !digits(dt[:8]) {
		return date(dt) + zone
	}
	return spaced(date(dt[:8]), clock(dt[8:])+zone)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
