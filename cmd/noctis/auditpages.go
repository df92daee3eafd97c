package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
)

const metricsPath = "/metrics"

// recordPages records what happens beside the DICOMweb services: logins, and what was refused; of the pages that ask for a role what was
// seen, but for metrics, which tell of no patient and are asked for every few seconds. client is the address of a request.
func recordPages(trail *audit.Trail, e *entrance, client func(*http.Request) string, next http.Handler) http.Handler {
	if trail == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		attempt := &access.Attempt{}
		p := &recordedPage{ResponseWriter: w, trail: trail, attempt: attempt, event: audit.Event{Time: time.Now().UTC(), Method: r.Method,
			Route: r.URL.Path, Server: r.Host, Actor: audit.Actor{Client: client(r)}}}
		switch {
		case r.URL.Path == "/session" && r.Method == http.MethodDelete:
			p.event.Kind = audit.Logout
			if who, err := e.Authenticate(r); err == nil {
				p.event.Actor = audit.ActorOf(who, p.event.Client)
			}
		case r.URL.Path == "/session" && r.Method == http.MethodPost:
			p.event.Kind = audit.Login
		case r.URL.Path == "/doctor", r.URL.Path == metricsPath, strings.HasPrefix(r.URL.Path, "/debug/pprof/"):
			p.event.Kind = audit.Admin
			if who, err := e.Authenticate(r); err == nil {
				p.event.Actor = audit.ActorOf(who, p.event.Client)
			}
		}
		next.ServeHTTP(p, r.WithContext(access.WithAttempt(r.Context(), attempt)))
		if !p.began {
			p.WriteHeader(http.StatusOK) // as net/http would
		}
	})
}

// recordedPage records the answer before it is sent.
type recordedPage struct {
	http.ResponseWriter
	trail   *audit.Trail
	attempt *access.Attempt
	event   audit.Event
	began   bool
	refused bool // it could not be recorded, and nothing of it is sent
}

// Unwrap lets http.ResponseController reach the connection.
func (p *recordedPage) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// WriteHeader records.
func (p *recordedPage) WriteHeader(status int) {
	if !p.began && status >= 200 {
		p.began = true
		if err := p.record(status); err != nil {
			p.refused = true
			for _, name := range []string{"Set-Cookie", "Content-Length", "ETag", "Location"} {
				p.Header().Del(name)
			}
			http.Error(p.ResponseWriter, "what is done here has to be recorded, and cannot be now", http.StatusServiceUnavailable)
			return
		}
	}
	if !p.refused {
		p.ResponseWriter.WriteHeader(status)
	}
}

// Write sends what was recorded.
func (p *recordedPage) Write(b []byte) (int, error) {
	if !p.began {
		p.WriteHeader(http.StatusOK)
	}
	if p.refused {
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

func (p *recordedPage) record(status int) error {
	e := p.event
	e.Status, e.Outcome = status, audit.OutcomeOf(status)
	if e.Outcome != audit.Success {
		e.Reason = http.StatusText(status)
	}
	switch {
	case p.attempt.Kind != "": // whatever the address of the login is
		e.Kind, e.Who, e.As = audit.Login, p.attempt.Name, p.attempt.Kind
		if p.attempt.Failed && e.Outcome == audit.Success { // it ends with a redirection to the page that says so
			e.Outcome, e.Reason = audit.Minor, "the login was refused"
		}
	case e.Route == metricsPath && e.Outcome == audit.Success:
		return nil
	case status == http.StatusUnauthorized:
		e.Kind = audit.Login
	case e.Kind != "":
	case status == http.StatusForbidden, status == http.StatusTooManyRequests:
		e.Kind = audit.Other
	default:
		return nil
	}
	if e.Outcome == audit.Success {
		return p.trail.Record(e)
	}
	return p.trail.Gather(e, func(*audit.Event) {})
}
