package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/authn"
)

// accessFolder is where the ledgers of those lie who may come in.
func accessFolder(data string) string { return filepath.Join(data, "access") }

// grantFlags say what somebody may do: what the commands that let somebody in share.
type grantFlags struct {
	Role      []string    `placeholder:"ROLE" help:"What is allowed: read, store, delete, worklist, admin (all of them). Repeat it, or separate by commas."`
	Tenant    string      `placeholder:"TENANT" help:"Whose archive; default: that of a server without tenants."`
	Patient   []string    `sep:"none" placeholder:"ID" help:"Only studies of the patient with this Patient ID. This and the other limits may be repeated: one of the values has to fit, and all of the limits."`
	Study     []dicom.UID `placeholder:"UID" help:"Only this study."`
	Facility  []string    `sep:"none" placeholder:"NAME" help:"Only studies with this Institution Name."`
	Physician []string    `sep:"none" placeholder:"NAME" help:"Only studies with this Referring Physician's Name."`
}

func (f grantFlags) grant() authn.Grant {
	return authn.Grant{Roles: f.Role, Tenant: f.Tenant, Patients: f.Patient, Studies: f.Study, Facilities: f.Facility, Physicians: f.Physician}
}

// accessData is the data folder that a command changes, while its server runs.
type accessData struct {
	Data string `default:"./data" placeholder:"DIR" help:"Data folder (default ${default}). Its server may be running, and notices at once."`
}

// folder returns the folder of the ledgers. The data folder has to be there: a mistyped name would let nobody in.
func (d accessData) folder() (string, error) {
	info, err := os.Stat(d.Data)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", d.Data)
	}
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return accessFolder(d.Data), nil
}

// moment is a point in time on the command line: a day, a time, or so long from now.
type moment struct{ time.Time }

// UnmarshalText reads 2027-01-31 (its begin, UTC), 2027-01-31T12:00:00Z, 90d or 12h.
func (m *moment) UnmarshalText(text []byte) (err error) {
	var days int
	var unit string
	if n, _ := fmt.Sscanf(string(text), "%d%s", &days, &unit); n == 2 && unit == "d" && days > 0 {
		m.Time = time.Now().AddDate(0, 0, days).UTC().Truncate(time.Second)
		return nil
	}
	if d, err := time.ParseDuration(string(text)); err == nil {
		m.Time = time.Now().Add(d).UTC().Truncate(time.Second)
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if m.Time, err = time.Parse(layout, string(text)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%q is no day (2027-01-31), time (2027-01-31T12:00:00Z) or duration (90d, 12h)", text)
}

// day is a time in a list for people; "" for none.
func day(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}
