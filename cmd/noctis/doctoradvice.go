package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/store"
)

// What is to be done about findings that stand.
const (
	bringBack = "noctis doctor --fix --backup DIR takes it from a backup (server stopped); or store the instance again, from its source"
	anew      = "stop the server; noctis doctor --fix makes the index anew from the files, and keeps the old one aside. If that cannot be read (database damaged), --backup DIR gives the worklist"
	rewrite   = "stop the server; noctis doctor --fix mends it, and keeps aside what is lost"
	moveAside = "noctis doctor --fix moves it to the folder set-aside (server stopped)"
	tidy      = "noctis doctor --fix removes it, as nothing in it is needed (server stopped)"
)

// advice says for each kind of finding what is to be done.
var advice = map[string]string{
	string(store.BlobMissing):  bringBack,
	string(store.BlobDamaged):  bringBack,
	string(store.FileBroken):   "look at the disk (its SMART values, the log of the kernel); then " + bringBack,
	string(store.Orphan):       "noctis doctor --fix takes it in (server stopped), and so does the next start of the server",
	string(store.Unadoptable):  moveAside,
	stray:                      moveAside,
	string(store.EntryDiffers): anew,
	string(store.EntryBroken):  anew,
	dataBase:                   anew,
	differs:                    anew,
	miscounted:                 rewrite,
	flawed:                     rewrite,
	feed:                       rewrite,
	lacking:                    rewrite,
	noWorkitem:                 "noctis doctor --fix puts it on the worklist (server stopped)",
	journal:                    "stop the server; noctis doctor --fix --backup DIR adds what index and backup know, and keeps the old journal aside",
	outdated:                   "stop the server; noctis doctor --fix does again what the journal says",
	small:                      "noctis doctor --fix --backup DIR takes it from a backup; without one move it away, and make keys, users or links in it again (sessions.json and used.json make themselves)",
	letsNobody:                 "revoke or remove it, and make it anew (noctis key, user, certificate or link); or make the tenant that it is for (noctis tenant add)",
	foreign:                    "noctis doctor --fix as root gives it to the owner of the data folder; or chown",
	unfinished:                 tidy,
	leftover:                   tidy,
	permissions:                "noctis doctor --fix leaves it to its owner (server stopped); or chmod -R go= the data folder",
	space:                      "make room, or move the data folder to a larger disk: at the end of its space the server answers 503",
	clock:                      "set the clocks (timedatectl set-ntp true): times of storing, limits of links and sessions go by them",
	settings:                   "correct it: the server does not start with it, or not as is meant",
	public:                     "compare public-url and trusted-proxies with what the proxy passes on (OPERATIONS.md, Behind a proxy)",
}

// suspects are the files that somebody has found damaged before, or missed: each examination looks at all of their bytes.
func (p *patient) suspects() map[store.BlobID]bool {
	all := map[store.BlobID]bool{}
	add := func(name string) {
		if id, err := hex.DecodeString(strings.TrimSpace(name)); err == nil && len(id) == len(store.BlobID{}) {
			all[store.BlobID(id)] = true
		}
	}
	list, _ := os.ReadFile(filepath.Join(p.Data, damagedFile)) // what is wrong with it is told elsewhere
	for line := range strings.Lines(string(list)) {
		add(line)
	}
	var last diagnosis
	if text, err := os.ReadFile(diagnosisFile(p.Data)); err == nil && json.Unmarshal(text, &last) == nil {
		for _, f := range last.Findings {
			add(f.Blob)
		}
	}
	return all
}

// advise says of what stands what is to be done.
func (d *diagnosis) advise() {
	for _, f := range d.Findings {
		if f.Mended == "" {
			f.Help = advice[f.Kind]
		}
	}
}

// helps are the kinds of what stands, with what is to be done, each once.
func (d *diagnosis) helps() (lines []string) {
	for _, f := range d.Findings {
		if line := f.Kind + ": " + f.Help; f.Help != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}
