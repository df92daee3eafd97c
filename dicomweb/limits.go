package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/limit"
)

// busyAgain is after what time a client may come again that was refused because too many came at once.
const busyAgain = 5 * time.Second

// limited lets a request go on if who sends it has not sent too many. What it does then takes his share.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payer := s.payer(r)
		rate, name := s.limits.Rate, "rate"
		switch who := access.Of(r.Context()); {
		case who.Known():
		case s.options.Authenticator != nil && who.Roles == 0:
			rate, name = s.limits.Unknown, "unknown"
		default:
			rate = s.limits.Open
		}
		if wait := rate.Take(payer, time.Now()); wait > 0 {
			s.fail(w, r, tooFast(name, wait))
			return
		}
		x := exchangeOf(r)
		x.Context = limit.WithPayer(x.Context, payer)
		next.ServeHTTP(w, r)
	})
}

// strange counts a request with credentials that prove nothing; its error is that of too many of them, which takes the place of what
// they would have been told.
func (s *Server) strange(r *http.Request, err error) error {
	if wait := s.limits.Unknown.Take(limit.Network(s.ClientOf(r)), time.Now()); wait > 0 {
		return tooFast("unknown", wait)
	}
	return err
}

func tooFast(name string, wait time.Duration) error {
	return &problem{status: http.StatusTooManyRequests, limit: name, detail: "too many requests in a short time", retryAfter: wait}
}

// payer is whose share a request takes: the principal's, or that of the address of whoever is not known.
func (s *Server) payer(r *http.Request) string {
	if who := access.Of(r.Context()); who.Known() {
		return fmt.Sprintf("%s/%s/%s", who.Kind, who.Tenant, who.Name)
	}
	address, known := s.addressOf(r)
	if !known {
		return r.RemoteAddr
	}
	return limit.NetworkOf(address)
}

// upload waits for the turn of an upload. Who may go on has to call done.
func (s *Server) upload(r *http.Request) (done func(), err error) {
	who := limit.Payer(r.Context())
	if err := s.limits.Uploads.Enter(r.Context(), who); err != nil {
		return nil, named("uploads", err)
	}
	return func() { s.limits.Uploads.Leave(who) }, nil
}

// One study wakes all who listen, by the thousand. So many of them look at the index at the same time, or who searches would wait behind all
// (docs/adr/0060-thousands-who-listen.md).
const (
	looksAtOnce   = 2
	looksPatience = time.Hour // longer than any of them stays that has been forgotten
)

// look has somebody who listens look for what is new, when it is his turn, on a thread that gives way to others.
func look(ctx context.Context, turns *limit.Gate, f func(context.Context) error) error {
	if err := turns.Enter(ctx, ""); err != nil {
		return err
	}
	defer turns.Leave("")
	return survive(ctx, f)
}

// listen lets in who stays to hear what changes. Who may stay has to call leave.
func (s *Server) listen(r *http.Request) (leave func(), err error) {
	who := limit.Payer(r.Context())
	if !s.limits.Listeners.TryEnter(who) {
		return nil, named("listeners", limit.ErrBusy)
	}
	return func() { s.limits.Listeners.Leave(who) }, nil
}

// named says which limit it was that somebody has waited for in vain.
func named(name string, err error) error {
	if !errors.Is(err, limit.ErrBusy) {
		return err
	}
	p := *problemOf(err)
	p.limit = name
	return &p
}

// count counts what was refused by a limit.
func (s *Server) count(p *problem) {
	if p.limit != "" {
		s.limits.Refused(p.limit)
	}
}

// headerSize is about how many bytes a request's header has.
func headerSize(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(" HTTP/1.1\r\n") + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// ClientOf is the address that a request comes from, for limits and audit: its peer's, or of whom a proxy that is believed names as its own peer.
// What a client says of itself stands before that, and is never believed.
func (s *Server) ClientOf(r *http.Request) string {
	address, known := s.addressOf(r)
	if !known {
		return r.RemoteAddr
	}
	return address.String()
}

func (s *Server) addressOf(r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	address := peer.Addr().Unmap()
	if s.options.TrustProxy || err == nil && address.IsLoopback() {
		if of, found := forwardedFor(r.Header); found {
			return of, true
		}
	}
	return address, err == nil
}
