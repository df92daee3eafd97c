package dicomweb

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// origin is where a client believes the server to be.
type origin struct {
	scheme string // "http" or "https"
	host   string // with a port where it is not the scheme's own
	prefix string // path in front of the server's root, "" or "/noctis"
}

func (o origin) String() string { return o.scheme + "://" + o.host + o.prefix }

// RootURL is the public address of the server's root for the client of this request, its prefix included, without a slash at its end.
func (s *Server) RootURL(r *http.Request) (string, error) {
	if s.public != "" {
		return s.public + s.options.Prefix, nil
	}
	o := origin{scheme: "http", host: r.Host}
	if r.TLS != nil {
		o.scheme = "https"
	}
	if o.host == "" { // HTTP/1.0
		o.host = localHost(r)
	}
	if s.options.TrustProxy || fromLoopback(r.RemoteAddr) {
		o = forwarded(r.Header, o)
	}
	if !validHost(o.host) {
		return "", badRequest("the Host of the request is not a host: %s", excerpt(o.host))
	}
	return o.String() + s.options.Prefix, nil
}

// OverTLS reports whether the client of this request spoke TLS, to the server or to a proxy that is believed.
func (s *Server) OverTLS(r *http.Request) bool {
	root, err := s.RootURL(r)
	return err == nil && strings.HasPrefix(root, "https:")
}

func localHost(r *http.Request) string {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return a.String()
	}
	return "localhost"
}

func fromLoopback(remote string) bool {
	a, err := netip.ParseAddrPort(remote)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// forwardedNames are the headers that proxies say it in.
var forwardedNames = []string{"Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix"}

// forwarded applies what proxies say about the request that they received: Forwarded (RFC 7239), or the X-Forwarded-* that most
// send instead. Of several proxies the first one counts, which the client spoke to. What is not plainly valid is ignored.
func forwarded(h http.Header, o origin) origin {
	if !slices.ContainsFunc(forwardedNames, func(name string) bool { return len(h[name]) > 0 }) {
		return o
	}
	pairs := parseForwarded(strings.Join(h.Values("Forwarded"), ","))
	first := func(name string) string {
		v, _, _ := strings.Cut(h.Get(name), ",")
		return strings.TrimSpace(v)
	}
	proto, host := pairs["proto"], pairs["host"]
	if proto == "" {
		proto = first("X-Forwarded-Proto")
	}
	if host == "" {
		host = first("X-Forwarded-Host")
	}
	switch strings.ToLower(proto) {
	case "http", "ws": // Traefik names the protocol that a request for a WebSocket asks for
		o.scheme = "http"
	case "https", "wss":
		o.scheme = "https"
	}
	if validHost(host) {
		o.host = host
	}
	if p := first("X-Forwarded-Port"); p != "" && validPort(p) {
		o.host = withPort(o.host, p, o.scheme)
	}
	if p := strings.TrimRight(first("X-Forwarded-Prefix"), "/"); validPrefix(p) {
		o.prefix = p
	}
	return o
}

// forwardedFor is the address of whom the nearest proxy has spoken to: the last one of Forwarded or X-Forwarded-For.
func forwardedFor(h http.Header) (netip.Addr, bool) {
	last := func(list string) string { return strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:]) }
	text := parseForwarded(last(strings.Join(h["Forwarded"], ",")))["for"]
	if text == "" {
		text = last(strings.Join(h["X-Forwarded-For"], ","))
	}
	if text == "" {
		return netip.Addr{}, false
	}
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap(), true
	}
	of, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return of.Unmap().WithZone(""), err == nil
}

// withPort sets the port of a host that names none, unless it is the scheme's own.
func withPort(host, port, scheme string) string {
	if u, err := url.Parse("//" + host); err != nil || u.Port() != "" {
		return host
	}
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return host
	}
	return host + ":" + port
}

// parseForwarded returns the parameters of the first element of a Forwarded header, names in lower case (RFC 7239 4).
func parseForwarded(s string) map[string]string {
	if s == "" {
		return nil
	}
	pairs := map[string]string{}
	for len(s) > 0 && s[0] != ',' {
		var name, value string
		name, s = cutAny(s, "=;,")
		if len(s) > 0 && s[0] == '=' {
			value, s = parameterValue(s[1:], ";,")
		}
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			if _, there := pairs[name]; !there {
				pairs[name] = value
			}
		}
		s = strings.TrimPrefix(s, ";")
	}
	return pairs
}

// validHost reports whether h is a name or an address with an optional port, made of characters that are safe in any URI, header
// and document.
func validHost(h string) bool {
	if len(h) == 0 || len(h) > 261 {
		return false
	}
	name, port := h, ""
	if strings.HasPrefix(h, "[") {
		end := strings.IndexByte(h, ']')
		if end < 0 {
			return false
		}
		if _, err := netip.ParseAddr(h[1:end]); err != nil || strings.Contains(h, "%") {
			return false
		}
		rest := h[end+1:]
		return rest == "" || rest[0] == ':' && validPort(rest[1:])
	}
	if i := strings.IndexByte(h, ':'); i >= 0 {
		if name, port = h[:i], h[i+1:]; !validPort(port) {
			return false
		}
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return name != ""
}

func validPort(p string) bool {
	n, err := strconv.ParseUint(p, 10, 16)
	return err == nil && n > 0
}

// validPrefix reports whether p is a path of plain segments: "/a", "/a/b-c".
func validPrefix(p string) bool {
	if !strings.HasPrefix(p, "/") || len(p) > 256 {
		return false
	}
	for _, segment := range strings.Split(p[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
		for i := 0; i < len(segment); i++ {
			if c := segment[i]; !isAlphanumeric(c) && !strings.ContainsRune("-._~", rune(c)) {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// parsePublicURL checks Options.PublicURL and takes the slash at its end away.
func parsePublicURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", fmt.Errorf("public URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || !validHost(u.Host):
		return "", fmt.Errorf("public URL %q: want http:// or https:// and a host", s)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "", fmt.Errorf("public URL %q: no user, query or fragment may be in it", s)
	}
	prefix := strings.TrimRight(u.EscapedPath(), "/")
	if prefix != "" && !validPrefix(prefix) {
		return "", fmt.Errorf("public URL %q: its path may have letters, digits and -._~ only", s)
	}
	return origin{u.Scheme, u.Host, prefix}.String(), nil
}
