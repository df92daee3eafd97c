package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// recycleCommand works on the recycle bin of a server, or of a data folder whose server is stopped.
type recycleCommand struct {
	List    recycleListCommand    `cmd:"" help:"List the studies of which something is in the recycle bin."`
	Restore recycleRestoreCommand `cmd:"" help:"Store what is in the recycle bin again."`
	Purge   recyclePurgeCommand   `cmd:"" help:"Remove from the recycle bin, for good."`
}

// Help is shown by --help.
func (recycleCommand) Help() string {
	return `What is deleted or replaced lies in the recycle bin until its time is over. Without --server the data folder is opened, which no
server may have open then.

Examples:
  noctis recycle list --server http://127.0.0.1:8080/dicom-web
  noctis recycle restore 1.2.840.1 --server http://127.0.0.1:8080/dicom-web
  noctis recycle restore 1.2.840.1/1.2.840.1.1/1.2.840.1.1.7 --replace --data /var/lib/noctis
  noctis recycle purge 1.2.840.1 --data /var/lib/noctis
  noctis recycle purge --older-than 168h --data /var/lib/noctis`
}

// bin is what the commands do, on a server or in a data folder.
type bin interface {
	list(ctx context.Context) ([]binStudy, error)
	restore(ctx context.Context, what binTarget, replace bool) (binRestored, error)
	purge(ctx context.Context, what binTarget, before time.Time) (binPurged, error)
	close() error
}

// The answers of the bin; the tags are those of the service.
type (
	binStudy struct {
		Study    string `json:"studyInstanceUID"`
		Resource string `json:"resource"` // of instances of no patient, which have no study
		Versions int    `json:"versions"`
		Bytes    int64  `json:"bytes"`
		Last     string `json:"lastRemoved"`
	}
	binRestored struct {
		Restored  int      `json:"restored"`
		Conflicts []string `json:"conflicts"`
		Damaged   []string `json:"damaged"`
	}
	binPurged struct {
		Purged int   `json:"purged"`
		Bytes  int64 `json:"bytes"`
	}
)

// binTarget is STUDY, STUDY/SERIES, STUDY/SERIES/INSTANCE, the SHA-256 of a version, or RESOURCE[/INSTANCE] of instances of no patient.
type binTarget struct{ store.RemovedQuery }

// UnmarshalText reads it.
func (b *binTarget) UnmarshalText(text []byte) error {
	if id, err := hex.DecodeString(string(text)); err == nil && len(id) == len(store.BlobID{}) {
		b.Blob = (*store.BlobID)(id)
		return nil
	}
	uids, levels := strings.Split(string(text), "/"), []*dicom.UID{&b.Ref.Study, &b.Ref.Series, &b.Ref.Instance}
	if slices.Contains(dicom.NonPatientResources(), uids[0]) {
		b.Ref.Resource, uids, levels = uids[0], uids[1:], levels[2:]
	}
	if len(uids) > len(levels) {
		return fmt.Errorf("%q is not STUDY[/SERIES[/INSTANCE]]", text)
	}
	for i, to := range levels[:len(uids)] {
		if *to = dicom.UID(uids[i]); !to.Valid() {
			return fmt.Errorf("%q is neither a UID nor the SHA-256 of a version", uids[i])
		}
	}
	return nil
}

// path is where the service has it.
func (b binTarget) path() string {
	if b.Blob != nil {
		return "/versions/" + b.Blob.String()
	}
	return b.Ref.Path()
}

func (t target) openBin(ctx context.Context) (bin, error) {
	if t.Server != "" {
		return newRemoteBin(t.Server, t.credentials)
	}
	a, err := openArchive(ctx, t.Data, store.Options{})
	if err != nil {
		return nil, err
	}
	return localBin{a}, nil
}

// withBin does something with the bin.
func (t target) withBin(ctx context.Context, do func(bin) error) error {
	b, err := t.openBin(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(b), b.close())
}

