package authn

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// Certificate says whose client certificates of one kind are.
type Certificate struct {
	Name string `json:"name"`
	// Match is what a certificate has to have: "sha256:" with its fingerprint, "dns:", "email:", "uri:" or "ip:" with a Subject Alternative
	// Name, or "subject:" with its distinguished name as RFC 4514 writes it ("subject:CN=CT1,O=Clinic").
	Match string `json:"match"`
	Validity
	Grant

	Used time.Time `json:"-"` // last; zero: never
}

func (c Certificate) use() string { return "certificate:" + c.Name }

// Certificates are those of a folder. The TLS layer has verified, against the configured authorities, that a certificate is valid
// and that the client has its key: here is only said whose it is. One that is in no record is nobody's, so that a browser that has one
// may still log in. Safe for concurrent use, and by several processes.
type Certificates struct {
	ledger *ledger[Certificate]
	uses   *Uses
	now    func() time.Time
}

// OpenCertificates opens those of a folder.
func OpenCertificates(folder string, uses *Uses) *Certificates {
	return &Certificates{newLedger(folder, "certificates.json", func(c Certificate) string { return c.Match }), uses, time.Now}
}

// matches are the kinds of Match.
var matches = []string{"sha256:", "dns:", "email:", "uri:", "ip:", "subject:"}

// Add says whose certificates of one kind are from now on.
func (c *Certificates) Add(name, match string, grant Grant, expires time.Time) error {
	validity, err := from(c.now(), expires)
	match, wrong := normalMatch(match)
	if err := errors.Join(err, checkName(name), wrong, grant.check()); err != nil {
		return err
	}
	return c.ledger.change(func(records []Certificate) ([]Certificate, error) {
		for _, other := range records {
			if (other.Match == match || other.Name == name) && other.Revoked == nil {
				return nil, fmt.Errorf("%s is that of %s already: revoke it first", other.Match, other.Name)
			}
		}
		return append(records, Certificate{Name: name, Match: match, Validity: validity, Grant: grant}), nil
	})
}

// normalMatch writes a match as matchesOf does, however it was given.
func normalMatch(match string) (string, error) {
	kind, value, _ := strings.Cut(match, ":")
	if !slices.Contains(matches, kind+":") || value == "" {
		return "", fmt.Errorf("%q: want one of %s with a value", match, strings.Join(matches, ", "))
	}
	switch kind {
	case "sha256":
		value = strings.ToLower(strings.ReplaceAll(value, ":", "")) // openssl puts colons between
		if digest, err := hex.DecodeString(value); err != nil || len(digest) != sha256.Size {
			return "", fmt.Errorf("%q: a fingerprint has 64 hexadecimal digits", match)
		}
	case "dns":
		value = strings.ToLower(value)
	case "ip":
		ip := net.ParseIP(value)
		if ip == nil {
			return "", fmt.Errorf("%q: %s is no IP address", match, value)
		}
		value = ip.String()
	}
	return kind + ":" + value, nil
}

// List returns all records, revoked ones too.
func (c *Certificates) List() ([]Certificate, error) {
	records, err := c.ledger.all()
	records = slices.Clone(records)
	for i := range records {
		records[i].Used = c.uses.of(records[i].use())
	}
	return records, err
}

// Revoke ends the record of a name for good.
func (c *Certificates) Revoke(name string) (Certificate, error) {
	return revoke(c.ledger, c.now(), func(record Certificate) bool { return record.Name == name })
}

// Begun reports whether there ever was a record.
func (c *Certificates) Begun() (bool, error) { return c.ledger.Begun() }

// Challenges are none: a certificate is asked for before a request is sent.
func (c *Certificates) Challenges() []string { return nil }

// Authenticate knows whoever has sent a certificate that was verified and is in a record.
func (c *Certificates) Authenticate(r *http.Request) (access.Principal, bool, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return access.Principal{}, false, nil
	}
	now := c.now()
	if now.After(r.TLS.VerifiedChains[0][0].NotAfter) { // while the connection was open
		return access.Principal{}, true, fmt.Errorf("%w: the certificate has expired", access.ErrUnauthenticated)
	}
	for _, match := range matchesOf(r.TLS.VerifiedChains[0][0]) {
		record, found, err := c.ledger.find(match)
		if err != nil {
			return access.Principal{}, true, err
		}
		if !found {
			continue
		}
		if state := record.State(now); state != "valid" {
			return access.Principal{}, true, fmt.Errorf("%w: the certificate of %s is %s", access.ErrUnauthenticated, record.Name, state)
		}
		if !access.Watching(r.Context()) {
			c.uses.note(record.use(), now)
		}
		p, err := record.principal(access.Certificate, record.Name)
		return p, true, err
	}
	return access.Principal{}, false, nil
}

// matchesOf are what a certificate has, the most exact first.
func matchesOf(cert *x509.Certificate) []string {
	list := []string{FingerprintMatch(cert)}
	for _, name := range cert.DNSNames {
		list = append(list, "dns:"+strings.ToLower(name))
	}
	for _, name := range cert.EmailAddresses {
		list = append(list, "email:"+name)
	}
	for _, name := range cert.URIs {
		list = append(list, "uri:"+name.String())
	}
	for _, ip := range cert.IPAddresses {
		list = append(list, "ip:"+ip.String())
	}
	return append(list, "subject:"+cert.Subject.String())
}

// FingerprintMatch is what this certificate has alone.
func FingerprintMatch(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}
