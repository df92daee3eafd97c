package dicomweb

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
)

// Every request leaves its event in one place, the first moment that something of the answer could reach the client. Whom it was about
// the path says, and for what the path does not say the handlers note it (about).

// kindOf is what a route does, for the audit. What a new route does follows from its method and its role, where its name says nothing.
func kindOf(rt route) audit.Kind {
	for _, k := range []struct {
		prefix string
		kind   audit.Kind
	}{
		{"store", audit.Store}, {"search-", audit.Query}, {"changes", audit.Query}, {"notifications", audit.Query},
		{"recycle-bin-", audit.Retrieve}, {"recycle-bin", audit.Query},
		{"rendered-", audit.View}, {"thumbnail-", audit.View}, {"delete-", audit.Delete}, {"restore-", audit.Restore}, {"purge", audit.Purge},
		{"commitment-", audit.Commit}, {"workitem-create", audit.CreateProcedure}, {"performed-create", audit.CreateProcedure},
		{"scheduled-create", audit.CreateProcedure}, {"scheduled-replace", audit.UpdateProcedure}, {"scheduled-remove", audit.RemoveProcedure},
		{"audit", audit.ReadAudit}, {"links", audit.Admin}, {"link", audit.Link},
	} {
		if strings.HasPrefix(rt.name, k.prefix) {
			return k.kind
		}
	}
	if strings.HasSuffix(rt.name, "-search") {
		return audit.Query
	}
	reads := rt.method == http.MethodGet
	switch rt.role {
	case access.Read:
		return audit.Retrieve
	case access.Store:
		return audit.Store
	case access.Delete:
		return audit.Delete
	case access.Worklist:
		if reads {
			return audit.ReadProcedure
		}
		return audit.UpdateProcedure
	case access.Admin:
		return audit.Admin
	}
	return audit.Other
}

// querySOPClass is that of a query (PS3.4 Annexes C, K and CC).
func querySOPClass(name string) string {
	switch {
	case strings.HasPrefix(name, "workitem-"), strings.HasPrefix(name, "notifications"):
		return "1.2.840.10008.5.1.4.34.6.5"
	case strings.HasPrefix(name, "scheduled-"):
		return "1.2.840.10008.5.1.4.31"
	}
	return "1.2.840.10008.5.1.4.1.2.2.1"
}

// errUnrecorded ends a request whose event could not be written: nothing of its answer is sent.
type errUnrecorded struct{ error }

// problemUnrecorded is the answer to it.
func problemUnrecorded(err error) error {
	return &problem{status: http.StatusServiceUnavailable, detail: "what is done here has to be recorded, and cannot be now", err: err,
		retryAfter: 10 * time.Second}
}

// expect prepares the event of a request whose route is known. What is about to be deleted or purged is looked up before it has gone, and
// nothing is changed that could not be recorded.
func (s *Server) expect(r *http.Request, rt route) error {
	x := exchangeOf(r)
	if s.options.Audit == nil || rt.method == http.MethodGet {
		return nil
	}
	if err := s.options.Audit.Ready(); err != nil {
		return problemUnrecorded(err)
	}
	if slices.Contains([]audit.Kind{audit.Delete, audit.Purge, audit.Restore, audit.RemoveProcedure}, x.kind) {
		subject := pathSubject(x)
		s.complete(r.Context(), x, &subject)
		if x.vars.of("version") != "" || strings.Contains(rt.template, "/recycle-bin/") {
			s.completeRemoved(r, &subject)
		}
		about(r, noted{Subject: subject})
	}
	return nil
}