type recycleListCommand struct {
	target
}

// Run lists studies: how many versions, how many bytes, when the last was removed.
func (c recycleListCommand) Run(ctx context.Context, t terminal) error {
	return c.withBin(ctx, func(b bin) error {
		studies, err := b.list(ctx)
		for _, st := range studies {
			fmt.Fprintf(t.out, "%-64s %8d versions %14d bytes  %s\n", cmp.Or(st.Study, st.Resource), st.Versions, st.Bytes, st.Last)
		}
		if err == nil && len(studies) == 0 {
			fmt.Fprintln(t.out, "the recycle bin is empty")
		}
		return err
	})
}

type recycleRestoreCommand struct {
	target
	What    binTarget `arg:"" placeholder:"STUDY[/SERIES[/INSTANCE]]|SHA256" help:"What to restore: a study, series or instance, or a version by its SHA-256."`
	Replace bool      `help:"Replace instances that have been stored anew meanwhile; those go into the recycle bin."`
}

// Run restores. What could not be restored makes the exit code 1.
func (c recycleRestoreCommand) Run(ctx context.Context, t terminal) error {
	return c.withBin(ctx, func(b bin) error {
		result, err := b.restore(ctx, c.What, c.Replace)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.out, "%d instances restored\n", result.Restored)
		for _, path := range result.Conflicts {
			fmt.Fprintf(t.err, "%s: another file is stored under this UID; --replace puts that into the recycle bin\n", path)
		}
		for _, path := range result.Damaged {
			fmt.Fprintf(t.err, "%s: its file is missing or damaged\n", path)
		}
		if len(result.Conflicts)+len(result.Damaged) > 0 {
			return errReported
		}
		return nil
	})
}

type recyclePurgeCommand struct {
	target
	What      binTarget     `arg:"" optional:"" placeholder:"STUDY[/SERIES[/INSTANCE]]|SHA256" help:"What to purge; default: everything that is old enough."`
	OlderThan time.Duration `placeholder:"TIME" help:"Purge what was removed longer ago (168h)."`
}

// Run purges.
func (c recyclePurgeCommand) Run(ctx context.Context, t terminal) error {
	var before time.Time
	switch {
	case c.OlderThan > 0:
		before = time.Now().Add(-c.OlderThan).UTC().Truncate(time.Second)
	case c.What.Blob == nil && c.What.Ref == (dicom.Ref{}):
		return errors.New("what is to be purged? Name a study, or say --older-than")
	}
	return c.withBin(ctx, func(b bin) error {
		result, err := b.purge(ctx, c.What, before)
		if err == nil {
			fmt.Fprintf(t.out, "%d instances purged, %d bytes\n", result.Purged, result.Bytes)
		}
		return err
	})
}

// localBin is that of a data folder.
type localBin struct{ *archive }

func (l localBin) close() error { return l.Close() }

func (l localBin) list(ctx context.Context) ([]binStudy, error) {
	studies, err := l.RecycledStudies(ctx)
	var list []binStudy
	for _, st := range studies {
		list = append(list, binStudy{string(st.Ref.Study), st.Ref.Resource, st.Deleted + st.Replaced, st.Bytes, st.Last.Format(time.RFC3339)})
	}
	return list, err
}

func (l localBin) restore(ctx context.Context, what binTarget, replace bool) (binRestored, error) {
	result, err := l.Restore(ctx, what.RemovedQuery, replace)
	r := binRestored{Restored: result.Restored}
	for _, ref := range result.Conflicts {
		r.Conflicts = append(r.Conflicts, ref.Path())
	}
	for _, ref := range result.Damaged {
		r.Damaged = append(r.Damaged, ref.Path())
	}
	return r, err
}

func (l localBin) purge(ctx context.Context, what binTarget, before time.Time) (binPurged, error) {
	what.Before = before
	n, bytes, err := l.Purge(ctx, what.RemovedQuery, -1)
	return binPurged{n, bytes}, err
}
