package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/fileset"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

// directoryName is the name of a DICOMDIR in a file set (PS3.10 8.6).
const directoryName = "DICOMDIR"

// member is a file of a file set: its entry, without the layout, and its File ID.
type member struct {
	*store.Entry
	path []string
}

// members are the files of a study, or of a resource of no patient, with File IDs of at most eight characters a component (PS3.10 8.2), the
// same every time as long as nothing is stored or deleted.
func (x *export) members(ctx context.Context, s selected, names folderNames) (list []member, err error) {
	folder, series := names.of(s), 0
	for e, err := range x.from.Entries(ctx, s.ref()) {
		if err != nil {
			return nil, err
		}
		slim := *e
		slim.Layout = part10.Layout{}
		if len(list) == 0 || list[len(list)-1].Ref.Series != e.Ref.Series {
			series++
		}
		list = append(list, member{&slim, []string{"DICOM", folder, fmt.Sprintf("S%07d", series), fmt.Sprintf("I%07d", len(list)+1)}})
	}
	return list, nil
}

// folderNames gives each study, and each resource, a name of eight characters that another one in the set does not change.
type folderNames map[string]bool

func (n folderNames) of(s selected) string {
	for text := string(s.uid) + s.resource; ; text += "+" {
		sum := sha256.Sum256([]byte(text))
		if name := base32.StdEncoding.EncodeToString(sum[:5]); !n[name] {
			n[name] = true
			return name
		}
	}
}

// media writes one file set of all.
func (x *export) media(ctx context.Context, studies []selected) error {
	names, all := folderNames{}, []*store.Entry{}
	var there []member
	for _, study := range studies {
		list, err := x.members(ctx, study, names)
		if err != nil {
			return err
		}
		for _, m := range list {
			// The layout, which Open wants of deflated files only, is not needed: the file is copied as it lies.
			ok, err := x.file(ctx, m.Entry, filepath.Join(append([]string{x.dest}, m.path...)...))
			if err != nil {
				return err
			}
			if ok {
				there, all = append(there, m), append(all, m.Entry)
			}
		}
	}
	if len(there) == 0 {
		return nil
	}
	index, err := x.directory(ctx, there, contentOf(all))
	if err != nil || index == nil {
		return err
	}
	return durable.WriteFile(filepath.Join(x.dest, directoryName), index)
}

// directory is the DICOMDIR of the files, nil if it would tell of none.
func (x *export) directory(ctx context.Context, list []member, text string) ([]byte, error) {
	d := fileset.NewDirectory(text)
	for _, m := range list {
		for meta, err := range x.from.Metadata(ctx, m.Ref) {
			if err != nil {
				return nil, err
			}
			ds := &dicom.DataSet{}
			if err := ds.UnmarshalJSON(meta.JSON); err != nil {
				return nil, fmt.Errorf("metadata of instance %s: %w", m.Ref.Instance, err)
			}
			if err := d.Add(ds, m.path, m.TransferSyntax); err != nil {
				return nil, fmt.Errorf("DICOMDIR: %w", err)
			}
		}
	}
	if d.Empty() {
		return nil, nil
	}
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		return nil, fmt.Errorf("DICOMDIR: %w", err)
	}
	return b.Bytes(), nil
}

// zips writes an archive of each study, and of each resource of no patient. The comment of an archive tells of what it was made: one that is whole and of the same files
// is not written again.
func (x *export) zips(ctx context.Context, studies []selected) error {
	for _, study := range studies {
		list, err := x.members(ctx, study, folderNames{})
		if err != nil {
			return err
		}
		entries := make([]*store.Entry, len(list))
		for i, m := range list {
			entries[i] = m.Entry
		}
		text, path := contentOf(entries), filepath.Join(x.dest, string(study.uid)+study.resource+".zip")
		if commentOf(path) == text {
			for range list {
				x.tally.sent(path, true, nil)
			}
			continue
		}
		if err := x.zip(ctx, list, path, text); err != nil {
			return err
		}
	}
	return nil
}

// commentOf is the comment of an archive, empty if it is none.
func commentOf(path string) string {
	r, err := zip.OpenReader(path)
	if err != nil {
		return ""
	}
	defer r.Close()
	return r.Comment
}

// zip writes an archive, which is durable before it gets its name.
func (x *export) zip(ctx context.Context, list []member, path, text string) (err error) {
	out, err := os.OpenFile(path+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(out)
	written, err := x.zipFiles(ctx, archive, list)
	if err == nil && len(written) > 0 {
		err = x.zipDirectory(ctx, archive, written, text)
	}
	if err == nil && len(written) == len(list) {
		err = archive.SetComment(text) // else the next run tries again
	}
	if err == nil {
		err = errors.Join(archive.Close(), out.Sync())
	}
	if err = errors.Join(err, out.Close()); err != nil || len(written) == 0 {
		return errors.Join(err, os.Remove(path+".part"))
	}
	return errors.Join(os.Rename(path+".part", path), syncFolder(x.dest))
}

// zipFiles writes those files that are as they were stored, without compression, since pixels hardly get shorter.
func (x *export) zipFiles(ctx context.Context, archive *zip.Writer, list []member) (written []member, err error) {
	for _, m := range list {
		in, err := x.from.sound(ctx, m.Entry)
		if err != nil {
			if err := x.failed(ctx, m.Entry, err); err != nil {
				return nil, err
			}
			continue
		}
		out, err := archive.CreateHeader(&zip.FileHeader{Name: strings.Join(m.path, "/"), Method: zip.Store, Modified: m.Stored.UTC()})
		if err == nil {
			_, err = copySum(out, in.File())
		}
		if err = errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		written = append(written, m)
		x.tally.sent(m.Ref.Path(), false, nil)
	}
	return written, nil
}

func (x *export) zipDirectory(ctx context.Context, archive *zip.Writer, list []member, text string) error {
	index, err := x.directory(ctx, list, text)
	if err != nil || index == nil {
		return err
	}
	out, err := archive.CreateHeader(&zip.FileHeader{Name: directoryName, Method: zip.Store, Modified: list[0].Stored.UTC()})
	if err == nil {
		_, err = out.Write(index)
	}
	return err
}
