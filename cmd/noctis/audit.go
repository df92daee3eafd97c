package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/audit"
)

// auditCommand reads the audit log of a data folder, whose server may run.
type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Find lines that were removed, changed, moved or cut off."`
	Search auditSearchCommand `cmd:"" help:"List who did what."`
	Export auditExportCommand `cmd:"" help:"Write events into a file, as messages of DICOM or resources of FHIR."`
}

// Help is shown by --help.
func (auditCommand) Help() string {
	return `Every access is an event: who, from where, what, of which patient and study, with which outcome. They lie in the folder "audit" of the data
folder; each line holds the hash of the one before.

Examples:
  noctis audit verify --data /var/lib/noctis
  noctis audit verify --anchor 81342:9f86d081884c…
  noctis audit search --patient 4711 --since 30d
  noctis audit search --who CT1 --failed --json
  noctis audit export --since 2026-01-01 --until 2026-02-01 --format fhir january.ndjson`
}

// auditFolder is the data folder whose log is read.
type auditFolder struct {
	Data string `default:"./data" placeholder:"DIR" help:"Data folder, or a backup of one (default ${default})."`
}

func (f auditFolder) check() error {
	_, err := os.Stat(filepath.Join(f.Data, "audit"))
	return err
}

type auditVerifyCommand struct {
	auditFolder
	Anchor []audit.Anchor `placeholder:"NUMBER:HASH" help:"A line whose hash was kept elsewhere; the messages of syslog have one each. It finds a log that was made anew from a line on, seal and all."`
	JSON   bool           `name:"json" help:"Report as JSON."`
}

// Run compares the log with its chain and its seal. Exit code 1: it is not as it was written.
func (c auditVerifyCommand) Run(t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	v, err := audit.Verify(c.Data, c.Anchor...)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		err = e.Encode(v)
	} else {
		err = printVerification(t.out, v)
	}
	if err == nil && len(v.Damages) > 0 {
		err = errReported
	}
	return err
}

func printVerification(w io.Writer, v *audit.Verification) error {
	for _, d := range v.Damages {
		fmt.Fprintln(w, d)
	}
	for _, n := range v.Notes {
		fmt.Fprintln(w, n)
	}
	verdict := "all is as it was written"
	if len(v.Damages) > 0 {
		verdict = "the log is NOT as it was written"
	}
	_, err := fmt.Fprintf(w, "%d lines: %s\nlast line: %d:%s\n", v.Lines, verdict, v.Last, v.Hash)
	return err
}

// auditFilter are the flags that choose events.
type auditFilter struct {
	Patient  string      `placeholder:"ID" help:"Patient ID."`
	Study    string      `placeholder:"UID" help:"Study Instance UID."`
	Instance string      `placeholder:"UID" help:"SOP Instance UID, where it is named in the event."`
	Who      string      `placeholder:"NAME" help:"Name of the user, key or token; - for nobody known."`
	Client   string      `placeholder:"ADDRESS" help:"Network address."`
	Kind     []string    `placeholder:"KIND" help:"What was done: ${auditKinds}."`
	Outcome  []string    `placeholder:"N" help:"0 success, 4 refused or not found, 8 failed, 12 unavailable; or success, minor, serious, major."`
	Failed   bool        `help:"Only what did not succeed."`
	Since    auditMoment `placeholder:"TIME" help:"From this time on: 2026-01-31, 2026-01-31T12:00:00Z, or 30d or 12h ago."`
	Until    auditMoment `placeholder:"TIME" help:"Before this time."`
}

// auditMoment is a time on the command line.
type auditMoment struct{ time.Time }

// UnmarshalText reads a day, a time, or how long ago it was.
func (m *auditMoment) UnmarshalText(text []byte) error {
	var err error
	m.Time, err = audit.ParseTime(string(text), time.Now())
	return err
}

func (f auditFilter) filter() (audit.Filter, error) {
	q := audit.Filter{Patient: f.Patient, Study: f.Study, Instance: f.Instance, Who: f.Who, Client: f.Client, Failed: f.Failed,
		Since: f.Since.Time, Until: f.Until.Time}
	var err error
	if q.Kinds, err = audit.ParseKinds(f.Kind); err == nil {
		q.Outcomes, err = audit.ParseOutcomes(f.Outcome)
	}
	return q, err
}

