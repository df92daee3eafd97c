package dicomweb

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// BenchmarkLimitedFrames asks for frames as somebody who sees everything, and as one who sees one patient, in turns. x-time is how many
// times as long it takes the latter; it should not be measurable.
func BenchmarkLimitedFrames(b *testing.B) {
	s := newBenchServer(b)
	refs := s.ingest(b, "small", 100, 64)
	s.background.Wait()
	ds := dicomtest.Image{Study: "small", Series: "small", Number: 1, Rows: 64, Columns: 64}.Instance().DataSet
	server, err := New(s.store, Options{Log: s.log, Authenticator: byName{
		"all": {Name: "all", Kind: access.Key, Roles: access.RolesOf(access.Read)},
		"one": {Name: "one", Kind: access.Key, Roles: access.RolesOf(access.Read), Scope: access.Scope{Patients: []string{"another", ds.String(dicom.PatientID)}}},
	}})
	if err != nil {
		b.Fatal(err)
	}
	once := func(who string, i int) time.Duration {
		r := httptest.NewRequest("GET", BasePath+refs[i%len(refs)].Path()+"/frames/1", nil)
		r.Header = http.Header{"Accept": {octetsAny}, "Authorization": {who}}
		w := httptest.NewRecorder()
		began := time.Now()
		server.ServeHTTP(w, r)
		took := time.Since(began)
		if w.Code != http.StatusOK {
			b.Fatal(who, w.Code, w.Body)
		}
		return took
	}
	var all, one []time.Duration
	for i := range 2 * len(refs) {
		once("all", i)
		once("one", i)
	}
	for i := 0; b.Loop(); i++ {
		all, one = append(all, once("all", i)), append(one, once("one", i))
	}
	slices.Sort(all)
	slices.Sort(one)
	b.ReportMetric(float64(one[len(one)/2])/float64(all[len(all)/2]), "x-time")
}
