package dicomweb

import (
	"context"
	"fmt"
	"net/http"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

func (s *Server) searchStudies(w http.ResponseWriter, r *http.Request) error {
	return s.search(w, r, match.Study)
}

func (s *Server) searchSeries(w http.ResponseWriter, r *http.Request) error {
	return s.search(w, r, match.Series)
}

func (s *Server) searchInstances(w http.ResponseWriter, r *http.Request) error {
	return s.search(w, r, match.Instance)
}

// search is the Search transaction (PS3.18 10.6), of the resource's level and below what its path names.
func (s *Server) search(w http.ResponseWriter, r *http.Request, level match.Level) error {
	// Request
	scope, err := refOf(r)
	if err != nil {
		return err
	}
	parameters, err := parseSearch(r.URL.RawQuery)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(dicomJSON...)
	if err != nil {
		return err
	}

	// Behavior
	base := s.baseURL(r)
	query, warnings := parameters.query(level, scope)
	found, err := s.find(r.Context(), query, base)
	if err != nil {
		return err
	}

	// Response
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	for _, text := range warnings {
		warn(h, base, text)
	}
	if found.results == 0 {
		h.Add("Vary", "Accept, Accept-Encoding")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if found.remaining > 0 {
		warn(h, base, fmt.Sprintf("There are %d additional results that can be requested", found.remaining))
	}
	return respond(w, r, http.StatusOK, chosen.mediaType, found.json)
}

// page is what one response of a search holds (PS3.18 8.3.4.4.1).
type page struct {
	json      []byte // an array of the results (PS3.18 F.2.1)
	results   int
	remaining int // matches behind the last result
}

// find searches for at most MaxResults results. They are written as they come, so that what is held is the answer and one row.
func (s *Server) find(ctx context.Context, q match.Query, base string) (*page, error) {
	most := s.options.MaxResults
	if q.Limit >= 0 {
		most = min(most, q.Limit)
	}
	found := &page{json: []byte{'['}}
	if most == 0 {
		return found, nil
	}
	q.Limit = most + 1 // one more tells whether there are more
	more := false
	for ds, err := range s.store.Search(ctx, q) {
		if err != nil {
			return nil, err
		}
		if found.results == most {
			more = true
			break
		}
		if found.results > 0 {
			found.json = append(found.json, ',')
		}
		if found.json, err = result(q, ds, base).AppendJSON(found.json); err != nil {
			return nil, err
		}
		found.results++
	}
	found.json = append(found.json, ']')
	if more {
		matches, err := s.store.Count(ctx, q)
		if err != nil {
			return nil, err
		}
		found.remaining = max(1, matches-q.Offset-found.results) // something may have been deleted in between
	}
	return found, nil
}

// result makes what is sent of a match (PS3.18 10.6.3.3): what only the request can add is the Retrieve URL.
func result(q match.Query, ds *dicom.DataSet, base string) *dicom.DataSet {
	ref := ds.Ref()
	switch q.Level {
	case match.Study:
		ref = dicom.Ref{Study: ref.Study}
	case match.Series:
		ref.Instance = ""
	}
	row := q.Project(ds)
	row.SetStrings(dicom.RetrieveURL, dicom.UR, base+ref.Path())
	return row
}
