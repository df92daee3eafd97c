package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

type doctorCommand struct {
	Data          string `default:"./data" placeholder:"DIR" help:"Data folder (default ${default})."`
	Deep          bool   `help:"Read every byte of every file, and compare the index with one made anew. Otherwise one file in a hundred is read."`
	Fix           bool   `help:"Mend what can be mended, and say what was done. Nothing is deleted."`
	Backup        string `placeholder:"DIR" help:"With --fix: a backup, or the blobs folder of one, from which missing and damaged files are taken."`
	ForgetMissing bool   `help:"With --fix: where the index has to be made anew, forget instances whose files are missing. The old index is kept aside."`
	JSON          bool   `name:"json" help:"Report as JSON."`
	Settings      string `placeholder:"FILE" help:"Configuration file of the server (serve --config): it is examined, too."`
	PublicURL     string `name:"public-url" placeholder:"URL" help:"The server's root as clients see it (default: that of --settings): it is asked for its own addresses there, through the proxy, by --token or --user."`

	archives
	outside
}

// Help is shown by --help.
func (doctorCommand) Help() string {
	return `Of a data folder, also while its server runs, or with --url of any DICOMweb server from outside.

Of a data folder: looks at the database, at each file and each entry of the index, at the worklist, at permissions, space and clock; whether
viewers can show the studies, with a sample of frames decoded, or all with --deep; at the configuration, and at the public address. --fix and the
comparison of --deep with an index made anew want the server stopped. Exit code 0: nothing is wrong, or all that was is mended; 1: something is.
What viewers cannot show is told, and no fault of the store. The report is kept in the data folder (doctor.json) and shown on the page.

Examples:
  noctis doctor --data /var/lib/noctis
  noctis doctor --data /var/lib/noctis --deep --json
  noctis doctor --data /var/lib/noctis --settings /etc/noctis.yaml --public-url https://pacs.example.org --token "$KEY"
  noctis doctor --data /var/lib/noctis --fix --backup /mnt/backup
  noctis doctor --url https://pacs.example.org/dicom-web --token "$TOKEN"`
}

// finding is one thing that is wrong. It holds no patient data.
type finding struct {
	Kind     string `json:"kind"`
	Instance string `json:"instance,omitempty"` // its path
	Blob     string `json:"blob,omitempty"`
	Detail   string `json:"detail"`
	Mended   string `json:"mended,omitempty"` // what was done; "": it stands
	defect   store.Defect
	aside    string // where a damaged file went
}

// diagnosis is the report of doctor.
type diagnosis struct {
	Version  string     `json:"version"`
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
	noWorkitem  = "study without a reading workitem"
	stray       = "file that is no blob"
	journal     = "journal of deletions damaged"
	unfinished  = "upload that was cut off"
	permissions = "others may read it"
	space       = "little space left"
	clock       = "clock"
	settings    = "configuration"
	public      = "public address"
)

// Run examines, mends if it may, and reports.
func (c doctorCommand) Run(ctx context.Context, t terminal) error {
	if c.URL != "" {
		return c.outside.examine(ctx, t, c.JSON)
	}
	names, err := tenantsOf(c.Data)
	if err != nil {
		return err
	}
	return c.each(t, names, func(tenant string) error {
		one := c
		if one.Data = archiveFolder(c.Data, tenant); c.Backup != "" {
			one.Backup = archiveFolder(c.Backup, tenant)
		}
		if tenant != "" {
			if one.Settings = ""; c.PublicURL != "" {
				one.PublicURL = strings.TrimRight(c.PublicURL, "/") + "/t/" + tenant
			}
		}
		return one.examine(ctx, t)
	})
}

// examine examines one archive.
func (c doctorCommand) examine(ctx context.Context, t terminal) error {
	if _, err := os.Stat(blobFolder(c.Data)); err != nil {
		return fmt.Errorf("%s is no data folder: %w", c.Data, err)
	}
	d := &diagnosis{Version: version, Began: time.Now().UTC(), Deep: c.Deep}
	bar := newProgress(t.err, "doctor")
	p := &patient{doctorCommand: c, d: d, progress: bar.set}
	blobs, err := openBlobs(c.Data)
	switch {
	case err == nil:
		defer blobs.Close()
		p.blobs, p.files = blobs, blobs
	case errors.Is(err, file.ErrInUse) && c.Fix:
		return fmt.Errorf("%w: stop the server, and mend then", err)
	case errors.Is(err, file.ErrInUse):
		d.Live, p.files = true, file.OpenReading(blobFolder(c.Data))
	default:
		return err
	}
	err = p.consult(ctx)
	bar.finish()
	if err != nil {
		return err
	}
	return c.report(t, d)
}

// consult is all that doctor does.
func (p *patient) consult(ctx context.Context) error {
	if err := p.treat(ctx); err != nil {
		return err
	}
	if err := p.examineViewers(ctx); err != nil && ctx.Err() == nil {
		p.d.note("whether viewers can show the studies cannot be said: %v", err)
	}
	p.examineSettings()
	if err := p.examinePublic(ctx); err != nil {
		return err
	}
	p.d.Healthy = !slices.ContainsFunc(p.d.Findings, func(f *finding) bool { return f.Mended == "" })
	return nil
}

