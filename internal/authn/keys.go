package authn

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// Key is an API key, without the key: what is known of it is its digest.
type Key struct {
	ID     string `json:"id"` // the public part, by which it is found
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of the whole key
	Validity
	Grant

	Used time.Time `json:"-"` // last; zero: never
}

func (k Key) use() string { return "key:" + k.ID }

// Keys are the API keys of a folder. A request bears one as Bearer token, as X-Api-Key, or as the password of Basic authentication with
// the key's name: many modalities and scripts can do only one of them. Safe for concurrent use, and by several processes.
type Keys struct {
	ledger *ledger[Key]
	uses   *Uses
	now    func() time.Time
}

const (
	keyPrefix = "noctis_"
	keyHeader = "X-Api-Key"
	keyMost   = 256 // bytes of a key
)

// OpenKeys opens those of a folder.
func OpenKeys(folder string, uses *Uses) *Keys {
	return &Keys{newLedger(folder, "keys.json", func(k Key) string { return k.ID }), uses, time.Now}
}

// Add makes a key and returns it: it is not kept, and cannot be told again.
func (k *Keys) Add(name string, grant Grant, expires time.Time) (secret string, err error) {
	now := k.now()
	validity, err := from(now, expires)
	if err := errors.Join(err, checkName(name), grant.check()); err != nil {
		return "", err
	}
	record := Key{ID: strings.ToLower(rand.Text()[:12]), Name: name, Validity: validity, Grant: grant}
	secret = keyPrefix + record.ID + "_" + strings.ToLower(rand.Text()) // 130 bits
	record.SHA256 = digestOf(secret)
	return secret, k.ledger.change(func(keys []Key) ([]Key, error) {
		for _, other := range keys {
			if other.Name == name && other.State(now) == "valid" {
				return nil, fmt.Errorf("there is a key %s already: revoke it, or name this one otherwise", name)
			}
		}
		return append(keys, record), nil
	})
}

// List returns all keys, revoked ones too, in the order in which they were made.
func (k *Keys) List() ([]Key, error) {
	keys, err := k.ledger.all()
	keys = slices.Clone(keys)
	for i := range keys {
		keys[i].Used = k.uses.of(keys[i].use())
	}
	return keys, err
}

// Revoke ends the key of a name or of an id for good.
func (k *Keys) Revoke(nameOrID string) (Key, error) {
	return revoke(k.ledger, k.now(), func(key Key) bool { return key.ID == nameOrID || key.Name == nameOrID })
}

// Begun reports whether there ever was a key.
func (k *Keys) Begun() (bool, error) { return k.ledger.Begun() }

// Challenges ask for a token, or for Basic authentication (RFC 7617), which programs can do that know nothing of keys.
func (k *Keys) Challenges() []string {
	return []string{challengeRFC6750, `Basic realm="noctis", charset="UTF-8"`}
}

// Authenticate knows whoever bears a key.
func (k *Keys) Authenticate(r *http.Request) (access.Principal, bool, error) {
	secret, name, found := keyOf(r)
	if !found {
		return access.Principal{}, false, nil
	}
	p, err := k.principalOf(secret, name, r)
	return p, true, err
}

// keyOf returns the key that a request bears, and the name beside it in Basic authentication.
func keyOf(r *http.Request) (secret, name string, found bool) {
	if user, password, ok := r.BasicAuth(); ok {
		return password, user, true
	}
	if token := bearer(r); strings.HasPrefix(token, keyPrefix) {
		return token, "", true
	}
	secret = r.Header.Get(keyHeader)
	return secret, "", secret != ""
}

func (k *Keys) principalOf(secret, name string, r *http.Request) (access.Principal, error) {
	if len(secret) > keyMost {
		return access.Principal{}, access.ErrUnauthenticated
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(secret, keyPrefix), "_")
	record, found, err := k.ledger.find(id)
	if err != nil {
		return access.Principal{}, err
	}
	if !found {
		record.SHA256 = digestOf("") // compared all the same, so that the time tells nothing
	}
	if subtle.ConstantTimeCompare([]byte(digestOf(secret)), []byte(record.SHA256)) != 1 || !found || name != "" && name != record.Name {
		return access.Principal{}, access.ErrUnauthenticated
	}
	now := k.now()
	if state := record.State(now); state != "valid" {
		return access.Principal{}, fmt.Errorf("%w: the key %s is %s", access.ErrUnauthenticated, record.Name, state)
	}
	if !access.Watching(r.Context()) {
		k.uses.note(record.use(), now)
	}
	return record.principal(access.Key, record.Name)
}

func digestOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
