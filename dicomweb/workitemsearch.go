package dicomweb

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
)

// searchWorkitems is the Search transaction of the worklist (PS3.18 11.9). Matching is that of all searches.
func (s *Server) searchWorkitems(w http.ResponseWriter, r *http.Request) error {
	// Request
	parameters, err := parseSearch(r.URL.RawQuery)
	if err != nil {
		return err
	}
	q := match.Query{Keys: match.Combine(parameters.keys), Include: parameters.include, IncludeAll: parameters.includeAll,
		Fuzzy: parameters.fuzzy, Offset: parameters.offset, Limit: parameters.limit, Order: parameters.order}
	chosen, err := acceptOf(r).choose(searchResults...)
	if err != nil {
		return err
	}

	// Behavior
	found, err := s.findWorkitems(r, q, newResultWriter(chosen))
	if err != nil {
		return err
	}

	// Response
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if found.counted {
		h.Set(totalCount, strconv.Itoa(found.matches))
	}
	if found.results == 0 {
		h.Add("Vary", "Accept, Accept-Encoding")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if remaining := found.matches - q.Offset - found.results; remaining > 0 {
		warn(h, s.baseURL(r), fmt.Sprintf("There are %d additional results that can be requested", remaining))
	}
	return found.body.respond(w, r, http.StatusOK, found.mediaType)
}

// workitemPage is what one response holds. counted: matches is how many there are, and not only how many there are at least.
type workitemPage struct {
	page
	counted bool
}

// mostCounted is up to where matches are counted for a response that has some of them: a worklist is kept for years, and its first page
// shall not take longer for that. Who asks for no results, limit=0, is told how many there are altogether.
const mostCounted = 1000

func (s *Server) findWorkitems(r *http.Request, q match.Query, w resultWriter) (*workitemPage, error) {
	most := s.options.MaxResults
	if q.Limit >= 0 {
		most = min(most, q.Limit)
	}
	found := &workitemPage{counted: true}
	more := most == 0
	if !more {
		q.Limit = most + 1 // one more tells whether there are more
		for item, err := range s.worklist.Search(r.Context(), q) {
			if err != nil {
				return nil, err
			}
			if more = found.results == most; more {
				break
			}
			if err := w.add(worklist.Project(q, item)); err != nil {
				return nil, err
			}
			found.results++
		}
	}
	if found.results > 0 {
		found.mediaType, found.body = w.end()
	}
	found.matches = q.Offset + found.results
	if more || found.results == 0 && q.Offset > 0 {
		upTo := -1
		if most > 0 {
			upTo = mostCounted
		}
		matches, err := s.worklist.Count(r.Context(), q, upTo)
		if err != nil {
			return nil, err
		}
		found.counted = upTo < 0 || matches <= upTo
		if found.matches = matches; found.results > 0 {
			found.matches = max(matches, q.Offset+found.results+1)
		}
	}
	return found, nil
}
