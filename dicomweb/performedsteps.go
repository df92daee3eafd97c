package dicomweb

import (
	"net/http"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/procedure"
)

// createPerformed is the Create transaction of performed steps (PS3.18 15.4). With the query "update" it is Update (15.5.1).
func (s *Server) createPerformed(w http.ResponseWriter, r *http.Request) error {
	// Request
	pairs, err := parseParameters(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pairs, func(p parameter) bool { return p.name == "update" }) {
		return s.updatePerformed(w, r)
	}
	uid, err := uidInPath(r, "step")
	if err != nil {
		return err
	}
	given, err := s.readDataSet(r)
	if err != nil {
		return err
	}

	// Behavior
	performed, err := procedure.Begin(given, uid)
	if err == nil {
		err = s.options.Procedures.Begin(r.Context(), performed)
	}
	if err != nil {
		return refusedStep(err)
	}

	// Response
	location := s.baseURL(r) + "/modality-performed-procedure-steps/" + string(uid)
	w.Header().Set("Location", location)
	w.Header().Set("Content-Location", location)
	return done(w, http.StatusCreated)
}

// updatePerformed is the Update transaction (PS3.18 15.5).
func (s *Server) updatePerformed(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := uidInPath(r, "step")
	if err != nil {
		return err
	}
	given, err := s.readDataSet(r)
	if err != nil {
		return err
	}

	// Behavior
	err = s.options.Procedures.Change(r.Context(), uid, func(p *procedure.Performed) error { return p.Update(given) })
	if err != nil {
		return refusedStep(err)
	}

	// Response
	w.Header().Set("Content-Location", s.baseURL(r)+"/modality-performed-procedure-steps/"+string(uid))
	return done(w, http.StatusOK)
}

// retrievePerformed is the Retrieve transaction (PS3.18 15.6).
func (s *Server) retrievePerformed(w http.ResponseWriter, r *http.Request) error {
	// Request
	uid, err := uidInPath(r, "step")
	if err != nil {
		return err
	}
	parameters, err := parseSearch(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if parameters.includeAll && len(parameters.include) > 0 {
		return badRequest("includefield=all excludes every other includefield (PS3.18 15.6.1.2)")
	}
	chosen, err := acceptOf(r).choose(dataSetFormats...)
	if err != nil {
		return err
	}

	// Behavior
	performed, err := s.options.Procedures.Performed(r.Context(), uid)
	if err != nil {
		return refusedStep(err)
	}
	ds := performed.DataSet
	if len(parameters.include) > 0 {
		ds = &dicom.DataSet{}
		for _, path := range append(slices.Clone(parameters.include), []dicom.Tag{dicom.SpecificCharacterSet}) {
			if e, there := performed.DataSet.Get(path[0]); there {
				ds.Set(e)
			}
		}
	}

	// Response
	w.Header().Set("Cache-Control", "no-cache")
	return respondDataSet(w, r, chosen, ds)
}
