package dicomweb

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/worklist"
)

// worklistRoutes are the resources of PS3.18 Table 11.3-1, the notification connection, and what is added to them here: to release a
// claimed workitem.
func (s *Server) worklistRoutes() []route {
	if s.worklist == nil {
		return nil
	}
	const (
		workitems  = BasePath + "/workitems"
		workitem   = workitems + "/{workitem}"
		subscriber = workitem + "/subscribers/{aetitle}"
	)
	return []route{
		{"workitem-create", "POST", workitems, "PS3.18 11.4", access.Worklist, s.createWorkitem},
		{"workitem-search", "GET", workitems, "PS3.18 11.9", access.Worklist, s.searchWorkitems},
		{"workitem-retrieve", "GET", workitem, "PS3.18 11.5", access.Worklist, s.retrieveWorkitem},
		{"workitem-update", "POST", workitem, "PS3.18 11.6", access.Worklist, s.updateWorkitem},
		{"workitem-state", "PUT", workitem + "/state", "PS3.18 11.7", access.Worklist, s.changeWorkitemState},
		{"workitem-cancel", "POST", workitem + "/cancelrequest", "PS3.18 11.8", access.Worklist, s.requestCancellation},
		{"workitem-release", "POST", workitem + "/release", extension, access.Worklist, s.releaseWorkitem},
		{"workitem-subscribe", "POST", subscriber, "PS3.18 11.10", access.Worklist, s.subscribe},
		{"workitem-unsubscribe", "DELETE", subscriber, "PS3.18 11.11", access.Worklist, s.unsubscribe},
		{"workitem-suspend", "POST", subscriber + "/suspend", "PS3.18 11.12", access.Worklist, s.suspend},
		{"notifications", "GET", BasePath, "PS3.18 8.10.4", access.Worklist, s.openNotifications},
		{"notifications-subscriber", "GET", BasePath + "/subscribers/{aetitle}", "PS3.18 8.10.4", access.Worklist, s.openNotifications},
	}
}

// createWorkitem is the Create Workitem transaction (PS3.18 11.4).
func (s *Server) createWorkitem(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := uidInQuery(r, "workitem", "AffectedSOPInstanceUID", "00001000", "SOPInstanceUID", "00080018")
	if err != nil {
		return err
	}
	given, err := s.readDataSet(r)
	if err != nil {
		return err
	}

	// Behavior
	item, code, err := s.worklist.Create(r.Context(), given, uid)
	if err != nil {
		return refusedCreate(err)
	}
	aboutDataSet(r, item.DataSet, item.UID())

	// Response
	if code == worklist.CreatedModified {
		warn(w.Header(), s.baseURL(r), "The Workitem was created with modifications.")
	}
	return s.created(w, r, item.UID())
}

// created answers 201 with the address of a workitem (PS3.18 11.4.3.3).
func (s *Server) created(w http.ResponseWriter, r *http.Request, uid dicom.UID) error {
	location := s.baseURL(r) + "/workitems/" + string(uid)
	w.Header().Set("Location", location)
	w.Header().Set("Content-Location", location)
	return done(w, http.StatusCreated)
}

// done answers without a payload.
func done(w http.ResponseWriter, status int) error {
	w.Header().Set("Content-Length", "0")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return nil
}

func refusedCreate(err error) error {
	r, ok := refusalIn(err)
	switch {
	case !ok:
		return err
	case r.Code == worklist.DuplicateInstance:
		return r.problem(http.StatusConflict)
	}
	return r.problem(http.StatusBadRequest)
}

// dataSetFormats are those of a data set that is kept (PS3.18 Tables 11.1.3-1 and 13.1.3-1), the default first.
var dataSetFormats = slices.Concat(dicomJSON, dicomXML, multipartOffers)

// retrieveWorkitem is the Retrieve Workitem transaction (PS3.18 11.5). The Transaction UID is never part of the answer.
func (s *Server) retrieveWorkitem(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := workitemOf(r)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(dataSetFormats...)
	if err != nil {
		return err
	}

	// Behavior
	item, err := s.worklist.Workitem(r.Context(), uid)
	if err != nil {
		return missingWorkitem(err)
	}

	// Response
	w.Header().Set("Content-Location", s.baseURL(r)+"/workitems/"+string(uid))
	w.Header().Set("Cache-Control", "no-cache")
	return respondDataSet(w, r, chosen, item.Shown())
}

