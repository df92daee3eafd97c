package dicomweb

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// TestMetadataCache wants the same body in every coding, first and later, and nothing old once an instance has been stored.
func TestMetadataCache(t *testing.T) {
	a := newArchive(t, dicomtest.Image{Series: "a", Number: 1}.File())
	series := dicom.Ref{Study: a.refs[0].Study, Series: a.refs[0].Series}
	for n := 1; n <= 3; n++ {
		plain := a.get(series, "/metadata", "")
		if got := len(objects(t, plain)); got != n {
			t.Fatalf("%d instances, want %d", got, n)
		}
		for _, coding := range []string{"gzip", "zstd", "gzip", "zstd"} {
			w := a.get(series, "/metadata", "", "Accept-Encoding", coding)
			if w.Header().Get("Content-Encoding") != coding || !bytes.Equal(decompressed(t, w), plain.Body.Bytes()) {
				t.Errorf("%s of %d instances: %v", coding, n, w.Header())
			}
			checkStatus(t, a.get(series, "/metadata", "", "Accept-Encoding", coding, "If-None-Match", w.Header().Get("ETag")), 304)
		}
		file := dicomtest.Image{Series: "a", Number: n + 1}.File()
		if _, err := a.server.store.Ingest(t.Context(), bytes.NewReader(file), ""); err != nil {
			t.Fatal(err)
		}
	}
}

func decompressed(t *testing.T, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	var r io.Reader
	var err error
	if w.Header().Get("Content-Encoding") == "gzip" {
		r, err = gzip.NewReader(w.Body)
	} else {
		r, err = zstd.NewReader(w.Body)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestContentCoding(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "identity": "", "br": "", "gzip": "gzip", "x-gzip": "gzip", "*": "gzip", "gzip;q=0": "", "gzip;q=0, *": "",
		"gzip, deflate, br, zstd": "zstd", "gzip, zstd;q=0.5": "gzip", "zstd;q=0": "", "*;q=0": "", "identity, gzip;q=0.5": "",
	} {
		if got := contentCoding([]string{header}); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func TestMetadataFilter(t *testing.T) {
	item := func(keep string) *dicom.DataSet {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.CodeValue, dicom.SH, keep)
		ds.SetStrings(dicom.CodeMeaning, dicom.LO, keep)
		ds.SetStrings(dicom.NewTag(0x0009, 0x0010), dicom.LO, "ACME")
		return ds
	}
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2")
	ds.SetStrings(dicom.PatientName, dicom.PN, "A^B")
	ds.SetItems(dicom.ProcedureCodeSequence, item("1"), item("2"))
	text, err := ds.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"includefield=PatientName":                                                 `{"00080018":{"vr":"UI","Value":["1.2"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]}}`,
		"includefield=ProcedureCodeSequence.CodeValue":                             `{"00080018":{"vr":"UI","Value":["1.2"]},"00081032":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["1"]}},{"00080100":{"vr":"SH","Value":["2"]}}]}}`,
		"excludefield=PatientName,00081032":                                        `{"00080018":{"vr":"UI","Value":["1.2"]}}`,
		"includefield=00081032&excludefield=00081032.00080104&excludeprivate=true": `{"00080018":{"vr":"UI","Value":["1.2"]},"00081032":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["1"]}},{"00080100":{"vr":"SH","Value":["2"]}}]}}`,
	} {
		r := httptest.NewRequest(http.MethodGet, "/?"+query, nil)
		f, err := parseMetadataFilter(r.URL.Query())
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.json(store.Metadata{JSON: text})
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", query, got, err, want)
		}
	}
}