// treat examines, mends if it may, and examines again: what an index hid that could not be read shows when it has been made anew.
func (p *patient) treat(ctx context.Context) error {
	const passes = 3
	var told []*finding // what was mended, and what the next pass cannot find any more
	for pass := 1; ; pass++ {
		p.d.Findings = nil
		if err := p.examine(ctx); err != nil {
			return err
		}
		if p.d.Healthy = len(p.d.Findings) == 0; p.d.Healthy || !p.Fix || pass == passes {
			p.d.Findings = append(told, p.d.Findings...)
			return nil
		}
		if err := p.mend(ctx); err != nil {
			return err
		}
		for _, f := range p.d.Findings {
			if f.Mended != "" || f.defect.Unnamed {
				told = append(told, f)
			}
		}
	}
}

// report prints the diagnosis and keeps it.
func (c doctorCommand) report(t terminal, d *diagnosis) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(diagnosisFile(c.Data), text); err != nil {
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
	verdict := "nothing is wrong"
	switch {
	case !d.Healthy:
		verdict = "something is wrong"
	case len(d.Findings) > 0:
		verdict = "all is mended"
	}
	fmt.Fprintf(t.out, "%d instances examined: %s\n", d.Entries, verdict)
}

// patient is a data folder that is examined.
type patient struct {
	doctorCommand
	blobs *file.Blobs // nil while the server runs
	files interface { // the same, to be looked at
		store.Blobs
		Strays() ([]string, error)
		Unfinished() (int, error)
	}
	d        *diagnosis
	progress func(done, total int)
	back     []store.BlobID // files that were missing or damaged, and are there again
}

// examine looks at everything and changes nothing.
func (p *patient) examine(ctx context.Context) error {
	if err := p.examineFolder(); err != nil {
		return err
	}
	p.examineAudit()
	found, err := sqlite.Check(ctx, indexFile(p.Data))
	if err != nil && ctx.Err() != nil {
		return err
	}
	for _, f := range found {
		p.d.find(dataBase, "%s", f)
	}
	if err != nil {
		p.d.find(dataBase, "%v", err)
		return nil // without it nothing can be said of the files
	}
	index, done, err := p.openIndex(ctx)
	if err != nil {
		p.d.find(dataBase, "%v", err)
		return ctx.Err()
	}
	defer done()
	if err := p.examineStore(ctx, store.New(index, p.files, store.Options{})); err != nil {
		return err
	}
	if p.d.Live {
		if err := p.forgive(ctx); err != nil {
			return err
		}
	}
	if n, err := index.Worklist().Missing(ctx); err != nil {
		p.d.find(dataBase, "the worklist cannot be read: %v", err)
	} else if n > 0 {
		p.d.find(noWorkitem, "%d studies are on no worklist", n)
	}
	if p.Deep && !p.d.has(dataBase) {
		return p.compare(ctx, index)
	}
	return nil
}

func (p *patient) examineStore(ctx context.Context, s *store.Store) error {
	sample := func(id store.BlobID) bool { return p.Deep || int(id[31])%100 == p.d.Began.Minute() }
	blobs := 0
	for _, err := range p.files.List(ctx) {
		if err != nil {
			return err
		}
		blobs++
	}
	done := func(n int) {
		p.d.Entries = n
		p.progress(n, max(n, blobs))
	}
	for defect, err := range s.Examine(ctx, sample, done) {
		if err != nil {
			return err
		}
		f := p.d.find(string(defect.Kind), "%s", defect.Detail)
		f.defect = defect
		if defect.Ref.Instance != "" {
			f.Instance = defect.Ref.Path()
		}
		if defect.Blob != (store.BlobID{}) {
			f.Blob = defect.Blob.String()
		}
	}
	return nil
}

// compare holds the index against one made anew, where the files and entries are sound: what is summed up of studies and series.
func (p *patient) compare(ctx context.Context, live store.Index) error {
	if p.d.Live {
		p.d.note("the index was not compared with one made anew: its server is running")
		return nil
	}
	if len(p.d.Findings) > 0 {
		p.d.note("the index was not compared with one made anew, because of what else is wrong")
		return nil
	}
	fresh, _, remove, err := rebuild(ctx, p.Data, p.blobs, p.progress)
	if err != nil {
		return err
	}
	defer remove()
	difference, err := store.Compare(ctx, live, fresh)
	if err != nil {
		p.d.find(string(store.EntryBroken), "%v", err)
	} else if difference != "" {
		p.d.find(differs, "the live one is the first: %s", difference)
	}
	return nil
}

// rebuild makes a fresh index of the files, in a folder of its own beside the live one. remove closes and removes it.
func rebuild(ctx context.Context, data string, blobs *file.Blobs, progress func(done, total int)) (
	fresh *sqlite.Index, report store.ReindexReport, remove func(), err error) {
	folder, err := os.MkdirTemp(data, "reindex-")
	if err != nil {
		return nil, report, nil, err
	}
	fresh, err = sqlite.Open(ctx, indexFile(folder))
	if err != nil {
		return nil, report, nil, errors.Join(err, os.RemoveAll(folder))
	}
	remove = func() {
		fresh.Close()        //nolint:errcheck // it is thrown away, or has been closed
		os.RemoveAll(folder) //nolint:errcheck // what stays is named so that anybody knows what it is
	}
	report, err = store.New(fresh, blobs, store.Options{}).Reindex(ctx, fresh, progress)
	if err != nil {
		remove()
		return nil, report, nil, err
	}
	return fresh, report, remove, nil
}
