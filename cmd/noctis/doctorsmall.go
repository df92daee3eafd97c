package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
)

// examineSmall looks at the small files beside index and blobs without which a server does not start, or lets nobody in. Whether one is missing
// only a backup can tell, but for those of tenants.
func (p *patient) examineSmall() {
	m, _ := p.lastBackup()
	names := map[string]bool{}
	if m != nil && p.Fix {
		for name := range m.Files {
			names[name] = checkSmall(name, nil) != errNotSmall
		}
	}
	for _, pattern := range []string{secretFile, damagedFile, tenantFile, "access/*.json"} {
		found, _ := filepath.Glob(filepath.Join(p.Data, pattern))
		for _, path := range found {
			name, err := filepath.Rel(p.Data, path)
			names[filepath.ToSlash(name)] = err == nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !names[name] {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.Data, filepath.FromSlash(name)))
		if err == nil {
			err = checkSmall(name, text)
		}
		if err != nil {
			p.d.find(small, "%s: %v", name, err).path = name
		}
	}
	if p.Tenant != "" {
		return
	}
	for _, name := range tenantsWithout(p.Data) {
		p.d.find(small, "%s is missing: the server does not know the archive of this tenant", name).path = name
	}
}

// tenantsWithout are the files that archives of tenants should have and have not.
func tenantsWithout(data string) (missing []string) {
	entries, _ := os.ReadDir(tenantsFolder(data))
	for _, e := range entries {
		folder := tenantFolder(data, e.Name())
		if !tenantName.MatchString(e.Name()) || isFolder(blobFolder(folder)) != nil {
			continue
		}
		path := filepath.Join(folder, tenantFile)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			name, _ := filepath.Rel(data, path)
			missing = append(missing, name)
		}
	}
	return missing
}

// errNotSmall is the error of a name that none of these files has.
var errNotSmall = errors.New("none of the small files")

// checkSmall says what is wrong with the content of a small file.
func checkSmall(name string, text []byte) error {
	switch {
	case name == secretFile:
		if len(text) != secretLength {
			return fmt.Errorf("it has %d bytes instead of %d", len(text), secretLength)
		}
	case name == damagedFile:
		for line := range strings.Lines(string(text)) {
			if id, err := hex.DecodeString(strings.TrimSpace(line)); err != nil || len(id) != len(store.BlobID{}) {
				return errors.New("a line is no SHA-256")
			}
		}
	case name == tenantFile, strings.HasPrefix(name, "access/") && strings.HasSuffix(name, ".json"):
		if !json.Valid(text) {
			return errors.New("it is no JSON")
		}
	default:
		return errNotSmall
	}
	return nil
}

// mendSmall takes the file from the last backup. The list of damaged files is made again by whoever reads them.
func (p *patient) mendSmall(f *finding) error {
	path := filepath.Join(p.Data, filepath.FromSlash(f.path))
	name := filepath.ToSlash(f.path)
	from := p
	if tenant := filepath.Dir(f.path); filepath.Base(f.path) == tenantFile && p.Tenant == "" {
		other := *p
		other.Backup, name, from = filepath.Join(p.Backup, tenant), tenantFile, &other
	}
	_, folder := from.lastBackup()
	copied := filepath.Join(folder, filepath.FromSlash(name))
	good := ""
	if text, err := os.ReadFile(copied); folder != "" && err == nil && checkSmall(name, text) == nil {
		good = copied
	}
	if good == "" && name != damagedFile {
		return nil
	}
	aside := filepath.Join(p.aside(), f.path)
	f.Mended = "moved to " + aside
	err := durable.MkdirAll(filepath.Dir(aside))
	if err == nil {
		err = os.Rename(path, aside)
	}
	if errors.Is(err, fs.ErrNotExist) {
		f.Mended, err = "", nil
	}
	if err == nil && good != "" {
		f.Mended = strings.TrimPrefix(f.Mended+"; taken from the backup", "; ")
		err = errors.Join(copyFile(path, good), ownedLike(p.Data, path))
	}
	return err
}
