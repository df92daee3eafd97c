package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

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
		one.Tenant = tenant
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
		if _, lost := os.Stat(indexFile(c.Data)); lost == nil {
			return fmt.Errorf("%s has an index, and no files: mount the disk of its folder blobs; if that has gone, noctis restore makes a data folder of a backup: %w", c.Data, err)
		}
		return fmt.Errorf("%s is no data folder: %w", c.Data, err)
	}
	if err := refuseHalfRestored(c.Data); err != nil {
		return err
	}
	d := &diagnosis{Version: version, Tenant: c.Tenant, Began: time.Now().UTC(), Deep: c.Deep, Findings: []*finding{}}
	bar := newProgress(t.err, "doctor")
	p := &patient{doctorCommand: c, d: d, progress: bar.set}
	done, err := p.admit()
	if err != nil {
		return err
	}
	defer done()
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
	p.d.advise()
	p.d.Healthy = !slices.ContainsFunc(p.d.Findings, func(f *finding) bool { return f.Mended == "" })
	return nil
}

// treat examines, mends if it may, and examines again: what an index hid that could not be read shows when it has been made anew.
func (p *patient) treat(ctx context.Context) error {
	const passes = 6
	told := append([]*finding{}, p.told...) // what was mended, and what the next pass cannot find any more
	for pass := 1; ; pass++ {
		p.d.Findings = []*finding{}
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

// patient is a data folder that is examined.
type patient struct {
	doctorCommand
	blobs *file.Blobs // to be mended; nil where it is only looked at
	files interface { // the same, to be looked at
		store.Blobs
		Strays() ([]string, error)
		Unfinished() (int, error)
	}
	d        *diagnosis
	told     []*finding // what was done before the examination
	progress func(done, total int)
	back     []store.BlobID // files that were missing or damaged, and are there again
}

// admit opens the files: to be mended, which keeps the server out, or to be looked at, beside a running server or keeping one out.
func (p *patient) admit() (done func(), err error) {
	lock, err := file.Lock(blobFolder(p.Data))
	switch {
	case errors.Is(err, file.ErrInUse) && p.Fix:
		return nil, fmt.Errorf("%w: stop the server, and mend then", err)
	case errors.Is(err, file.ErrInUse):
		p.d.Live, p.files = true, file.OpenReading(blobFolder(p.Data))
		return func() {}, nil
	case err != nil:
		return nil, err
	case !p.Fix:
		p.files = file.OpenReading(blobFolder(p.Data))
		return func() { lock.Close() }, nil
	}
	if err := errors.Join(p.clearWay(), lock.Close()); err != nil {
		return nil, err
	}
	if p.blobs, err = openBlobs(p.Data); err != nil {
		return nil, err
	}
	p.files = p.blobs
	return func() { p.blobs.Close() }, nil //nolint:errcheck // whatever was written is durable
}

// examine looks at everything and changes nothing.
func (p *patient) examine(ctx context.Context) error {
	if err := p.examineFolder(); err != nil {
		return err
	}
	p.examineAudit()
	p.examineSmall()
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
	if errors.Is(err, sqlite.ErrNewer) {
		return err
	}
	if err != nil {
		p.d.find(dataBase, "%v", err)
		return ctx.Err()
	}
	defer done()
	s := store.New(index, p.files, store.Options{})
	if err := p.examineStore(ctx, s); err != nil {
		return err
	}
	if err := p.examineDiscord(ctx, s); err != nil {
		return err
	}
	if p.d.Live {
		if err := p.forgive(ctx); err != nil {
			return err
		}
	}
	if err := p.examineRows(ctx, index); err != nil {
		return err
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
	suspects := p.suspects()
	sample := func(id store.BlobID) bool { return p.Deep || int(id[31])%100 == p.d.Began.Minute() || suspects[id] }
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
