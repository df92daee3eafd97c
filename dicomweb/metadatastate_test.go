package dicomweb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/file"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// Metadata that has grown is what a server makes that finds everything in the index, with the same ETag, after each instance that is
// stored, stored again, replaced or deleted, in order or not; and what is stored in order is there before anybody asks.
func TestMetadataGrows(t *testing.T) {
	folder := t.TempDir()
	blobs, err := file.Open(filepath.Join(folder, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	defer blobs.Close()
	index, err := sqlite.Open(t.Context(), filepath.Join(folder, "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	st := store.New(index, blobs, store.Options{Conflict: store.Replace})
	o := Options{PublicURL: "http://pacs.example", Log: slog.New(slog.DiscardHandler)}
	s, err := New(st, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.background.Wait()
	ask := func(s *Server, method, path string, body []byte, accepted string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", mediaDICOM)
		r.Header.Set("Accept-Encoding", accepted)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	lies := func(ref dicom.Ref) bool {
		st, found := s.metadata.states.get(stateKey(context.Background(), ref))
		out := metadataWriter{ref: ref, base: "http://pacs.example" + BasePath}
		return found && st.generation == s.metadataGeneration(ref) && s.metadata.has("gzip", out.key(metadataOffers[0], st))
	}
	var refs [2]dicom.Ref
	for i, step := range []struct {
		series string
		number int    // of the instance
		more   string // in it; "-": it is deleted
		ready  bool   // its series is, before anybody asks
	}{
		{"a", 1, "", true}, {"a", 2, "", true}, {"a", 2, "", true}, {"b", 5, "", true}, {"a", 10, "", true}, {"b", 7, "", true},
		{"a", 4, "", false},        // between others
		{"a", 11, "", true},        // behind them, once somebody has asked
		{"a", 11, "other", false},  // replaced
		{"a", 12, "", true},        //
		{"a", 12, "-", false},      // deleted
		{"a", 13, "", true},        //
		{"a", 12, "", false},       // taken back
		{"b", 8, "<&>\"é", true},   //
		{"a", 1000, "last", true},  //
		{"b", 1 << 20, "", true},   //
		{"b", 1<<20 + 1, "", true}, //
	} {
		image := dicomtest.Image{Study: "s", Series: step.series, Number: step.number, With: []any{dicom.ImageComments, step.more}}
		instance := image.Instance().DataSet.Ref()
		series := dicom.Ref{Study: instance.Study, Series: instance.Series}
		refs[int(step.series[0]-'a')] = series
		if step.more == "-" {
			checkStatus(t, ask(s, http.MethodDelete, BasePath+instance.Path(), nil, ""), 204)
		} else {
			checkStatus(t, ask(s, http.MethodPost, BasePath+"/studies", image.File(), ""), 200)
		}
		if got := lies(series); got != step.ready {
			t.Errorf("step %d: ready %v", i, got)
		}
		fresh, err := New(st, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			if ref.Study == "" {
				continue
			}
			path := BasePath + ref.Path() + "/metadata"
			for _, accepted := range []string{"gzip", "", "br, zstd, gzip"} {
				got, want := ask(s, http.MethodGet, path, nil, accepted), ask(fresh, http.MethodGet, path, nil, codingWithout(accepted))
				checkStatus(t, got, 200)
				if a, b := plainBody(t, got), plainBody(t, want); !bytes.Equal(a, b) {
					t.Fatalf("step %d: %d bytes, want %d\n%.2000s\n%.2000s", i, len(a), len(b), a, b)
				}
				if got.Header().Get("Content-Encoding") == want.Header().Get("Content-Encoding") {
					for _, name := range []string{"ETag", "Last-Modified", "Content-Location"} {
						if a, b := got.Header().Get(name), want.Header().Get(name); a != b {
							t.Errorf("step %d: %s is %s, want %s", i, name, a, b)
						}
					}
				}
			}
		}
	}
	// What a batch brings comes whole, and a series of many instances like one of few.
	var body bytes.Buffer
	for n := range 60 {
		body.WriteString("--b\r\nContent-Type: application/dicom\r\n\r\n")
		body.Write(dicomtest.Image{Study: "t", Series: "c", Number: 60 - n}.File())
		body.WriteString("\r\n")
	}
	body.WriteString("--b--\r\n")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, BasePath+"/studies", &body)
	r.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=b`)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	checkStatus(t, w, 200)
	ref := dicomtest.Image{Study: "t", Series: "c"}.Instance().DataSet.Ref()
	ref.Instance = ""
	if !lies(ref) {
		t.Error("the metadata of a new series is not ready")
	}
	if all := objectsOf(t, ask(s, http.MethodGet, BasePath+ref.Path()+"/metadata", nil, "gzip"), "gzip"); len(all) != 60 || fmt.Sprint(all[59]["00200013"]) != "map[Value:[60] vr:IS]" {
		t.Errorf("%d instances, the last is %v", len(all), all[59]["00200013"])
	}
}

// While several store into a series, in any order, each finds what it has stored as soon as it has been told so.
func TestMetadataGrowsAtOnce(t *testing.T) {
	a := newArchive(t)
	const clients, each = 4, 25
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := range each {
				image := dicomtest.Image{Study: "s", Series: "a", Number: 1 + c + n*clients}
				ref := image.Instance().DataSet.Ref()
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, BasePath+"/studies", bytes.NewReader(image.File()))
				r.Header.Set("Content-Type", mediaDICOM)
				stored := httptest.NewRecorder()
				a.server.ServeHTTP(stored, r)
				if stored.Code != http.StatusOK {
					t.Errorf("%d: %s", stored.Code, stored.Body)
					return
				}
				r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, BasePath+dicom.Ref{Study: ref.Study, Series: ref.Series}.Path()+"/metadata", nil)
				r.Header.Set("Accept-Encoding", "gzip")
				w := httptest.NewRecorder()
				a.server.ServeHTTP(w, r)
				if body := decompressed(t, w); bytes.Count(body, []byte(`"`+ref.Instance+`"`)) != 1 {
					t.Errorf("client %d does not find its instance %d", c, n)
				}
			}
		})
	}
	all.Wait()
	a.server.background.Wait()
	ref := dicomtest.Image{Study: "s", Series: "a"}.Instance().DataSet.Ref()
	ref.Instance = ""
	for i, o := range objectsOf(t, a.get(ref, "/metadata", "", "Accept-Encoding", "gzip"), "gzip") {
		if got := fmt.Sprint(o["00200013"].(map[string]any)["Value"]); got != fmt.Sprint([]int{i + 1}) {
			t.Errorf("instance %d has the number %s", i, got)
		}
	}
}

// TestMetadataOfMoreThanItsName has an instance come between the naming of a body and its making: who asked is told of it, but not under
// that name, which would be true again when it has gone; and the body is not kept, or it would have the instance twice when the series grows.
func TestMetadataOfMoreThanItsName(t *testing.T) {
	a := newArchive(t, dicomtest.Image{Study: "s", Series: "a", Number: 1}.File(), dicomtest.Image{Study: "s", Series: "a", Number: 2}.File())
	a.server.background.Wait()
	ref := dicom.Ref{Study: a.refs[0].Study, Series: a.refs[0].Series}
	entries, err := a.server.entries(t.Context(), ref)
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	now, err := a.server.stateOf(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	before := state{generation: now.generation}.with(entries[0])
	for _, named := range []state{before, now} {
		current := named.digest == now.digest
		a.server.metadata.states.put(stateKey(t.Context(), ref), named, 1)
		for _, coding := range []string{"gzip", "zstd", ""} {
			w := a.get(ref, "/metadata", "", "Accept-Encoding", coding)
			if all := objectsOf(t, w, coding); len(all) != 2 {
				t.Errorf("%q: %d instances", coding, len(all))
			}
			if h := w.Header(); (h.Get("ETag") != "") != current || (h.Get("Last-Modified") != "") != current || (h.Get("Cache-Control") == "no-store") == current {
				t.Errorf("%q: %v", coding, h)
			}
		}
		w := a.get(ref, "/metadata", `multipart/related; type="application/dicom+xml"`)
		if all := partsOf(t, w); len(all) != 2 || (w.Header().Get("ETag") != "") != current {
			t.Errorf("%d parts, %v", len(all), w.Header())
		}
		for _, coding := range contentCodings {
			kept := a.server.metadata.has(coding, metadataWriter{ref: ref, base: "http://pacs.example" + BasePath}.key(metadataOffers[0], named))
			if kept != current {
				t.Errorf("%s: kept %v, want %v", coding, kept, current)
			}
		}
	}
}

// toldLate is an index that has something done when a commit is to be seen and nobody has been told of it.
type toldLate struct {
	store.Index
	seen func()
}

func (x *toldLate) Insert(ctx context.Context, entries []*store.Entry) ([]store.Inserted, error) {
	inserted, err := x.Index.Insert(ctx, entries)
	if x.seen != nil {
		x.seen()
	}
	return inserted, err
}

// TestMetadataSeenBeforeItIsTold reads a series, whose state is known, while an instance that has come to it is in the index and the
// generation does not tell so yet. The answer is longer than what is held back for the sake of a status.
func TestMetadataSeenBeforeItIsTold(t *testing.T) {
	index := &toldLate{Index: memstore.NewIndex()}
	st := store.New(index, memstore.NewBlobs(), store.Options{})
	s, err := New(st, Options{PublicURL: "http://pacs.example"})
	if err != nil {
		t.Fatal(err)
	}
	image := dicomtest.Image{Study: "s", Series: "a", With: []any{dicom.ImageComments, strings.Repeat("long ", 2000)}}
	ref := image.Instance().DataSet.Ref()
	ref.Instance = ""
	const before = 2 * metadataBuffer / 10000
	for image.Number = 1; image.Number <= before+1; image.Number++ {
		if image.Number > before {
			if _, err := s.stateOf(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
			index.seen = func() {
				for _, coding := range contentCodings {
					w := (&archive{t: t, server: s}).get(ref, "/metadata", "", "Accept-Encoding", coding)
					if all := objectsOf(t, w, coding); len(all) < before || len(all) > before && w.Header().Get("ETag") != "" {
						t.Errorf("%q: %d instances, %v", coding, len(all), w.Header())
					}
				}
			}
		}
		if _, err := st.Ingest(t.Context(), bytes.NewReader(image.File()), ""); err != nil {
			t.Fatal(err)
		}
		s.background.Wait()
	}
}

// TestAsNamed reads instances 1 and 2 under names that are those of others, and while others are there already.
func TestAsNamed(t *testing.T) {
	of := func(blobs ...byte) (digest string) {
		for _, blob := range blobs {
			digest = digestWith(digest, store.BlobID{blob})
		}
		return digest
	}
	for _, test := range []struct {
		name       string
		named, now string
		passed     int
		err        error
	}{
		{"these", of(1, 2), of(1, 2), 2, nil},
		{"these, and another has come since", of(1, 2), of(1, 2, 3), 0, errChanged},
		{"one, and the other has come since", of(1), of(1, 2), 0, errChanged},
		{"one, and the other has come and gone", of(1), of(1), 2, errChanged},
		{"three, of which one has just gone", of(1, 2, 3), of(1, 2, 3), 2, errChanged},
		{"one that was replaced", of(1, 3), of(1, 3), 2, errChanged},
	} {
		passed, err := 0, error(nil)
		for _, err = range asNamed(test.named, func() (string, error) { return test.now, nil }, func(yield func(store.Metadata, error) bool) {
			_ = yield(store.Metadata{Blob: store.BlobID{1}}, nil) && yield(store.Metadata{Blob: store.BlobID{2}}, nil)
		}) {
			if err == nil {
				passed++
			}
		}
		if passed != test.passed || !errors.Is(err, test.err) {
			t.Errorf("%s: %d instances, %v", test.name, passed, err)
		}
	}
}

// codingWithout is what a server is asked for that has nothing ready.
func codingWithout(accepted string) string {
	if accepted == "" {
		return ""
	}
	return "gzip"
}

func plainBody(t *testing.T, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	if w.Header().Get("Content-Encoding") == "" {
		return w.Body.Bytes()
	}
	return decompressed(t, w)
}