// respondDataSet sends one data set. As JSON it is an array of one, as the standard's examples have it (PS3.18 F.2.1.1.2).
func respondDataSet(w http.ResponseWriter, r *http.Request, chosen offer, ds *dicom.DataSet) error {
	if !chosen.multipart && strings.HasSuffix(chosen.mediaType, "json") {
		body, err := ds.AppendJSON([]byte{'['})
		if err != nil {
			return err
		}
		return respond(w, r, http.StatusOK, chosen.mediaType, append(body, ']'))
	}
	return respondModule(w, r, http.StatusOK, chosen, ds)
}

// respondModule sends one data set, as JSON an object (PS3.18 B.27).
func respondModule(w http.ResponseWriter, r *http.Request, status int, chosen offer, ds *dicom.DataSet) error {
	if chosen.multipart {
		results := newResultWriter(chosen)
		if err := results.add(ds); err != nil {
			return err
		}
		mediaType, body := results.end()
		return body.respond(w, r, status, mediaType)
	}
	appendTo := (*dicom.DataSet).AppendXML
	if strings.HasSuffix(chosen.mediaType, "json") {
		appendTo = (*dicom.DataSet).AppendJSON
	}
	body, err := appendTo(ds, nil)
	if err != nil {
		return err
	}
	return respond(w, r, status, chosen.mediaType, body)
}

// updateWorkitem is the Update Workitem transaction (PS3.18 11.6).
func (s *Server) updateWorkitem(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := workitemOf(r)
	if err != nil {
		return err
	}
	lock, err := uidInQuery(r, transactionNames...)
	if err != nil {
		return err
	}
	given, err := s.readDataSet(r)
	if err != nil {
		return err
	}
	if lock == "" { // as DIMSE has it, PS3.4 CC.2.6.2
		lock = given.UID(dicom.TransactionUID)
	}

	// Behavior
	code, err := s.worklist.Update(r.Context(), uid, given, lock)
	if err != nil {
		return refusedUpdate(err)
	}

	// Response
	h, base := w.Header(), s.baseURL(r)
	h.Set("Content-Location", base+"/workitems/"+string(uid))
	if code == worklist.UpdatedModified {
		warn(h, base, "The Workitem was updated with modifications.")
	}
	return done(w, http.StatusOK)
}

// transactionNames are how clients call the Transaction UID, which PS3.18 11.6.1 has as a query of nothing but itself.
var transactionNames = []string{"transaction-uid", "transaction", "TransactionUID", "00081195"}

func refusedUpdate(err error) error {
	const unclaimed, inconsistent = "The target URI did not reference a claimed Workitem.",
		"The submitted request is inconsistent with the current state of the Workitem."
	r, ok := refusalIn(err)
	switch {
	case !ok:
		return err
	case r.Code == worklist.NoSuchWorkitem:
		return r.missing(inconsistent)
	case r.Code == worklist.NotInProgress:
		return r.problem(http.StatusConflict, unclaimed)
	case r.Code == worklist.WrongTransaction && r.Untransacted:
		return r.problem(http.StatusBadRequest, transactionMissing, unclaimed)
	case r.Code == worklist.WrongTransaction:
		return r.problem(http.StatusBadRequest, transactionIncorrect, inconsistent)
	}
	return r.problem(http.StatusBadRequest, inconsistent)
}

// refusalOf is an operation that was refused, with what PS3.18 makes of it.
type refusalOf struct{ *worklist.Refusal }

func refusalIn(err error) (refusalOf, bool) {
	var r *worklist.Refusal
	ok := errors.As(err, &r)
	return refusalOf{r}, ok
}

func (r refusalOf) problem(status int, warnings ...string) error {
	return &problem{status: status, detail: r.Error(), warnings: warnings}
}

