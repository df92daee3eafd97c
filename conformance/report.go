package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteJSON writes the report as JSON: an object with "cases", each with id, clause, level, status, sent, got and want.
func (report *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(report)
}

// WriteText writes the report for people: every case that did not pass with what was sent, what came and what was expected, and
// the counts. With all, the cases that passed are listed too.
func (report *Report) WriteText(w io.Writer, all bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "DICOMweb conformance of %s, %s\n", report.Server, report.Started.Format("2006-01-02 15:04:05 MST"))
	for _, n := range report.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, c := range report.Cases {
		if c.Status == Pass && !all {
			continue
		}
		fmt.Fprintf(&b, "\n%-11s %s (%s, %s)\n  %s\n", strings.ToUpper(string(c.Status)), c.ID, c.Clause, c.Level, c.Gist)
		switch c.Status {
		case Fail:
			fmt.Fprintf(&b, "  sent:     %s\n  got:      %s\n  expected: %s\n", indent(c.Sent), indent(c.Got), indent(c.Want))
		case Unsupported, Skipped:
			fmt.Fprintf(&b, "  because:  %s\n", indent(c.Reason))
		}
	}
	b.WriteString("\n" + report.table())
	_, err := io.WriteString(w, b.String())
	return err
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n            ") }

// Tally counts the cases of a level, or of a service, by status.
type Tally map[Status]int

// ByLevel counts by level and status.
func (report *Report) ByLevel() map[Level]Tally {
	out := map[Level]Tally{}
	for _, c := range report.Cases {
		if out[c.Level] == nil {
			out[c.Level] = Tally{}
		}
		out[c.Level][c.Status]++
	}
	return out
}

// ByService counts by service and status.
func (report *Report) ByService() map[Service]Tally {
	out := map[Service]Tally{}
	for _, c := range report.Cases {
		if out[c.Service] == nil {
			out[c.Service] = Tally{}
		}
		out[c.Service][c.Status]++
	}
	return out
}

func (report *Report) table() string {
	var b strings.Builder
	row := func(name string, t Tally) {
		fmt.Fprintf(&b, "%-13s %5d %5d %12d %8d\n", name, t[Pass], t[Fail], t[Unsupported], t[Skipped])
	}
	fmt.Fprintf(&b, "%-13s %5s %5s %12s %8s\n", "", "pass", "fail", "unsupported", "skipped")
	services := report.ByService()
	for _, s := range Services {
		if services[s] != nil {
			row(string(s), services[s])
		}
	}
	b.WriteString(strings.Repeat("-", 46) + "\n")
	levels := report.ByLevel()
	for _, l := range []Level{Shall, Should, May, Practice} {
		if levels[l] != nil {
			row(string(l), levels[l])
		}
	}
	row("all", Tally{Pass: report.Count(Pass), Fail: report.Count(Fail), Unsupported: report.Count(Unsupported), Skipped: report.Count(Skipped)})
	return b.String()
}
