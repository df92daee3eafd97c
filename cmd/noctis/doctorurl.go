package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/conformance"
)

// outside is what doctor needs to examine a server from outside.
type outside struct {
	URL   string   `name:"url" placeholder:"URL" help:"Examine any DICOMweb server from outside instead of a data folder: replay what OHIF, Slim, Weasis and dicomweb-client send, and explain what fails."`
	Write bool     `help:"With --url: store a few small synthetic instances (patients CF-…), too, as these clients do, and delete them where the server can. Otherwise nothing is changed."`
	Study []string `placeholder:"UID" help:"With --url: the study to retrieve; default: one that is found."`
	credentials
	Timeout time.Duration `default:"30s" help:"With --url: time for one answer (default ${default})."`
}

// complaint is a request of a client that was not answered as that client needs it.
type complaint struct {
	Case    string `json:"case"`
	Clause  string `json:"clause"`
	Level   string `json:"level"`
	Gist    string `json:"gist"`
	Clients string `json:"clients"`
	Effect  string `json:"effect"`
	Remedy  string `json:"remedy"`
	Sent    string `json:"sent"`
	Got     string `json:"got"`
	Want    string `json:"want"`
}

// outsideReport is what was found from outside.
type outsideReport struct {
	Server      string      `json:"server"`
	Healthy     bool        `json:"healthy"` // something was tried, and nobody is let down
	Passed      int         `json:"passed"`
	Unsupported []string    `json:"unsupported"` // what the server does not have: cases with the reason
	Skipped     int         `json:"skipped"`
	Notes       []string    `json:"notes"`
	Complaints  []complaint `json:"complaints"`
}

// examine replays what clients send. The exit code is 1 if one of them is let down.
func (o outside) examine(ctx context.Context, t terminal, asJSON bool) error {
	header, err := o.header()
	if err != nil {
		return err
	}
	wrong, note, err := o.knock(ctx, header)
	if err != nil {
		return err
	}
	if wrong != nil {
		r := &outsideReport{Server: strings.TrimRight(o.URL, "/"), Unsupported: []string{}, Notes: []string{}, Complaints: []complaint{*wrong}}
		return r.tell(t, asJSON)
	}
	bar := newProgress(t.err, "doctor")
	report, err := conformance.Run(ctx, conformance.Options{
		BaseURL: o.URL, Header: header, ReadOnly: !o.Write, Studies: o.Study, Only: conformance.ClientCases(), Timeout: o.Timeout,
		Progress: func(done, total int, _ conformance.Result) { bar.set(done, total) },
	})
	bar.finish()
	if err != nil {
		return err
	}
	if note != "" {
		report.Notes = append([]string{note}, report.Notes...)
	}
	return complaintsOf(report).tell(t, asJSON)
}

// tell prints the report. Its error is that somebody is let down.
func (r *outsideReport) tell(t terminal, asJSON bool) (err error) {
	if asJSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		err = e.Encode(r)
	} else {
		err = r.print(t.out)
	}
	if err == nil && !r.Healthy {
		return errReported
	}
	return err
}

// complaintsOf puts the advice beside what failed.
func complaintsOf(report *conformance.Report) *outsideReport {
	r := &outsideReport{Server: report.Server, Passed: report.Count(conformance.Pass), Skipped: report.Count(conformance.Skipped),
		Notes: report.Notes, Unsupported: []string{}, Complaints: []complaint{}}
	for _, c := range report.Cases {
		switch c.Status {
		case conformance.Fail:
			a, _ := conformance.AdviceOf(c.ID)
			r.Complaints = append(r.Complaints, complaint{c.ID, c.Clause, string(c.Level), c.Gist, a.Clients, a.Effect, a.Remedy, c.Sent, c.Got, c.Want})
		case conformance.Unsupported:
			r.Unsupported = append(r.Unsupported, c.ID+": "+c.Reason)
		}
	}
	r.Healthy = len(r.Complaints) == 0 && r.Passed > 0
	return r
}

// print tells people.
func (r *outsideReport) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, as clients see it\n", r.Server)
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	indent := func(s string) string { return strings.ReplaceAll(s, "\n", "\n             ") }
	for _, c := range r.Complaints {
		fmt.Fprintf(&b, "\n%s: %s\n  clause:    %s (%s): %s\n  sent:      %s\n  got:       %s\n  expected:  %s\n  what helps: %s\n",
			c.Clients, c.Effect, c.Clause, c.Level, c.Gist, indent(c.Sent), indent(c.Got), indent(c.Want), c.Remedy)
		if c.Case == addressCase {
			fmt.Fprintf(&b, "\nNothing else was tried: first the address and the login have to be right.\n")
			_, err := io.WriteString(w, b.String())
			return err
		}
		fmt.Fprintf(&b, "  try again: noctis conformance %s --only %s\n", r.Server, c.Case)
	}
	if len(r.Unsupported) > 0 {
		fmt.Fprintf(&b, "\nThe server does not have:\n  %s\n", strings.Join(r.Unsupported, "\n  "))
	}
	verdict := "nothing lets these clients down"
	switch {
	case len(r.Complaints) > 0:
		verdict = fmt.Sprintf("%d let clients down", len(r.Complaints))
	case r.Passed == 0:
		verdict = "so nothing can be said; a server without a study wants one, or --write"
	}
	fmt.Fprintf(&b, "\n%d requests answered as clients need it, %d not tried: %s\n", r.Passed, r.Skipped, verdict)
	_, err := io.WriteString(w, b.String())
	return err
}