// missing is 404, or 410 for what was there once (PS3.18 8.5).
func (r refusalOf) missing(warnings ...string) error {
	if r.Gone {
		return r.problem(http.StatusGone, warnings...)
	}
	return r.problem(http.StatusNotFound, warnings...)
}

func missingWorkitem(err error) error {
	if r, ok := refusalIn(err); ok {
		return r.missing()
	}
	return err
}

// workitemOf is the workitem in the path.
func workitemOf(r *http.Request) (dicom.UID, error) {
	return uidInPath(r, "workitem")
}

// uidInPath is a UID in the path.
func uidInPath(r *http.Request, name string) (dicom.UID, error) {
	v, err := pathVar(r, name)
	if err != nil {
		return "", err
	}
	if uid := dicom.UID(v); uid.Valid() {
		return uid, nil
	}
	return "", badRequest("the %s in the path is not a UID (PS3.5 9.1): %s", name, excerpt(v))
}

// uidInQuery finds a UID in the query: alone, as the templates of chapter 11 write it ("?1.2.3"), or as the value of one of the names
// that clients give it; "" if there is none.
func uidInQuery(r *http.Request, names ...string) (dicom.UID, error) {
	pairs, err := parseParameters(r.URL.RawQuery)
	if err != nil {
		return "", err
	}
	var found dicom.UID
	for _, p := range pairs {
		value := dicom.UID(p.value)
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, p.name) }) {
			alone := strings.Trim(p.name, "{}")
			if p.value != "" || alone == "" || alone[0] < '0' || alone[0] > '9' {
				continue
			}
			value = dicom.UID(alone)
		}
		switch {
		case value == "":
		case !value.Valid():
			return "", badRequest("the query has a UID that is none (PS3.5 9.1): %s", excerpt(string(value)))
		case found != "" && found != value:
			return "", badRequest("the query has two different UIDs")
		default:
			found = value
		}
	}
	return found, nil
}

// readDataSet reads the payload of a request, which is one data set: JSON, an object or an array of one, or XML; alone, or as the only
// part of a multipart message. Without a Content-Type its first character tells.
func (s *Server) readDataSet(r *http.Request) (*dicom.DataSet, error) {
	ds, err := s.readOptionalDataSet(r)
	if err == nil && ds == nil {
		err = badRequest("the request has no payload; a data set is required")
	}
	return ds, err
}

// readOptionalDataSet is readDataSet where the payload may be missing; then it returns nil.
func (s *Server) readOptionalDataSet(r *http.Request) (*dicom.DataSet, error) {
	contentType := parseMediaType(r.Header.Get("Content-Type"))
	body, err := decodedBody(r)
	if err != nil {
		return nil, err
	}
	if contentType.name == "multipart/related" {
		parts, err := newPartReader(body, contentType, 1)
		if err != nil {
			return nil, err
		}
		part, err := parts.next()
		if err != nil {
			return nil, requestError(err)
		}
		body, contentType = part, parseMediaType(part.Header.Get("Content-Type"))
	}
	text, err := s.readPayload(r, body)
	if err != nil {
		return nil, err
	}
	if text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))); len(text) == 0 {
		return nil, nil
	}
	isXML := text[0] == '<'
	switch contentType.name {
	case "", "application/dicom+json", "application/json", "application/dicom+xml", "application/xml", "text/xml", "application/octet-stream":
	default:
		return nil, &problem{status: http.StatusUnsupportedMediaType, detail: "a data set is application/dicom+json or application/dicom+xml"}
	}
	if isXML {
		ds, err := dicom.ParseXML(bytes.NewReader(text))
		if err != nil {
			return nil, badRequest("the payload is not the Native DICOM Model (PS3.19 A.1): %v", err)
		}
		return ds, nil
	}
	ds := &dicom.DataSet{}
	if text[0] == '[' {
		text = bytes.TrimSpace(bytes.TrimSuffix(text[1:], []byte("]")))
	}
	if err := ds.UnmarshalJSON(text); err != nil {
		return nil, badRequest("the payload is not one data set of the DICOM JSON model (PS3.18 F.2): %v", err)
	}
	return ds, nil
}
