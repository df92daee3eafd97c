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

	"github.com/noctis-dicom/noctis/internal/authn"
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
	for _, pattern := range []string{secretFile, damagedFile, tenantFile, "access/*.json", "access/link.key"} {
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
			continue
		}
		p.examineRecords(name, text)
	}
	if p.Tenant != "" {
		return
	}
	for _, name := range tenantsWithout(p.Data) {
		p.d.find(small, "%s is missing: the server does not know the archive of this tenant", name).path = name
	}
}

// examineRecords looks at what lets people in, record by record. A backup would bring back what has been revoked since, so that only people mend it.
func (p *patient) examineRecords(name string, text []byte) {
	file, lets := strings.CutPrefix(name, "access/")
	if !lets {
		return
	}
	flaws, _ := authn.CheckFile(file, text, func(tenant string) bool { // checkSmall tells the error
		_, err := os.Stat(filepath.Join(tenantFolder(p.Data, tenant), tenantFile))
		return tenantName.MatchString(tenant) && err == nil
	})
	for _, f := range flaws {
		p.d.find(letsNobody, "%s: %s", name, f)
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
	case name == tenantFile:
		if err := json.Unmarshal(text, &tenantSettings{}); err != nil {
			return err
		}
	case strings.HasPrefix(name, "access/") && (strings.HasSuffix(name, ".json") || name == "access/link.key"):
		_, err := authn.CheckFile(strings.TrimPrefix(name, "access/"), text, func(string) bool { return true })
		return err
	default:
		return errNotSmall
	}
	return nil
}

// selfMade are the files that the server makes again: who has logged in does so once more.
var selfMade = []string{damagedFile, "access/sessions.json", "access/used.json"}

// mendSmall takes the file from the last backup.
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
	if good == "" && !slices.Contains(selfMade, name) {
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