// BenchmarkSeriesMetadata sends the metadata of 1,000 instances with gzip, beside one blob of the same bytes in memory.
func BenchmarkSeriesMetadata(b *testing.B) {
	st := memstore.New(store.Options{})
	var ref dicom.Ref
	for n := range 1000 {
		receipt, err := st.Ingest(b.Context(), bytes.NewReader(dicomtest.Image{Series: "a", Number: n + 1}.File()), "")
		if err != nil {
			b.Fatal(err)
		}
		ref = receipt.Ref
	}
	server, err := New(st, Options{PublicURL: "http://pacs.example", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	var body []byte
	blob := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
	for _, h := range []struct {
		name    string
		handler http.Handler
	}{{"noctis", server}, {"blob", blob}} {
		b.Run(h.name, func(b *testing.B) {
			web := httptest.NewServer(h.handler)
			defer web.Close()
			r, err := http.NewRequestWithContext(b.Context(), "GET",
				fmt.Sprintf("%s%s/studies/%s/series/%s/metadata", web.URL, BasePath, ref.Study, ref.Series), nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", "gzip")
			for b.Loop() {
				response, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				got, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK {
					b.Fatal(response.Status, err)
				}
				if h.name == "noctis" {
					body = got
				}
			}
		})
	}
}

// The metadata of a series is ready before anybody asks for it, and made once for all who ask at the same time.
func TestMetadataIsReady(t *testing.T) {
	a := newArchive(t)
	store := func(image dicomtest.Image) {
		r := httptest.NewRequest(http.MethodPost, BasePath+"/studies", bytes.NewReader(image.File()))
		r.Header.Set("Content-Type", "application/dicom")
		w := httptest.NewRecorder()
		a.server.ServeHTTP(w, r)
		checkStatus(t, w, 200)
	}
	file := dicomtest.Image{Series: "a"}
	store(file)
	a.server.background.Wait()
	ready := a.server.metadata.bodies.kept.Len()
	if ready != len(contentCodings) {
		t.Errorf("%d bodies are ready", ready)
	}
	ref := file.Instance().DataSet.Ref()
	series := dicom.Ref{Study: ref.Study, Series: ref.Series}
	for _, coding := range []string{"gzip", "zstd", ""} {
		w := a.get(series, "/metadata", "", "Accept-Encoding", coding)
		if len(objectsOf(t, w, coding)) != 1 || w.Header().Get("Content-Length") == "" {
			t.Errorf("%q: %v", coding, w.Header())
		}
	}
	if now := a.server.metadata.bodies.kept.Len(); now != ready {
		t.Errorf("%d bodies are kept now", now)
	}
	for n := range 5 { // which come while it is being made, or after that
		store(dicomtest.Image{Series: "a", Number: n + 2})
	}
	a.server.background.Wait()
	ready = a.server.metadata.bodies.kept.Len()
	if w := a.get(series, "/metadata", "", "Accept-Encoding", "zstd"); len(objectsOf(t, w, "zstd")) != 6 {
		t.Errorf("of 6 instances: %v", w.Header())
	}
	if now := a.server.metadata.bodies.kept.Len(); now != ready || len(a.server.readying.came) > 0 {
		t.Errorf("%d bodies are kept now, not %d; %d series are not forgotten", now, ready, len(a.server.readying.came))
	}
}

func objectsOf(t *testing.T, w *httptest.ResponseRecorder, coding string) []map[string]any {
	t.Helper()
	body := w.Body.Bytes()
	if coding != "" {
		body = decompressed(t, w)
	}
	var all []map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMetadataIsMadeOnce(t *testing.T) {
	c := newMetadataCache(1 << 20)
	started, goOn := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	times := 0
	get := func(coding string) {
		w := httptest.NewRecorder()
		err := c.send(t.Context(), w, coding, "key", func(out io.Writer) error {
			times++
			close(started)
			<-goOn
			_, err := io.WriteString(out, "[]")
			return err
		})
		if coding == "" && w.Body.String() != "[]" || coding != "" && string(decompressed(t, w)) != "[]" || err != nil {
			t.Errorf("%q: %q, %v", coding, w.Body, err)
		}
	}
	all.Go(func() { get("gzip") })
	<-started
	for range 3 {
		all.Go(func() { get("gzip") })
		all.Go(func() { get("") })
	}
	close(goOn)
	all.Wait()
	if times != 1 {
		t.Errorf("made %d times", times)
	}
	// An error is not kept, and those who waited try by themselves.
	failure := errors.New("no")
	if err := c.send(t.Context(), httptest.NewRecorder(), "gzip", "other", func(io.Writer) error { return failure }); !errors.Is(err, failure) {
		t.Error(err)
	}
	if len(c.making) != 0 {
		t.Error("it is still being made")
	}
}

// TestMetadataCacheHoldsWhatItCounts: a cache of many short bodies takes about the memory that it counts, and not that of what made them.
func TestMetadataCacheHoldsWhatItCounts(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		for range 3 { // what lies in pools goes with the second
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	cache := newMetadataCache(64 << 20)
	before := heap()
	for i := range 200 {
		list := fmt.Appendf(nil, `[{"00200013":{"vr":"IS","Value":[%d]}}]`, i)
		cache.grow("", fmt.Sprint("new", i), true, list)
		cache.grow(fmt.Sprint("new", i), fmt.Sprint("grown", i), false, bytes.Clone(list))
		for _, coding := range contentCodings {
			write := func(w io.Writer) error { _, err := w.Write(list); return err }
			if err := cache.send(t.Context(), httptest.NewRecorder(), coding, fmt.Sprint("made", i), write); err != nil {
				t.Fatal(err)
			}
		}
	}
	if held, counted := heap()-before, cache.bodies.size(); held > 4*counted+1<<20 {
		t.Errorf("%d KB are held, %d KB counted", held>>10, counted>>10)
	}
	if _, found := cache.bodies.get("gzipgrown199"); !found {
		t.Error("the last body is not kept")
	}
}
