package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// authority issues certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, next: 1}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.cert, a.key = a.make(template, nil)
	return a
}

func (a *authority) make(template *x509.Certificate, parent *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	signer := a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// issue makes a certificate for 127.0.0.1 and a name, as a pair and as PEM.
func (a *authority) issue(name string) (pair tls.Certificate, cert, key []byte) {
	a.t.Helper()
	a.next++
	template := &x509.Certificate{SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name, Organization: []string{"Clinic"}},
		DNSNames: []string{name + ".clinic.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	c, k := a.make(template, a.cert)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: k}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// tlsFilesOf writes the files of a server.
func tlsFilesOf(t *testing.T, a *authority, folder, name string) tlsFlags {
	t.Helper()
	_, cert, key := a.issue(name)
	f := tlsFlags{filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), filepath.Join(folder, "ca.pem")}
	for file, text := range map[string][]byte{f.Cert: cert, f.Key: key, f.ClientCA: a.pem()} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestServerSpeaksTLS(t *testing.T) {
	ca, folder := newAuthority(t), t.TempDir()
	f := tlsFilesOf(t, ca, folder, "server")
	s, err := start(folder, "--data", folder, "--tls-cert", f.Cert, "--tls-key", f.Key, "--tls-client-ca", f.ClientCA)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	pair, pemText, _ := ca.issue("ct1")
	other, _, _ := ca.issue("mr1")
	file := filepath.Join(folder, "ct1.pem")
	if err := os.WriteFile(file, pemText, 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) {
		t.Helper()
		if code := run(t.Context(), append(args, "--data", folder), t.Output(), t.Output()); code != 0 {
			t.Fatalf("%v: exit code %d", args, code)
		}
	}
	status := func(config *tls.Config, path string) int {
		t.Helper()
		config.RootCAs = ca.pool()
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get(s.url + path)
		if err != nil {
			t.Log(err)
			return 0
		}
		answer.Body.Close()
		if answer.ProtoMajor != 2 || answer.TLS.Version < tls.VersionTLS12 {
			t.Errorf("%s over %s and TLS %x", path, answer.Proto, answer.TLS.Version)
		}
		return answer.StatusCode
	}
	expect := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	with := func(pairs ...tls.Certificate) *tls.Config { return &tls.Config{Certificates: pairs} }
	expect("nobody has to prove anything yet", status(with(), "/dicom-web/studies"), 204)
	command("certificate", "add", "--name", "CT1", "--file", file, "--role", "read")
	command("certificate", "add", "--name", "gateway", "--match", "dns:gw.clinic.example", "--role", "admin")
	expect("no certificate", status(with(), "/dicom-web/studies"), 401)
	expect("its certificate", status(with(pair), "/dicom-web/studies"), 204)
	expect("what it may not", status(with(pair), "/metrics"), 403)
	expect("a certificate of nobody", status(with(other), "/dicom-web/studies"), 401)
	gateway, _, _ := ca.issue("gw")
	expect("by a name in it", status(with(gateway), "/metrics"), 200)
	stranger, _, _ := newAuthority(t).issue("ct1")
	foreign := with()
	foreign.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger, nil }
	expect("of another authority", status(foreign, "/dicom-web/studies"), 0)
	expect("TLS 1.1", status(&tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, "/healthz"), 0)
	expect("TLS 1.2", status(&tls.Config{MaxVersion: tls.VersionTLS12}, "/healthz"), 200)
	expect("TLS 1.2 with CBC", status(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, "/healthz"), 0)
	command("certificate", "revoke", "CT1")
	expect("revoked", status(with(pair), "/dicom-web/studies"), 401)
	command("certificate", "list")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	expect("after SIGHUP", status(with(gateway), "/dicom-web/studies"), 204)
}

func TestTLSFilesAreReadAgain(t *testing.T) {
	ca, folder := newAuthority(t), t.TempDir()
	f := tlsFilesOf(t, ca, folder, "first")
	files, err := newTLSFiles(f, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		config, err := files.configFor(nil)
		if err != nil {
			t.Fatal(err)
		}
		return config.Certificates[0].Leaf.Subject.CommonName
	}
	tlsFilesOf(t, ca, folder, "second")
	files.looked = time.Time{} // a second has passed
	if got := name(); got != "second" {
		t.Errorf("after a change: %s", got)
	}
	_, cert, _ := ca.issue("third")
	if err := os.WriteFile(f.Cert, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	files.reload()
	if got := name(); got != "second" {
		t.Errorf("with a certificate that does not fit its key: %s", got)
	}
	tlsFilesOf(t, ca, folder, "fourth")
	files.reload()
	if got := name(); got != "fourth" {
		t.Errorf("after SIGHUP: %s", got)
	}
	for _, wrong := range []tlsFlags{{Cert: f.Cert}, {Cert: f.Cert, Key: f.Cert}, {f.Cert, f.Key, f.Key}, {f.Cert, f.Key, "nowhere"}} {
		if _, err := newTLSFiles(wrong, nil); err == nil {
			t.Errorf("%+v is fine", wrong)
		}
	}
	if _, _, err := (tlsFlags{Key: f.Key}).serving(&http.Server{}, nil, nil); err == nil {
		t.Error("a key without a certificate is fine")
	}
}
