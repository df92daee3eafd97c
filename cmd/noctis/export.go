package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

type exportCommand struct {
	selection
	Dest   string `arg:"" placeholder:"DEST" help:"Folder: empty, missing, or left by the same command."`
	Layout string `enum:"media,uid,zip" default:"media" help:"media: a file set with a DICOMDIR, as on a CD; uid: STUDY/SERIES/INSTANCE.dcm; zip: STUDY.zip for each study, with a DICOMDIR; --all adds what belongs to no patient (default ${default})."`
}

// Help is shown by --help.
func (exportCommand) Help() string {
	return `Writes the files of studies as they are stored, while the server may be running. Each is compared with its SHA-256; one that is damaged or missing is
reported and left out, and the exit code is 1. The same command goes on where it was interrupted: what is in DEST already, and right, is
not written again.

Examples:
  noctis export /mnt/usb --study 1.2.840.113619.2.1 --data /var/lib/noctis
  noctis export ~/research --where PatientID=4711 --where 'StudyDate=20250101-' --layout uid
  noctis export ~/archives --where ModalitiesInStudy=MR --layout zip`
}

// exportMark is a file of DEST that says by which command it is filled.
const exportMark = ".noctis-export"

// Run exports.
func (c exportCommand) Run(ctx context.Context, t terminal) error {
	from, err := openReading(ctx, c.Data)
	if err != nil {
		return err
	}
	defer from.close() //nolint:errcheck // it has only been read
	studies, total, err := from.studies(ctx, c.selection)
	if err != nil {
		return err
	}
	others, more, err := from.nonPatient(ctx, c.selection)
	if err == nil && len(studies)+len(others) == 0 {
		err = errNoStudy
	}
	if err != nil {
		return err
	}
	if err := c.begin(); err != nil {
		return err
	}
	all := slices.Concat(studies, others)
	if err := recordExport(c.Data, c.Dest, all); err != nil {
		return err
	}
	x := &export{from: from, dest: c.Dest, tally: &tally{terminal: t, bar: newProgress(t.err, "export"), seen: total + more}}
	switch c.Layout {
	case "uid":
		err = x.byUID(ctx, all)
	case "zip":
		err = x.zips(ctx, all)
	default:
		err = x.media(ctx, all)
	}
	x.tally.bar.finish()
	fmt.Fprintf(t.out, "%d files written, %d there already, %d failed, of %d studies\n", x.tally.stored, x.tally.duplicates, x.tally.refused, len(studies))
	switch {
	case err != nil:
		return fmt.Errorf("%w\nThe same command goes on from here", err)
	case x.tally.refused > 0:
		return errReported
	}
	return nil
}

// begin refuses a folder in which something else lies.
func (c exportCommand) begin() error {
	mark, err := json.Marshal(map[string]any{"layout": c.Layout, "study": c.Study, "where": c.Where, "all": c.All})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dest, 0o700); err != nil {
		return err
	}
	names, err := os.ReadDir(c.Dest)
	if err != nil {
		return err
	}
	path := filepath.Join(c.Dest, exportMark)
	if len(names) == 0 {
		return durable.WriteFile(path, mark)
	}
	if old, err := os.ReadFile(path); err != nil || string(old) != string(mark) {
		return fmt.Errorf("%s is not empty, and not left by the same export", c.Dest)
	}
	return nil
}

// export is an export on its way.
type export struct {
	from  *reading
	dest  string
	tally *tally
}

func (s selected) ref() dicom.Ref { return dicom.Ref{Study: s.uid, Resource: s.resource} }

// byUID writes STUDY/SERIES/INSTANCE.dcm, and RESOURCE/INSTANCE.dcm.
func (x *export) byUID(ctx context.Context, studies []selected) error {
	for _, study := range studies {
		for e, err := range x.from.Entries(ctx, study.ref()) {
			if err != nil {
				return err
			}
			path := filepath.Join(x.dest, e.Ref.Resource, string(e.Ref.Study), string(e.Ref.Series), string(e.Ref.Instance)+".dcm")
			if _, err := x.file(ctx, e, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// file writes the file of an entry, unless it is there. there is whether it is then; the error is one that ends the export.
func (x *export) file(ctx context.Context, e *store.Entry, path string) (there bool, err error) {
	if sum, err := digestOf(path); err == nil && sum == e.Blob {
		x.tally.sent(path, true, nil)
		return true, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	in, err := x.from.Open(ctx, e)
	if err != nil {
		return false, x.failed(ctx, e, err)
	}
	defer in.Close()
	// Without a sync: what a power cut leaves has another SHA-256, and is written again.
	out, err := os.OpenFile(path+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return false, err
	}
	sum, err := copySum(out, in.File())
	if err = errors.Join(err, out.Close()); err != nil {
		return false, errors.Join(err, os.Remove(path+".part"))
	}
	if sum != e.Blob {
		return false, errors.Join(x.failed(ctx, e, store.ErrBlobDamaged), os.Remove(path+".part"))
	}
	if err := os.Rename(path+".part", path); err != nil {
		return false, err
	}
	x.tally.sent(path, false, nil)
	return true, nil
}

// failed reports an instance that cannot be read, and lets the export go on.
func (x *export) failed(ctx context.Context, e *store.Entry, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x.tally.sent(e.Ref.Path(), false, err)
	return nil
}

func copySum(w io.Writer, r io.Reader) (store.BlobID, error) {
	sum := sha256.New()
	_, err := io.Copy(io.MultiWriter(w, sum), r)
	return store.BlobID(sum.Sum(nil)), err
}

// contentOf is a text that changes with what is in a set of files.
func contentOf(entries []*store.Entry) string {
	sum := sha256.New()
	for _, e := range entries {
		sum.Write(e.Blob[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}
