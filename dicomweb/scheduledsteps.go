package dicomweb

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/procedure"
)

// procedureRoutes are the resources of PS3.18 chapters 14 and 15. How scheduled steps come to be the standard leaves open (PS3.18 14.3):
// here they are resources themselves.
func (s *Server) procedureRoutes() []route {
	if s.options.Procedures == nil {
		return nil
	}
	const (
		scheduled = BasePath + "/modality-scheduled-procedure-steps"
		step      = scheduled + "/{study}/{step}"
		performed = BasePath + "/modality-performed-procedure-steps/{step}"
	)
	return []route{
		{"scheduled-search", "GET", scheduled, "PS3.18 14.4", access.Worklist, s.searchScheduled},
		{"scheduled-create", "POST", scheduled, extension, access.Admin, s.createScheduled},
		{"scheduled-retrieve", "GET", step, extension, access.Worklist, s.retrieveScheduled},
		{"scheduled-replace", "PUT", step, extension, access.Admin, s.replaceScheduled},
		{"scheduled-remove", "DELETE", step, extension, access.Admin, s.removeScheduled},
		{"performed-create", "POST", performed, "PS3.18 15.4", access.Worklist, s.createPerformed},
		{"performed-update", "POST", performed + "/update", "PS3.18 15.5", access.Worklist, s.updatePerformed},
		{"performed-retrieve", "GET", performed, "PS3.18 15.6", access.Worklist, s.retrievePerformed},
	}
}

// searchScheduled is the Search transaction of the modality worklist (PS3.18 14.4). Matching is that of all searches.
func (s *Server) searchScheduled(w http.ResponseWriter, r *http.Request) error {
	// Request
	parameters, err := parseSearch(r.URL.RawQuery)
	if err != nil {
		return err
	}
	q := match.Query{Keys: match.Combine(parameters.keys), Include: parameters.include, IncludeAll: parameters.includeAll,
		Fuzzy: parameters.fuzzy, Offset: parameters.offset, Limit: s.options.MaxResults}
	if parameters.limit >= 0 {
		q.Limit = min(q.Limit, parameters.limit)
	}
	if err := procedure.CheckKeys(q.Keys); err != nil {
		return refusedStep(err)
	}
	chosen, err := acceptOf(r).choose(dataSetFormats...)
	if err != nil {
		return err
	}

	// Behavior
	steps, total, err := s.options.Procedures.Search(r.Context(), q)
	if err != nil {
		return err
	}

	// Response
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set(totalCount, strconv.Itoa(total))
	if remaining := total - q.Offset - len(steps); remaining > 0 {
		warn(h, s.baseURL(r), fmt.Sprintf("There are %d additional results that can be requested", remaining))
	}
	if len(steps) == 0 {
		h.Add("Vary", "Accept, Accept-Encoding")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return respondSteps(w, r, chosen, q, steps)
}

// respondSteps sends results. A document of the Native DICOM Model holds one data set (PS3.19 A.1), so that several take a message of parts.
func respondSteps(w http.ResponseWriter, r *http.Request, chosen offer, q match.Query, steps []*procedure.Scheduled) error {
	if !chosen.multipart && !strings.HasSuffix(chosen.mediaType, "json") {
		if len(steps) > 1 {
			return &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf("%d results do not fit into one %s document: accept it as multipart/related, or ask for limit=1",
				len(steps), chosen.mediaType)}
		}
		return respondModule(w, r, http.StatusOK, chosen, procedure.Project(q, steps[0]))
	}
	results := newResultWriter(chosen)
	for _, sc := range steps {
		if err := results.add(procedure.Project(q, sc)); err != nil {
			return err
		}
	}
	mediaType, body := results.end()
	return body.respond(w, r, http.StatusOK, mediaType)
}

// createScheduled adds a scheduled step. Identifiers that are missing are made up; Location says which.
func (s *Server) createScheduled(w http.ResponseWriter, r *http.Request) error {
	// Request
	given, err := s.readDataSet(r)
	if err != nil {
		return err
	}

	// Behavior
	sc, err := procedure.Schedule(given, procedure.Name{})
	if err == nil {
		err = s.options.Procedures.Schedule(r.Context(), sc)
	}
	if err != nil {
		return refusedStep(err)
	}

	aboutDataSet(r, sc.DataSet, "")

	// Response
	n := sc.Name()
	location := s.baseURL(r) + "/modality-scheduled-procedure-steps/" + string(n.Study) + "/" + url.PathEscape(n.Step)
	w.Header().Set("Location", location)
	w.Header().Set("Content-Location", location)
	return done(w, http.StatusCreated)
}

