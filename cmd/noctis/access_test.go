package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/noctis-dicom/noctis/internal/access"
)

// getAsCommand is "get-as FILE STATUS PATH": GETs below $URL with the key in FILE.
func getAsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: get-as FILE STATUS PATH")
	}
	request, err := http.NewRequest(http.MethodGet, ts.Getenv("URL")+args[2], nil)
	ts.Check(err)
	request.Header.Set("X-Api-Key", strings.TrimSpace(ts.ReadFile(args[0])))
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	if fmt.Sprint(response.StatusCode) != args[1] {
		ts.Fatalf("GET %s: %s, want %s", args[2], response.Status, args[1])
	}
}

func TestWhoMayBeNear(t *testing.T) {
	local, other := &net.TCPAddr{IP: net.IPv6loopback}, &net.TCPAddr{IP: net.IPv4zero}
	for _, c := range []struct {
		name    string
		c       serveCommand
		address net.Addr
		want    string // in the error; "" for none
	}{
		{"this machine", serveCommand{}, local, ""},
		{"others, nobody proves anything", serveCommand{}, other, "no authentication"},
		{"the same, said so", serveCommand{Access: accessFlags{AllowUnauthenticated: true}}, other, ""},
		{"in plain text", serveCommand{Access: accessFlags{RequireAuthentication: true}}, other, "plain text"},
		{"in plain text, although anybody may come", serveCommand{Access: accessFlags{RequireAuthentication: true, AllowUnauthenticated: true}}, other, "plain text"},
		{"the same, said so", serveCommand{Access: accessFlags{RequireAuthentication: true, AllowPlaintext: true}}, other, ""},
		{"a proxy", serveCommand{TrustProxy: true, Access: accessFlags{RequireAuthentication: true}}, other, "plain text"},
		{"a public address", serveCommand{PublicURL: "https://a", Access: accessFlags{RequireAuthentication: true}}, other, "plain text"},
		{"a proxy with TLS", serveCommand{PublicURL: "HTTPS://a", TrustProxy: true, Access: accessFlags{RequireAuthentication: true}}, other, ""},
		{"a proxy without TLS", serveCommand{PublicURL: "http://a", TrustProxy: true, Access: accessFlags{RequireAuthentication: true}}, other, "plain text"},
	} {
		err := c.c.permit(c.c.Access.open(t.TempDir()), c.address)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Browsers are not asked for Basic authentication, which would put a window before the page.
func TestPagesChallenge(t *testing.T) {
	e := accessFlags{RequireAuthentication: true}.open(t.TempDir())
	secret := admitting(access.Admin, http.NotFoundHandler(), e, slog.New(slog.DiscardHandler))
	for agent, want := range map[string]string{
		"curl/8":      `Bearer realm="noctis", Basic realm="noctis", charset="UTF-8"`,
		"Mozilla/5.0": `Bearer realm="noctis"`,
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/doctor", nil)
		r.Header.Set("User-Agent", agent)
		w := httptest.NewRecorder()
		secret.ServeHTTP(w, r)
		if got := strings.Join(w.Header().Values("WWW-Authenticate"), ", "); w.Code != http.StatusUnauthorized || got != want {
			t.Errorf("%s: %d, challenges %q, want %q", agent, w.Code, got, want)
		}
	}
}
