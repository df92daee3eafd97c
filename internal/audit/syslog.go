package audit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// Receiver is where events are sent as messages of syslog (RFC 5424).
type Receiver struct {
	Network string // "tls" (RFC 5425), "tcp" (RFC 6587 3.4.1) or "udp" (RFC 5426)
	Address string
	TLS     *tls.Config // of "tls"
}

// ParseReceiver reads an address: tls://HOST[:6514], or, on this machine alone, tcp:// and udp://HOST[:514], because events name
// patients. authority is a file with the certificates that the receiver's is checked with; "": those of the system.
func ParseReceiver(address, authority string) (*Receiver, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%q is not the address of a syslog receiver, as in tls://logs.example.org:6514", address)
	}
	port := u.Port()
	r := &Receiver{Network: u.Scheme}
	switch u.Scheme {
	case "tls":
		if port == "" {
			port = "6514"
		}
		r.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		if authority != "" {
			if r.TLS.RootCAs, err = certificates(authority); err != nil {
				return nil, err
			}
		}
	case "tcp", "udp":
		if port == "" {
			port = "514"
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, fmt.Errorf("%s: events name patients, and would cross the network for all to read: use tls://", address)
		}
	default:
		return nil, fmt.Errorf("%s: a syslog receiver is reached by tls://, and on this machine by tcp:// and udp://", address)
	}
	r.Address = net.JoinHostPort(u.Hostname(), port)
	return r, nil
}

// Present has the server show a certificate to the receiver, which many want to see (IHE ITI-19). The files (PEM) are read for each connection, so that
// one that was renewed is shown.
func (r *Receiver) Present(certificate, key string) error {
	if r.TLS == nil {
		return errors.New("a certificate can be shown over tls:// alone")
	}
	pair := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		return &pair, err
	}
	r.TLS.GetClientCertificate = pair
	_, err := pair(nil)
	return err
}

func certificates(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificates in PEM", path)
	}
	return pool, nil
}

// longestDatagram is what a message over UDP may be long (RFC 5426 3.2 leaves it to the network).
const longestDatagram = 60_000

// syslogMessage is the message of an event: facility 10 (security), a severity by its outcome, the id that PS3.15 A.6 wants, and the
// number and hash of its line, so that the receiver's log can prove what this one was.
func syslogMessage(r *Record, from, host string, datagram bool) ([]byte, error) {
	severity := map[Outcome]int{Success: 5, Minor: 4, Serious: 3, Major: 2}[r.Outcome]
	text, err := DICOM(&r.Event, from)
	if datagram && len(text) > longestDatagram {
		short := r.Event
		short.Number, short.Instances = short.instances(), nil
		text, err = DICOM(&short, from)
	}
	if err != nil {
		return nil, err
	}
	at := r.Time
	if r.Count > 0 {
		at = r.Until
	}
	m := fmt.Appendf(nil, "<%d>1 %s %s noctis %d DICOM+RFC3881 [noctis@32473 n=\"%d\" hash=\"%s\"] \xef\xbb\xbf", 10*8+severity,
		at.UTC().Format("2006-01-02T15:04:05.000000Z"), host, os.Getpid(), r.N, r.hash)
	return append(m, text...), nil
}

// frame appends a message in the form of a stream: its length before it (RFC 5425 4.3).
func frame(to, message []byte) []byte {
	return append(fmt.Appendf(to, "%d ", len(message)), message...)
}

var errClosed = errors.New("the receiver has closed the connection")
