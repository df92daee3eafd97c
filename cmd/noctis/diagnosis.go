package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

// finding is one thing that is wrong. It holds no patient data.
type finding struct {
	Kind     string `json:"kind"`
	Instance string `json:"instance,omitempty"` // its path
	Blob     string `json:"blob,omitempty"`
	Detail   string `json:"detail"`
	Mended   string `json:"mended,omitempty"` // what was done; "": it stands
	Help     string `json:"help,omitempty"`   // what is to be done, if it stands
	path     string // of a file, below the data folder
	defect   store.Defect
	aside    string // where a damaged file went
}

// diagnosis is the report of doctor on an archive.
type diagnosis struct {
	Version  string     `json:"version"`
	Tenant   string     `json:"tenant,omitempty"` // whose archive it is; "": the server's own
	Began    time.Time  `json:"began"`
	Deep     bool       `json:"deep"`
	Live     bool       `json:"live,omitempty"` // its server was running
	Healthy  bool       `json:"healthy"`        // nothing is wrong that was not mended
	Entries  int        `json:"entries"`
	Findings []*finding `json:"findings"`
	Viewers  *viewers   `json:"viewers,omitempty"`
	Notes    []string   `json:"notes,omitempty"`
}

func (d *diagnosis) find(kind, format string, a ...any) *finding {
	f := &finding{Kind: kind, Detail: fmt.Sprintf(format, a...)}
	d.Findings = append(d.Findings, f)
	return f
}

// note says what is no finding, once.
func (d *diagnosis) note(format string, a ...any) {
	if n := fmt.Sprintf(format, a...); !slices.Contains(d.Notes, n) {
		d.Notes = append(d.Notes, n)
	}
}

func (d *diagnosis) has(kind string) bool {
	for _, f := range d.Findings {
		if f.Kind == kind && f.Mended == "" {
			return true
		}
	}
	return false
}

// Kinds of findings beside those of store.Defect.
const (
	dataBase    = "database damaged"
	differs     = "index differs from the files"
	miscounted  = "quota miscounted"
	flawed      = "worklist damaged"
	feed        = "change feed damaged"
	lacking     = "attribute index incomplete"
	noWorkitem  = "study without a reading workitem"
	stray       = "file that is no blob"
	journal     = "journal of deletions damaged"
	outdated    = "index older than the journal"
	small       = "small file damaged"
	letsNobody  = "record that lets nobody in"
	foreign     = "file of another user"
	unfinished  = "upload that was cut off"
	leftover    = "folder of a command that was killed"
	permissions = "others may read it"
	space       = "little space left"
	clock       = "clock"
	settings    = "configuration"
	public      = "public address"
)

// report prints the diagnosis and keeps it.
func (c doctorCommand) report(t terminal, d *diagnosis) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := errors.Join(durable.WriteFile(diagnosisFile(c.Data), text), ownedLike(c.Data, diagnosisFile(c.Data))); err != nil {
		d.note("the report could not be kept: %v", err)
	}
	if c.JSON {
		fmt.Fprintf(t.out, "%s\n", text)
	} else {
		d.print(t)
	}
	if !d.Healthy {
		return errReported
	}
	return nil
}

// diagnosisFile is where the last report is kept.
func diagnosisFile(data string) string { return filepath.Join(data, "doctor.json") }

// lastDiagnosis answers with the last report, 204 if there is none.
func lastDiagnosis(data string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report, err := os.ReadFile(diagnosisFile(data))
		if err != nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Write(report) //nolint:errcheck // who has gone away is not answered
	})
}

func (d *diagnosis) print(t terminal) {
	for _, f := range d.Findings {
		fmt.Fprintf(t.out, "%s: %s", f.Kind, f.Detail)
		for _, what := range []string{f.Instance, f.Blob} {
			if what != "" {
				fmt.Fprintf(t.out, " (%s)", what)
			}
		}
		if f.Mended != "" {
			fmt.Fprintf(t.out, "\n  mended: %s", f.Mended)
		}
		fmt.Fprintln(t.out)
	}
	if d.Viewers != nil {
		d.Viewers.print(t)
	}
	for _, n := range d.Notes {
		fmt.Fprintln(t.out, n)
	}
	for i, help := range d.helps() {
		if i == 0 {
			fmt.Fprintln(t.out, "\nwhat to do:")
		}
		fmt.Fprintf(t.out, "  %s\n", help)
	}
	verdict := "nothing is wrong"
	switch {
	case !d.Healthy:
		verdict = "something is wrong"
	case len(d.Findings) > 0:
		verdict = "all is mended"
	}
	fmt.Fprintf(t.out, "%d instances examined: %s\n", d.Entries, verdict)
}
