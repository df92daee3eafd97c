package dicomweb

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
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
	query, err := parameters.query(level, scope)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(searchResults...)
	if err != nil {
		return err
	}

	// Behavior
	base := s.baseURL(r)
	found, err := s.find(r.Context(), query, newResultWriter(chosen), func(ds *dicom.DataSet) *dicom.DataSet {
		return parameters.result(query, ds, base)
	})
	if err != nil {
		return err
	}

	// Response
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set(totalCount, strconv.Itoa(found.matches))
	if found.results == 0 {
		h.Add("Vary", "Accept, Accept-Encoding")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if remaining := found.matches - query.Offset - found.results; remaining > 0 {
		warn(h, base, fmt.Sprintf("There are %d additional results that can be requested", remaining))
	}
	return found.body.respond(w, r, http.StatusOK, found.mediaType)
}

// totalCount is the header that says how many matches there are altogether, as other servers name it.
const totalCount = "X-Total-Count"

// page is what one response of a search holds (PS3.18 8.3.4.4.1).
type page struct {
	mediaType string
	body      answer
	results   int
	matches   int // whatever offset and limit are
}

// maxOrdered bounds how many results are put in order for one response.
const maxOrdered = 100_000

// mostSearched is how long an answer is when no further result is added to it: with includefield=all one may have many megabytes. The
// client is told that there are more (PS3.18 8.3.4.4).
const mostSearched = 16 << 20

// find searches for at most MaxResults results. They are written as they come, so that what is held is the answer and one row.
// Counting is a search of its own, which is left out where the page itself tells the number.
func (s *Server) find(ctx context.Context, q match.Query, w resultWriter, result func(*dicom.DataSet) *dicom.DataSet) (*page, error) {
	most := s.options.MaxResults
	if q.Limit >= 0 {
		most = min(most, q.Limit)
	}
	if len(q.Order) > 0 && q.Offset > maxOrdered-most {
		return nil, exceeds("ordered-results",
			"only the first %d results can be put in order: narrow the search, or leave orderby out (PS3.18 10.6.3.1)", maxOrdered)
	}
	held := &store.Holding{} // where nobody waits for an answer
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		held = &x.held
	} else {
		defer held.Release()
	}
	ctx = store.WithHolding(ctx, held)
	found := &page{}
	more := most == 0
	if !more {
		q.Limit = most + 1 // one more tells whether there are more
		for ds, err := range s.store.Search(ctx, q) {
			if err != nil {
				return nil, err
			}
			if more = found.results == most || w.length() > mostSearched; more {
				break
			}
			if err := w.add(result(ds)); err != nil {
				return nil, err
			}
			found.results++
			held.Keep(int64(w.length()))
		}
	}
	if found.results > 0 {
		found.mediaType, found.body = w.end()
	}
	found.matches = q.Offset + found.results
	if more || found.results == 0 && q.Offset > 0 {
		matches, err := s.store.Count(ctx, q)
		if err != nil {
			return nil, err
		}
		if found.matches = matches; found.results > 0 { // something may have been deleted in between
			found.matches = max(matches, q.Offset+found.results+1)
		}
	}
	return found, nil
}

// result makes what is sent of a match (PS3.18 10.6.3.3): what only the request can add are the Retrieve URL and the Record Key.
func (p *searchParameters) result(q match.Query, ds *dicom.DataSet, base string) *dicom.DataSet {
	at := store.PositionOf(q.Level, ds)
	row := q.Project(ds)
	if at.Ref.Instance != "" {
		row = located(row, bulkdataURI(base, at.Ref, ""))
	}
	row.SetStrings(dicom.RetrieveURL, dicom.UR, base+at.Ref.Path())
	if p.recordKeys {
		row.Set(dicom.Element{Tag: dicom.RecordKey, VR: dicom.OB, Value: dicom.Bytes(at.Key(q.Level))})
	}
	return row
}

// located makes the BulkDataURIs of a data set, which are relative to the instance, absolute: they begin with where its bulk data is.
func located(ds *dicom.DataSet, bulkdata string) *dicom.DataSet {
	out := ds
	change := func(e dicom.Element) {
		if out == ds { // values are shared
			out = ds.Clone()
		}
		out.Set(e)
	}
	for e := range ds.Referring() {
		switch v := e.Value.(type) {
		case dicom.Bulk:
			v.URI = bulkdata + strings.TrimPrefix(v.URI, "bulkdata/")
			e.Value = v
			change(e)
		case dicom.Items:
			items := make(dicom.Items, len(v))
			same := true
			for i, item := range v {
				items[i] = located(item, bulkdata)
				same = same && items[i] == item
			}
			if e.Value = items; !same {
				change(e)
			}
		}
	}
	return out
}
