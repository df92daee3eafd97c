package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// BenchmarkRetrieve compares a server with SQLite and files with a plain Go program that sends the same bytes: http.FileServer for pixels, one
// blob in memory for metadata. Both are asked in turns, by 4 connections, within one run; x-plain is how many times as fast as the plain
// program the server is, x-plain-cpu the same by processor time, that of the client included, which other work on the machine hardly
// changes; x-first is how many times as long the first request after ingest takes as later ones.
func BenchmarkRetrieve(b *testing.B) {
	s := newBenchServer(b)
	small, large := s.ingest(b, "small", 1000, 16), s.ingest(b, "large", 100, 512)
	s.background.Wait()
	b.Run("first", func(b *testing.B) { s.compareFirst(b, small) })
	gzip := http.Header{"Accept-Encoding": {"gzip"}}
	b.Run("frames", func(b *testing.B) {
		frames := func(i int) string { return large[i%len(large)].Path() + "/frames/1" }
		s.compare(b, frames, http.Header{"Accept": {octetsAny}}, http.FileServer(http.Dir(s.plainFolder(b, frames, http.Header{"Accept": {octetsAny}}))))
	})
	b.Run("study", func(b *testing.B) {
		study := func(int) string { return dicom.Ref{Study: large[0].Study}.Path() }
		any := http.Header{"Accept": {`multipart/related; type="application/dicom"; transfer-syntax=*`}}
		s.compare(b, study, any, http.FileServer(http.Dir(s.plainFolder(b, study, any))))
	})
	series := func(int) string {
		return dicom.Ref{Study: small[0].Study, Series: small[0].Series}.Path() + "/metadata"
	}
	body, etag := s.once(b, series(0), gzip)
	b.Run("metadata", func(b *testing.B) {
		s.compare(b, series, gzip, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	})
	unchanged := http.Header{"Accept-Encoding": {"gzip"}, "If-None-Match": {etag}}
	b.Run("304", func(b *testing.B) {
		s.compare(b, series, unchanged, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", etag)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
		}))
	})
	b.Run("304-or-blob", func(b *testing.B) { // the other reading: of a program that sends the blob whatever the client has
		s.compare(b, series, unchanged, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	})
}

// benchServer is a server on the disk.
type benchServer struct {
	*Server
	web *httptest.Server
}

func newBenchServer(b testing.TB) *benchServer { return newBenchServerOf(b, Options{}) }

func newBenchServerOf(b testing.TB, o Options) *benchServer {
	o.Log = slog.New(slog.DiscardHandler)
	folder := b.TempDir()
	blobs, err := file.Open(filepath.Join(folder, "blobs"))
	if err != nil {
		b.Fatal(err)
	}
	index, err := sqlite.Open(b.Context(), filepath.Join(folder, "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(store.New(index, blobs, store.Options{}), o)
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(s)
	b.Cleanup(func() { web.Close(); index.Close(); blobs.Close() })
	return &benchServer{s, web}
}

// ingest stores a series of images of side x side pixels of 16 bits, over HTTP.
func (s *benchServer) ingest(b testing.TB, name string, instances, side int) []dicom.Ref {
	var refs []dicom.Ref
	for n := range instances {
		image := dicomtest.Image{Study: name, Series: name, Number: n + 1, Rows: side, Columns: side}
		response, err := http.Post(s.web.URL+BasePath+"/studies", "application/dicom", bytes.NewReader(image.File()))
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(response, err)
		}
		response.Body.Close()
		refs = append(refs, image.Instance().DataSet.Ref())
	}
	return refs
}

// once returns the body of an answer, and its entity tag.
func (s *benchServer) once(b *testing.B, path string, header http.Header) ([]byte, string) {
	body, response := fetchWhole(b, http.DefaultTransport, s.web.URL+BasePath+path, header)
	return body, response.Header.Get("ETag")
}

// plainFolder holds what the server answers to the first 100 paths, under the same paths.
func (s *benchServer) plainFolder(b *testing.B, path func(int) string, header http.Header) string {
	folder := b.TempDir()
	for i := range 100 {
		body, _ := s.once(b, path(i), header)
		name := filepath.Join(folder, BasePath, path(i))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, body, 0o600); err != nil {
			b.Fatal(err)
		}
		if path(i) == path(i+1) {
			break
		}
	}
	return folder
}

func fetchWhole(b testing.TB, transport http.RoundTripper, url string, header http.Header) ([]byte, *http.Response) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = header
	response, err := transport.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 400 {
		b.Fatal(url, response.Status, err)
	}
	return body, response
}

// drain is fetchWhole without keeping the body.
func drain(b testing.TB, transport http.RoundTripper, url string, header http.Header, buffer []byte) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		b.Error(err)
		return
	}
	r.Header = header
	response, err := transport.RoundTrip(r)
	if err != nil {
		b.Error(err)
		return
	}
	defer response.Body.Close()
	for err == nil {
		_, err = response.Body.Read(buffer)
	}
	if err != io.EOF || response.StatusCode >= 400 {
		b.Error(url, response.Status, err)
	}
}

// compare asks the server and the plain program in turns.
func (s *benchServer) compare(b *testing.B, path func(int) string, header http.Header, plain http.Handler) {
	const connections, turns = 4, 20
	reference := httptest.NewServer(plain)
	defer reference.Close()
	var took [2]time.Duration
	var used [2]float64 // microseconds
	load := func(program int, url string, requests int) {
		transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: connections}
		defer transport.CloseIdleConnections()
		began, before := time.Now(), processorTime()
		var all sync.WaitGroup
		for c := range connections {
			all.Go(func() {
				buffer := make([]byte, 64<<10)
				for i := range requests {
					drain(b, transport, url+BasePath+path(c+i*connections), header, buffer)
				}
			})
		}
		all.Wait()
		took[program] += time.Since(began)
		used[program] += processorTime() - before
	}
	per := max(1, b.N/turns/connections)
	b.ResetTimer()
	for range turns {
		load(0, s.web.URL, per)
		load(1, reference.URL, per)
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "x-plain")
	b.ReportMetric(used[1]/used[0], "x-plain-cpu")
	b.ReportMetric(used[0]/float64(turns*per*connections), "cpu-us/op")
}

// compareFirst stores an instance and asks for the metadata of its series at once: first when the instance is acknowledged, and then, when
// the server has come to rest, again and again.
func (s *benchServer) compareFirst(b *testing.B, refs []dicom.Ref) {
	url := fmt.Sprint(s.web.URL, BasePath, dicom.Ref{Study: refs[0].Study, Series: refs[0].Series}.Path(), "/metadata")
	header := http.Header{"Accept-Encoding": {"gzip"}}
	buffer := make([]byte, 64<<10)
	const later = 20
	var first, others time.Duration
	for n := range b.N {
		image := dicomtest.Image{Study: "small", Series: "small", Number: len(refs) + n + 1}
		response, err := http.Post(s.web.URL+BasePath+"/studies", "application/dicom", bytes.NewReader(image.File()))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK { // or the connection could not be used again
			b.Fatal(response.Status, err)
		}
		response.Body.Close()
		began := time.Now()
		drain(b, http.DefaultTransport, url, header, buffer)
		first += time.Since(began)
		s.background.Wait()
		drain(b, http.DefaultTransport, url, header, buffer) // nothing is asleep any more
		began = time.Now()
		for range later {
			drain(b, http.DefaultTransport, url, header, buffer)
		}
		others += time.Since(began) / later
	}
	b.ReportMetric(float64(first)/float64(others), "x-first")
}
