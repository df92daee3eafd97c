package dicomweb

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

func TestRootURL(t *testing.T) {
	const loopback, elsewhere = "127.0.0.1:4711", "192.0.2.7:4711"
	for name, test := range map[string]struct {
		o      Options
		host   string
		peer   string
		header map[string]string
		want   string // "" for 400
	}{
		"direct":              {Options{}, "pacs:8080", elsewhere, nil, "http://pacs:8080"},
		"IPv6":                {Options{}, "[::1]:8080", elsewhere, nil, "http://[::1]:8080"},
		"configured":          {Options{PublicURL: "https://pacs.example/noctis/"}, "x", loopback, map[string]string{"X-Forwarded-Host": "evil"}, "https://pacs.example/noctis"},
		"not trusted":         {Options{}, "pacs", elsewhere, map[string]string{"Forwarded": "host=evil", "X-Forwarded-Host": "evil"}, "http://pacs"},
		"trusted":             {Options{TrustProxy: true}, "pacs", elsewhere, map[string]string{"X-Forwarded-Host": "a.example"}, "http://a.example"},
		"Forwarded":           {Options{}, "pacs", loopback, map[string]string{"Forwarded": `for=192.0.2.60;proto=https;by=203.0.113.43;host=a.example`}, "https://a.example"},
		"Forwarded, quoted":   {Options{}, "pacs", loopback, map[string]string{"Forwarded": `For="[2001:db8::1]:4711"; Host="a.example:8443"; Proto=HTTPS, for=x;host=b`}, "https://a.example:8443"},
		"Forwarded wins":      {Options{}, "pacs", loopback, map[string]string{"Forwarded": "host=a", "X-Forwarded-Host": "b", "X-Forwarded-Proto": "https"}, "https://a"},
		"nginx":               {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example", "X-Forwarded-Port": "443", "X-Forwarded-Prefix": "/noctis/"}, "https://a.example/noctis"},
		"Traefik, WebSocket":  {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Proto": "wss", "X-Forwarded-Host": "a.example", "X-Forwarded-Port": "443", "X-Forwarded-Prefix": "/noctis"}, "https://a.example/noctis"},
		"WebSocket, no TLS":   {Options{}, "pacs", loopback, map[string]string{"Forwarded": "proto=ws;host=a.example"}, "http://a.example"},
		"own port":            {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"}, "https://pacs:8443"},
		"port is there":       {Options{}, "pacs:1", loopback, map[string]string{"X-Forwarded-Port": "8443"}, "http://pacs:1"},
		"several proxies":     {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "a.example , b"}, "https://a.example"},
		"odd host ignored":    {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Host": `a"><script>`, "X-Forwarded-Proto": "javascript"}, "http://pacs"},
		"odd prefix ignored":  {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Prefix": "//evil.example/x"}, "http://pacs"},
		"dot prefix ignored":  {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Prefix": "/a/../b"}, "http://pacs"},
		"line break ignored":  {Options{}, "pacs", loopback, map[string]string{"X-Forwarded-Host": "a\r\nSet-Cookie: x", "Forwarded": "host=\"a\r\nb\""}, "http://pacs"},
		"odd Host":            {Options{}, `pacs"x`, elsewhere, nil, ""},
		"Host with a user":    {Options{}, `a@b`, elsewhere, nil, ""},
		"Host with bad port":  {Options{}, `a:99999`, elsewhere, nil, ""},
		"Host with open IPv6": {Options{}, `[::1`, elsewhere, nil, ""},
		"Host with a zone":    {Options{}, `[fe80::1%25eth0]`, elsewhere, nil, ""},
		"no Host":             {Options{}, "", elsewhere, nil, "http://localhost"},
	} {
		s, err := New(memstore.New(store.Options{}), test.o)
		if err != nil {
			t.Fatal(name, err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.RemoteAddr = test.host, test.peer
		for k, v := range test.header {
			r.Header.Set(k, v)
		}
		got, err := s.RootURL(r)
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for _, s := range []string{"pacs.example", "ftp://x", "https://", "https://a/b?c", "https://a#b", "https://u:p@a", "https://a/b c", "://", "https://a/<b>"} {
		if _, err := New(memstore.New(store.Options{}), Options{PublicURL: s}); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add(`for=192.0.2.60;proto=https;host="a.example:1", for=x`, "b", "/c", "80")
	f.Add(`host="`, "[::1]:1", "//", "")
	f.Fuzz(func(t *testing.T, fwd, host, prefix, port string) {
		h := http.Header{"Forwarded": {fwd}, "X-Forwarded-Host": {host}, "X-Forwarded-Prefix": {prefix}, "X-Forwarded-Port": {port}}
		got := forwarded(h, origin{scheme: "http", host: "pacs"}).String()
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if strings.ContainsAny(got, "\"'<>\\ \r\n\t%@") || strings.Contains(u.Path, "..") || strings.HasPrefix(u.Path, "//") {
			t.Fatalf("%q has characters that must not be reflected", got)
		}
	})
}