// record writes the events of a request that is answered with a status; at the end of one that was answered, and then broke off, too.
func (s *Server) record(r *http.Request, x *exchange, status int) error {
	trail := s.options.Audit
	if trail == nil {
		return nil
	}
	e := audit.Event{Time: time.Now().UTC(), Kind: x.kind, Outcome: audit.OutcomeOf(status), Status: status, Request: x.id, Method: r.Method,
		Route: x.route, Actor: audit.Actor{Who: x.who.Name, As: x.who.Kind, Tenant: x.who.Tenant, Client: s.ClientOf(r)}}
	if e.Outcome != audit.Success {
		e.Reason = http.StatusText(status)
		if status == http.StatusNotFound && !x.who.Scope.Everything() { // which of the two it is is not looked up, or the time it takes would tell
			e.Reason = "not stored, or outside of the limits of who asks"
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		e.Kind = audit.Login
	case x.elsewhere:
		e.Kind, e.Reason = audit.Other, "the archive of another tenant, or of none"
	case x.kind != "":
	case status == http.StatusForbidden, status == http.StatusTooManyRequests:
		e.Kind = audit.Other
	default:
		return nil // there is no such resource, or it only says what there is
	}
	if e.Kind == audit.Query {
		e.Query = r.Method + " " + r.URL.RequestURI()
		e.SOPClass = querySOPClass(x.route)
	}
	if e.Kind == audit.Retrieve && isPicture(x.Header().Get("Content-Type")) {
		e.Kind = audit.View
	}
	subjects := x.subjects
	if len(subjects) == 0 {
		subjects = []noted{{Subject: pathSubject(x)}}
	}
	for _, about := range subjects {
		one := e
		class := one.SOPClass
		if one.Subject = about.Subject; class != "" {
			one.SOPClass = class
		}
		if about.failed != "" && one.Outcome == audit.Success {
			one.Outcome, one.Reason = audit.Minor, about.failed
		}
		if err := s.recordOne(r, x, one); err != nil {
			return err
		}
	}
	return nil
}

// recordEnd records what has ended without an answer, which net/http makes then, and what broke off after its beginning.
func (s *Server) recordEnd(r *http.Request, x *exchange) {
	var err error
	switch {
	case x.before != nil:
		x.before = nil
		err = s.record(r, x, x.outcome())
	case x.aborted >= 500 && x.began():
		err = s.record(r, x, x.aborted)
	}
	if err != nil {
		s.log.Error("a request was not recorded", "id", x.id, "error", err)
	}
}

// recordPanic records a request whose handler failed. Its answer says nothing of what was asked for, so that it is sent in any case.
func (s *Server) recordPanic(r *http.Request, x *exchange) {
	if x.before == nil {
		return
	}
	x.before = nil
	if err := s.record(r, x, http.StatusInternalServerError); err != nil {
		s.log.Error("a request was not recorded", "id", x.id, "error", err)
	}
}

// recordOne writes one event; reads that follow each other, and refusals, are gathered.
func (s *Server) recordOne(r *http.Request, x *exchange, e audit.Event) error {
	complete := func(e *audit.Event) { // what a read that is gathered does without
		e.Server, e.Actor = addressed(r, x), audit.ActorOf(x.who, e.Client)
		if e.Patient == "" && e.Outcome == audit.Success {
			s.complete(access.With(r.Context(), x.who), x, &e.Subject) // r is as it came, before anybody was known
		}
		if e.Kind == audit.Query && e.Patient == "" {
			e.Patient = patientAsked(r, x.who)
		}
	}
	if e.Kind == audit.Retrieve || e.Kind == audit.View || e.Outcome != audit.Success {
		return s.options.Audit.Gather(e, complete)
	}
	complete(&e)
	return s.options.Audit.Record(e)
}

// isPicture reports whether a retrieved thing is to be looked at.
func isPicture(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, "/")
	return kind == "image" || kind == "video" || kind == "text"
}

// patientAsked is the patient that a search names, or the only one whom somebody may see.
func patientAsked(r *http.Request, who access.Principal) string {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return ""
	}
	for _, name := range []string{"PatientID", "00100020"} {
		if v := query.Get(name); v != "" && !strings.ContainsAny(v, `*?\`) {
			return v
		}
	}
	if limits := who.Scope.Patients; len(limits) == 1 {
		return limits[0]
	}
	return ""
}

// addressed is the host that the client spoke to.
func addressed(r *http.Request, x *exchange) string {
	if u, err := url.Parse(x.root); err == nil && u.Host != "" {
		return u.Host
	}
	return r.Host
}

// unrecorded is the error of a panic that ended a request which could not be recorded; nil if p is none.
func unrecorded(p any) error {
	err, ok := p.(error)
	if u := (errUnrecorded{}); ok && errors.As(err, &u) {
		return u.error
	}
	return nil
}