// retrieveScheduled returns a scheduled step, whatever its state, with the stored series that were made for it.
func (s *Server) retrieveScheduled(w http.ResponseWriter, r *http.Request) error {
	// Request
	name, err := stepOf(r)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(dataSetFormats...)
	if err != nil {
		return err
	}

	// Behavior
	sc, err := s.options.Procedures.Scheduled(r.Context(), name)
	if err != nil {
		return refusedStep(err)
	}
	series, err := s.seriesOf(r, name)
	if err != nil {
		return err
	}
	ds := sc.Shown().Clone()
	if len(series) > 0 {
		ds.SetItems(dicom.ReferencedSeriesSequence, series...)
	}

	// Response
	w.Header().Set("Cache-Control", "no-cache")
	return respondDataSet(w, r, chosen, ds)
}

// seriesOf are the stored series of a scheduled step: those of its study whose Request Attributes Sequence names it.
func (s *Server) seriesOf(r *http.Request, n procedure.Name) ([]*dicom.DataSet, error) {
	key, err := match.ParseKey(match.Path{dicom.RequestAttributesSequence, dicom.ScheduledProcedureStepID}, n.Step, match.ParseOptions{})
	if err != nil {
		return nil, badRequest("%v", err)
	}
	q := match.Query{Level: match.Series, Scope: dicom.Ref{Study: n.Study}, Keys: match.Combine([]match.Key{key}), Limit: s.options.MaxResults}
	var items []*dicom.DataSet
	for ds, err := range s.store.Search(r.Context(), q) {
		if err != nil {
			return nil, err
		}
		item := &dicom.DataSet{}
		for _, t := range []dicom.Tag{dicom.SeriesInstanceUID, dicom.Modality, dicom.NumberOfSeriesRelatedInstances} {
			if e, there := ds.Get(t); there {
				item.Set(e)
			}
		}
		item.SetStrings(dicom.RetrieveURL, dicom.UR, s.baseURL(r)+dicom.Ref{Study: n.Study, Series: ds.UID(dicom.SeriesInstanceUID)}.Path())
		items = append(items, item)
	}
	return items, nil
}

// replaceScheduled replaces a scheduled step.
func (s *Server) replaceScheduled(w http.ResponseWriter, r *http.Request) error {
	// Request
	name, err := stepOf(r)
	if err != nil {
		return err
	}
	given, err := s.readDataSet(r)
	if err != nil {
		return err
	}

	// Behavior
	sc, err := procedure.Schedule(given, name)
	if err == nil {
		err = s.options.Procedures.Reschedule(r.Context(), sc)
	}
	if err != nil {
		return refusedStep(err)
	}

	// Response
	return done(w, http.StatusOK)
}

// removeScheduled takes a scheduled step off the worklist.
func (s *Server) removeScheduled(w http.ResponseWriter, r *http.Request) error {
	// Request
	name, err := stepOf(r)
	if err != nil {
		return err
	}

	// Behavior
	if err := s.options.Procedures.Unschedule(r.Context(), name); err != nil {
		return refusedStep(err)
	}

	// Response
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// stepOf is the scheduled step in the path.
func stepOf(r *http.Request) (n procedure.Name, err error) {
	if n.Study, err = uidInPath(r, "study"); err != nil {
		return n, err
	}
	n.Step, err = pathVar(r, "step")
	return n, err
}

// refusedStep finds the status of what was not done with a step (PS3.18 15.4.3.1, 15.5.3.1).
func refusedStep(err error) error {
	p := &problem{detail: err.Error()}
	switch {
	case errors.Is(err, procedure.ErrInvalid):
		p.status = http.StatusBadRequest
	case errors.Is(err, procedure.ErrConflict):
		p.status = http.StatusConflict
	case errors.Is(err, procedure.ErrUnknown):
		p.status = http.StatusNotFound
	default:
		return err
	}
	return p
}
