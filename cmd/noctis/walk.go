package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// errNotDICOM is the error of a file that is no DICOM instance; an import skips it.
var errNotDICOM = errors.New("not a DICOM instance, skipped")

// found is a file that a walk came across: something to open, or the error why not.
type found struct {
	path string
	open func() (io.ReadCloser, error)
	err  error
}

// walk visits the files below the paths, those inside zip files too, in their order. Links to folders are not followed. It ends
// with the first error of visit, or when ctx does.
func walk(ctx context.Context, paths []string, visit func(found) error) error {
	for _, top := range paths {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && path == top:
				return err // a path that was named must be there
			case err != nil:
				return visit(found{path: path, err: err})
			case d.IsDir():
				return nil
			}
			return walkFile(ctx, path, visit)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// walkFile visits a file, or what is in it if it is a zip file.
func walkFile(ctx context.Context, path string, visit func(found) error) error {
	info, err := os.Stat(path) // of what a link leads to
	if err == nil && !info.Mode().IsRegular() {
		err = errNotDICOM // to open a pipe would wait until somebody writes into it
	}
	if err != nil {
		return visit(found{path: path, err: err})
	}
	f, err := os.Open(path)
	if err != nil {
		return visit(found{path: path, err: err})
	}
	var start [4]byte
	_, err = io.ReadFull(f, start[:])
	f.Close()
	if err == nil && bytes.Equal(start[:], []byte("PK\x03\x04")) && !isDICOM(path) {
		return walkZip(ctx, path, visit)
	}
	return visit(examine(path, func() (io.ReadCloser, error) { return os.Open(path) }))
}

// walkZip visits the files of a zip file. It stays open until the walk and all who opened a file of it are done.
func walkZip(ctx context.Context, path string, visit func(found) error) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return visit(found{path: path, err: err})
	}
	shared := &sharedZip{ReadCloser: archive}
	defer shared.hold()()
	for _, member := range archive.File {
		if member.FileInfo().IsDir() {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f := examine(path+"!"+member.Name, member.Open)
		if f.err == nil {
			release := shared.hold() // for the one that opens it
			f.open = func() (io.ReadCloser, error) {
				r, err := member.Open()
				if err != nil {
					release()
					return nil, err
				}
				return heldMember{r, release}, nil
			}
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// sharedZip closes when nobody holds it any more.
type sharedZip struct {
	*zip.ReadCloser
	holders atomic.Int32
}

func (z *sharedZip) hold() (release func()) {
	z.holders.Add(1)
	return func() {
		if z.holders.Add(-1) == 0 {
			z.Close()
		}
	}
}

// heldMember is an open file of a zip file.
type heldMember struct {
	io.ReadCloser
	release func()
}

func (m heldMember) Close() error {
	defer m.release()
	return m.ReadCloser.Close()
}

// examine looks at the first bytes of a file. A file with the DICOM prefix (PS3.10 7.1) is one, but for a DICOMDIR; one without is
// tried all the same when its name says so, because old files lack the prefix.
func examine(path string, open func() (io.ReadCloser, error)) found {
	r, err := open()
	if err != nil {
		return found{path: path, err: err}
	}
	defer r.Close()
	var start [132]byte
	n, err := io.ReadFull(r, start[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return found{path: path, err: err}
	}
	prefixed := n == len(start) && string(start[128:]) == "DICM"
	base := path[strings.LastIndexAny(path, `/\!`)+1:] // "!" comes before what is in a zip file
	if strings.EqualFold(base, "DICOMDIR") || !prefixed && !isDICOM(path) {
		return found{path: path, err: errNotDICOM}
	}
	return found{path: path, open: open}
}

// isDICOM reports whether the name is one that DICOM files have.
func isDICOM(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".dcm", ".dicom", ".dic", ".ima":
		return true
	}
	return false
}
