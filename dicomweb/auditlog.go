package dicomweb

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
)

// mediaFHIR is the media type of resources of FHIR.
const mediaFHIR = "application/fhir+json"

// auditRoutes are the resources of the audit log, an extension for administrators of all that it tells of.
func (s *Server) auditRoutes() []route {
	if s.options.Audit == nil {
		return nil
	}
	return []route{
		{"audit", "GET", BasePath + "/audit", extension, access.Admin, whole(s.searchAudit)},
		{"audit-verification", "GET", BasePath + "/audit/verification", extension, access.Admin, whole(s.verifyAudit)},
	}
}

// verifyAudit reads the whole log, and tells whether it is as it was written. It is the server's: of what a tenant's administrators see it is only a part.
func (s *Server) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	// Request
	if _, err := acceptOf(r).choose(offer{mediaType: mediaJSON}); err != nil {
		return err
	}
	if access.Of(r.Context()).Tenant != "" {
		return &problem{status: http.StatusForbidden, detail: "the log is that of the server: its administrators verify it"}
	}
	// Behavior
	if !s.verifying.TryLock() { // it takes as long as the log is large
		return &problem{status: http.StatusServiceUnavailable, detail: "the log is being verified for somebody else", retryAfter: busyAgain}
	}
	defer s.verifying.Unlock()
	found, err := s.options.Audit.Verify()
	if err != nil {
		return err
	}
	// Response
	w.Header().Set("Cache-Control", "no-store")
	body, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, mediaJSON, body)
}

// How many events one answer has.
const (
	auditLimit = 100
	auditMost  = 1000
)

// searchAudit lists events of the audit log, the newest first, as they are kept or as a Bundle of AuditEvents of FHIR R4. The parameter
// "before" goes on where an answer has ended.
func (s *Server) searchAudit(w http.ResponseWriter, r *http.Request) error {
	// Request
	filter, limit, err := auditFilterOf(r)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(offer{mediaType: mediaJSON}, offer{mediaType: mediaFHIR})
	if err != nil {
		return err
	}
	filter.Tenant = access.Of(r.Context()).Tenant
	// Behavior
	found, err := s.options.Audit.Latest(filter, limit)
	if err != nil {
		return err
	}
	// Response
	w.Header().Set("Cache-Control", "no-store")
	if chosen.mediaType == mediaFHIR {
		body, err := s.auditBundle(found)
		if err != nil {
			return err
		}
		return respond(w, r, http.StatusOK, mediaFHIR, body)
	}
	if found == nil {
		found = []audit.Record{}
	}
	body, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, mediaJSON, body)
}

// auditBundle is a searchset of FHIR.
func (s *Server) auditBundle(found []audit.Record) ([]byte, error) {
	type entry struct {
		Resource json.RawMessage `json:"resource"`
	}
	bundle := struct {
		ResourceType string  `json:"resourceType"`
		Type         string  `json:"type"`
		Entry        []entry `json:"entry,omitempty"`
	}{ResourceType: "Bundle", Type: "searchset"}
	for i := range found {
		resource, err := s.options.Audit.FHIR(&found[i])
		if err != nil {
			return nil, err
		}
		bundle.Entry = append(bundle.Entry, entry{resource})
	}
	return json.Marshal(bundle)
}

// auditFilterOf reads the parameters.
func auditFilterOf(r *http.Request) (f audit.Filter, limit int, err error) {
	query, err := queryOf(r)
	if err != nil {
		return f, 0, err
	}
	list := func(name string) []string {
		return strings.FieldsFunc(strings.Join(query[name], ","), func(c rune) bool { return c == ',' })
	}
	number := func(name string, otherwise uint64) uint64 {
		text := query.Get(name)
		n, parseErr := strconv.ParseUint(text, 10, 63)
		if text == "" {
			return otherwise
		}
		if parseErr != nil || n == 0 {
			err = badRequest("%s is %s; it can be 1 and more", name, excerpt(text))
		}
		return n
	}
	moment := func(name string) (at time.Time) {
		if text := query.Get(name); text != "" {
			var parseErr error
			if at, parseErr = audit.ParseTime(text, time.Now()); parseErr != nil {
				err = badRequest("%s: %v", name, parseErr)
			}
		}
		return at
	}
	f = audit.Filter{Patient: query.Get("patient"), Study: query.Get("study"), Instance: query.Get("instance"), Who: query.Get("who"),
		Client: query.Get("client"), Failed: query.Get("failed") == "true", Since: moment("since"), Until: moment("until"), Before: number("before", 0)}
	limit = int(min(number("limit", auditLimit), auditMost))
	var wordErr error
	if f.Kinds, wordErr = audit.ParseKinds(list("kind")); wordErr == nil {
		f.Outcomes, wordErr = audit.ParseOutcomes(list("outcome"))
	}
	if wordErr != nil {
		return f, 0, badRequest("%v", wordErr)
	}
	return f, limit, err
}
