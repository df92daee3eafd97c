package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// index is the page of the viewer. "{files}" stands for the folder of its files, "{app}" for the name of the main bundle.
// All addresses begin with "./", which the server turns into "../" for a page that lies deeper.
//
//go:embed index.html
var index string

// boot is the script that runs before OHIF.
//
//go:embed boot.js
var boot []byte

// pack writes the viewer to out and returns its size. The folder holds index.html and LICENSE, and all other files in a
// folder that is named by the digest of what is in it: they can be cached for ever, because other contents have another
// address.
func pack(app ohif, out string) (size int64, err error) {
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp(filepath.Dir(out), ".viewer-")
	if err != nil {
		return 0, err
	}
	defer func() { err = firstError(err, os.RemoveAll(work)) }()

	p := &packer{
		dist: filepath.Join(app.dir, "dist"), out: filepath.Join(work, "files"),
		digest: sha256.New(), editor: newEditor(edits),
	}
	if err := p.files(); err != nil {
		return 0, err
	}
	folder := fmt.Sprintf("ohif-%s-%x", app.version, p.digest.Sum(nil)[:6])
	whole := filepath.Join(work, "viewer")
	if err := os.Mkdir(whole, 0o755); err != nil {
		return 0, err
	}
	if err := os.Rename(p.out, filepath.Join(whole, folder)); err != nil {
		return 0, err
	}
	page := strings.NewReplacer("{files}", folder, "{app}", p.app).Replace(index)
	if err := os.WriteFile(filepath.Join(whole, "index.html"), []byte(page), 0o644); err != nil {
		return 0, err
	}
	license, err := os.ReadFile(filepath.Join(app.dir, "LICENSE"))
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(whole, "LICENSE"), license, 0o644); err != nil {
		return 0, err
	}
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	return p.size, os.Rename(whole, out)
}

// packer copies the files of dist.
type packer struct {
	dist, out string
	digest    hash.Hash // of names and contents
	editor    *editor
	app       string // name of the main bundle
	size      int64  // bytes written
}

// files copies all files that are kept, in the order of their names.
func (p *packer) files() error {
	if err := p.write("boot.js", boot); err != nil {
		return err
	}
	err := fs.WalkDir(os.DirFS(p.dist), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !keeps(name) {
			return err
		}
		text, err := os.ReadFile(filepath.Join(p.dist, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, "app.bundle.") && strings.HasSuffix(name, ".js") {
			p.app = name
		}
		return p.write(name, p.editor.apply(name, text))
	})
	if err != nil {
		return err
	}
	if p.app == "" {
		return fmt.Errorf("%s holds no app.bundle.*.js: not the OHIF viewer, or another build of it", p.dist)
	}
	return p.editor.check()
}

// write adds a file, compressed where that helps.
func (p *packer) write(name string, text []byte) error {
	fmt.Fprintf(p.digest, "%s %d\n", name, len(text))
	p.digest.Write(text)
	if compresses(name) {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(text); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		name, text = name+".gz", b.Bytes()
	}
	target := filepath.Join(p.out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	p.size += int64(len(text))
	return os.WriteFile(target, text, 0o644)
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
