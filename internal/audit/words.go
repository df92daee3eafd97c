package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a time of a search: a day, a time, or how long before now it was ("30d", "12h").
func ParseTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time like 2026-01-31, 2026-01-31T12:00:00Z, 30d or 12h", text)
}

// ParseKinds reads names of kinds.
func ParseKinds(names []string) ([]Kind, error) {
	var all []Kind
	for _, n := range names {
		k := Kind(strings.ToLower(strings.TrimSpace(n)))
		if !slices.Contains(Kinds(), k) {
			return nil, fmt.Errorf("%q is no kind of event; they are %s", n, KindNames())
		}
		all = append(all, k)
	}
	return all, nil
}

// KindNames lists the kinds.
func KindNames() string {
	var all []string
	for _, k := range Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

// ParseOutcomes reads outcomes by number or name.
func ParseOutcomes(names []string) ([]Outcome, error) {
	words := map[string]Outcome{"0": Success, "success": Success, "4": Minor, "minor": Minor, "8": Serious, "serious": Serious, "12": Major, "major": Major}
	var all []Outcome
	for _, n := range names {
		o, known := words[strings.ToLower(strings.TrimSpace(n))]
		if !known {
			return nil, fmt.Errorf("%q is no outcome; they are 0 (success), 4 (minor), 8 (serious) and 12 (major)", n)
		}
		all = append(all, o)
	}
	return all, nil
}
