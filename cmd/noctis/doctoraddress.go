package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// usualBases are where DICOMweb servers have their base.
var usualBases = []string{"/dicom-web", "/dicomweb", "/dicomWeb", "/dcm4chee-arc/aets/DCM4CHEE/rs", "/rs", "/wado-rs", ""}

// addressCase is the Case of a complaint about the address or the login.
const addressCase = "address"

// knock looks whether somebody answers searches at the address with this login. The complaint says what is wrong with one of the two, since
// every other request fails as well then; note what is odd with an address at which something may answer.
func (o outside) knock(ctx context.Context, header http.Header) (wrong *complaint, note string, err error) {
	client := &http.Client{Timeout: o.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	base := strings.TrimRight(o.URL, "/")
	status, answer, err := ask(ctx, client, header, base)
	if err != nil {
		return nil, "", whyUnreachable(err)
	}
	kind, _, _ := strings.Cut(answer.Get("Content-Type"), ";")
	c := &complaint{Case: addressCase, Clause: "PS3.18 8.5", Level: "shall", Gist: "a client has to be let in, at the address of the services", Clients: "everybody",
		Sent: "GET " + base + "/studies?limit=1", Got: fmt.Sprintf("%d, %s", status, kind), Want: "200 with application/dicom+json, or 204"}
	switch {
	case status == http.StatusUnauthorized && header.Get("Authorization") == "" && len(header) == 0:
		c.Effect, c.Remedy = "the server wants a login, and none was sent", "give one: --token, --user or --header"
		c.Got += ", WWW-Authenticate: " + answer.Get("Www-Authenticate")
	case status == http.StatusUnauthorized:
		c.Effect, c.Remedy = "the login is refused", "look whether the token or password is right, has not ended, and is of the kind that the server takes"
		c.Got += ", WWW-Authenticate: " + answer.Get("Www-Authenticate")
	case status == http.StatusForbidden:
		c.Effect, c.Remedy = "the login is taken, and may not read", "give it the right to read; or look at the rules of the proxy (an address of the client that is not allowed?)"
	case status >= 300 && status < 400:
		c.Effect, c.Remedy = "the address, or the login, is wrong: clients are sent elsewhere", "give the address that it is sent to, if that is not a login page: "+answer.Get("Location")
		c.Got += ", Location: " + answer.Get("Location")
	case status < 300 && (kind == "text/html" || kind == "application/xhtml+xml"):
		c.Clause, c.Effect, c.Remedy = "PS3.18 10.6.1.1", "the address, or the login, is wrong: a page for people answers", "give the base of the services, to which /studies is added"+o.elsewhere(ctx, client, header)
	case foundStudies(status, answer):
		return nil, "", nil
	default:
		found := o.elsewhere(ctx, client, header)
		if found == "" && status != http.StatusNotFound && status != http.StatusMethodNotAllowed && status != http.StatusGone {
			return nil, "", nil // the cases say what is wrong with the answer
		}
		if found == "" {
			return nil, fmt.Sprintf("the address is wrong, or the server has no search: %s is answered %d", c.Sent, status), nil
		}
		c.Clause, c.Effect, c.Remedy = "PS3.18 10.6.1.1", "the address is wrong: there are no studies", "give the base of the services"+found
	}
	return c, "", nil
}

// foundStudies reports whether a search was answered as PS3.18 10.6.3 has it.
func foundStudies(status int, answer http.Header) bool {
	return status == http.StatusOK && strings.HasPrefix(answer.Get("Content-Type"), "application/dicom+json") || status == http.StatusNoContent
}

// ask searches for studies at a base.
func ask(ctx context.Context, client *http.Client, header http.Header, base string) (status int, answer http.Header, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/studies?limit=1", nil)
	if err != nil {
		return 0, nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Accept", "application/dicom+json")
	response, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, response.Header, err
}

// elsewhere says at which of the usual places of the same server somebody answers.
func (o outside) elsewhere(ctx context.Context, client *http.Client, header http.Header) string {
	u, err := url.Parse(o.URL)
	if err != nil {
		return ""
	}
	for _, path := range usualBases {
		base := u.Scheme + "://" + u.Host + path
		if base == strings.TrimRight(o.URL, "/") {
			continue
		}
		status, answer, err := ask(ctx, client, header, base)
		if err == nil && foundStudies(status, answer) {
			return ": studies are found at " + base
		}
	}
	return ""
}

// whyUnreachable says of an error what is to be done.
func whyUnreachable(err error) error {
	var unknown *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate of the server is not trusted here: %w (add its authority to those of the system, or name it in SSL_CERT_FILE)", err)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("the server speaks no TLS at this address, give http://: %w", err)
	}
	return fmt.Errorf("nobody answers at this address: %w", err)
}