type auditSearchCommand struct {
	auditFolder
	auditFilter
	Last   int    `placeholder:"N" help:"Only the last N, the newest first."`
	JSON   bool   `name:"json" help:"As they are kept: a line of JSON each."`
	Format string `default:"text" enum:"text,json,dicom,fhir" help:"text, json, dicom (a message of PS3.15 A.5 a line) or fhir (an AuditEvent a line) (default ${default})."`
}

// Run lists events.
func (c auditSearchCommand) Run(t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	q, err := c.filter()
	if err != nil {
		return err
	}
	if c.JSON {
		c.Format = "json"
	}
	if err := recordCommand(c.Data, audit.ReadAudit, "searched"); err != nil { // a backup that is read-only
		fmt.Fprintln(t.err, "noctis: that the log was read is not recorded:", err)
	}
	out := bufio.NewWriter(t.out)
	if c.Last > 0 {
		found, err := audit.Latest(c.Data, q, c.Last)
		if err != nil {
			return err
		}
		for i := range found {
			if err := writeEvent(out, c.Format, &found[i]); err != nil {
				return err
			}
		}
		return out.Flush()
	}
	for r, err := range audit.Search(c.Data, q) {
		if err != nil {
			return err
		}
		if err := writeEvent(out, c.Format, &r); err != nil {
			return err
		}
	}
	return out.Flush()
}

// writeEvent writes an event as a line.
func writeEvent(w io.Writer, format string, r *audit.Record) (err error) {
	var text []byte
	switch format {
	case "json":
		text, err = json.Marshal(r)
	case "dicom":
		text, err = audit.DICOM(&r.Event, audit.Source())
	case "fhir":
		text, err = audit.FHIR(r, audit.Source())
	default:
		text = []byte(eventText(r))
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", text)
	}
	return err
}

// eventText is an event for people.
func eventText(r *audit.Record) string {
	words := []string{r.Time.Local().Format("2006-01-02 15:04:05"), string(r.Kind)}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+value)
		}
	}
	if r.Outcome != audit.Success {
		add("", "FAILED("+strconv.Itoa(int(r.Outcome))+")")
		add("", r.Reason)
	}
	switch {
	case r.Who != "":
		add("by ", r.Who)
	case r.Client != "":
		add("by ", "nobody known")
	}
	add("from ", r.Client)
	add("patient ", r.Patient)
	add("study ", r.Study)
	if r.Count > 0 {
		add("", fmt.Sprintf("%d further requests until %s", r.Count, r.Until.Local().Format("15:04:05")))
	}
	if n := max(r.Number, len(r.Instances)); n > 0 {
		add("", strconv.Itoa(n)+" instances")
	}
	add("object ", r.Object)
	add("", r.Query)
	add("", r.Detail)
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), "  ")
}

type auditExportCommand struct {
	auditFolder
	auditFilter
	File   string `arg:"" placeholder:"FILE" help:"File to write; it must not be there. - for standard output."`
	Format string `default:"json" enum:"json,dicom,fhir" help:"json (as they are kept), dicom (an audit message of PS3.15 A.5 a line) or fhir (an AuditEvent a line, NDJSON) (default ${default})."`
}

// Run writes the events, and records that they were.
func (c auditExportCommand) Run(t terminal) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	q, err := c.filter()
	if err != nil {
		return err
	}
	w := t.out
	if c.File != "-" {
		f, openErr := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if openErr != nil {
			return openErr
		}
		defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
		w = f
	}
	if err := recordCommand(c.Data, audit.ReadAudit, "exported to "+c.File); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	n := 0
	for r, err := range audit.Search(c.Data, q) {
		if err != nil {
			return err
		}
		if err := writeEvent(out, c.Format, &r); err != nil {
			return err
		}
		n++
	}
	fmt.Fprintf(t.err, "%d events\n", n)
	return out.Flush()
}
