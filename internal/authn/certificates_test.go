package authn

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

func TestCertificatesAreMatched(t *testing.T) {
	certificates := OpenCertificates(t.TempDir(), nil)
	now := time.Now()
	certificates.now = func() time.Time { return now }
	cert := &x509.Certificate{Raw: []byte("a certificate"), Subject: pkix.Name{CommonName: "CT1", Organization: []string{"Clinic"}}, DNSNames: []string{"CT1.example"},
		EmailAddresses: []string{"ct@example"}, URIs: []*url.URL{{Scheme: "urn", Opaque: "ct1"}}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}, NotAfter: now.Add(time.Hour)}
	verified := func(chains ...[]*x509.Certificate) *http.Request {
		r := bearing()
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: chains}
		return r
	}
	for _, match := range []string{"subject:CN=CT1,O=Clinic", "ip:::ffff:10.0.0.1", "uri:urn:ct1", "email:ct@example", "dns:Ct1.EXAMPLE", colons(FingerprintMatch(cert))} {
		if p, found, err := certificates.Authenticate(verified([]*x509.Certificate{cert})); found && p.Name == match[:2] || err != nil {
			t.Errorf("%s before it was added: %v %v", match, p, err)
		}
		if err := certificates.Add(match[:2], match, Grant{Roles: []string{"store"}}, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		// Each is more exact than those before.
		p, found, err := certificates.Authenticate(verified([]*x509.Certificate{cert}))
		if err != nil || !found || p.Name != match[:2] || p.Kind != access.Certificate || p.Roles != access.RolesOf(access.Store) {
			t.Errorf("%s: %+v %v %v", match, p, found, err)
		}
		if err := certificates.Add("other", match, Grant{Roles: []string{"store"}}, time.Time{}); err == nil {
			t.Errorf("%s belongs to two", match)
		}
	}
	if _, found, _ := certificates.Authenticate(verified()); found {
		t.Error("a certificate that was not verified")
	}
	now = now.Add(time.Minute)
	if _, _, err := certificates.Authenticate(verified([]*x509.Certificate{cert})); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("the record is over: %v", err)
	}
	now = now.Add(time.Hour)
	if _, _, err := certificates.Authenticate(verified([]*x509.Certificate{cert})); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("the certificate is over: %v", err)
	}
}

// colons writes a fingerprint as openssl does.
func colons(match string) string {
	digits := strings.ToUpper(strings.TrimPrefix(match, "sha256:"))
	var pairs []string
	for i := 0; i < len(digits); i += 2 {
		pairs = append(pairs, digits[i:i+2])
	}
	return "sha256:" + strings.Join(pairs, ":")
}

func TestWhatNoCertificateMatches(t *testing.T) {
	certificates := OpenCertificates(t.TempDir(), nil)
	for _, match := range []string{"", "CN=CT1", "dns:", "sha256:abc", "cn:CT1", "ip:ct1.example", "sha256:" + "AB12" + string(make([]byte, 60))} {
		if err := certificates.Add("a", match, Grant{Roles: []string{"read"}}, time.Time{}); err == nil {
			t.Errorf("%q was taken", match)
		}
	}
	if _, err := certificates.Revoke("a"); err == nil {
		t.Error("revoked what is not there")
	}
}
