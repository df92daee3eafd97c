package authn

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// CheckFile examines one of the files of the folder as they lie in it. Its error is that the server cannot read the file, and lets nobody in by it;
// flaws are the records that it can read, and by which it lets nobody in, or others than was meant. Those that are over are not looked at.
// tenant reports whether there is one of that name. The flaws name records, and nothing of what is secret.
func CheckFile(name string, text []byte, tenant func(string) bool) (flaws []string, err error) {
	now := time.Now()
	switch name {
	case "keys.json":
		return checkRecords(text, func(k Key) (string, string, error) {
			if k.State(now) != "valid" {
				return k.ID, k.Name, nil
			}
			return k.ID, k.Name, errors.Join(checkName(k.Name), checkDigest(k.SHA256), k.Grant.stands(tenant))
		})
	case "users.json":
		return checkRecords(text, func(u User) (string, string, error) {
			if u.Disabled {
				return u.Name, u.Name, nil
			}
			_, _, _, err := parsePHC(u.Password)
			return u.Name, u.Name, errors.Join(checkName(u.Name), err, u.Grant.stands(tenant))
		})
	case "certificates.json":
		return checkRecords(text, func(c Certificate) (string, string, error) {
			if c.State(now) != "valid" {
				return "", c.Name, nil
			}
			match, err := normalMatch(c.Match)
			if err == nil && match != c.Match {
				err = fmt.Errorf("no certificate has %q: it is written %q", c.Match, match)
			}
			return c.Match, c.Name, errors.Join(err, c.Grant.stands(tenant))
		})
	case "links.json":
		return checkRecords(text, func(l Link) (string, string, error) {
			if l.Revoked != nil || !now.Before(l.Expires) {
				return l.ID, l.ID, nil
			}
			var err error
			if within := (dicom.Ref{Study: l.Study}).Path(); !l.Study.Valid() || l.Path != within && !strings.HasPrefix(l.Path, within+"/") {
				err = errors.New("its path is not that of its study")
			}
			return l.ID, l.ID, errors.Join(err, hasTenant(l.Tenant, tenant))
		})
	case "sessions.json":
		return checkRecords(text, func(k keptSession) (string, string, error) {
			_, _, err := k.session()
			return k.SHA256, "", err
		})
	case "link.key":
		if len(text) != linkKeyLength {
			return nil, fmt.Errorf("it has %d bytes instead of %d", len(text), linkKeyLength)
		}
	default:
		if !json.Valid(text) {
			return nil, errors.New("it is no JSON")
		}
	}
	return nil, nil
}

// checkRecords reads the records as the server does. check says by what a record is found, how it is called and what is wrong with it.
func checkRecords[T any](text []byte, check func(T) (id, name string, err error)) (flaws []string, err error) {
	var records []T
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for i, r := range records {
		id, name, err := check(r)
		if id != "" && found[id] {
			err = errors.Join(err, errors.New("another record is found by the same name: only the last one counts"))
		}
		if found[id] = true; err != nil {
			flaws = append(flaws, strings.ReplaceAll(fmt.Sprintf("record %d (%s): %v", i+1, name, err), "\n", "; "))
		}
	}
	return flaws, nil
}

func checkDigest(sha256 string) error {
	if sum, err := hex.DecodeString(sha256); err != nil || len(sum) != 32 {
		return errors.New("its SHA-256 is none")
	}
	return nil
}

// stands reports what keeps the grant from being one.
func (g Grant) stands(tenant func(string) bool) error {
	return errors.Join(g.check(), hasTenant(g.Tenant, tenant))
}

func hasTenant(name string, tenant func(string) bool) error {
	if name != "" && !tenant(name) {
		return fmt.Errorf("there is no tenant %q", name)
	}
	return nil
}
