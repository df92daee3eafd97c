package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// failingBlobs are blobs on a disk that is full, or broken: at the first byte of a blob, or when they are to be made durable.
type failingBlobs struct {
	*memstore.Blobs
	create, commit error
}

func (f *failingBlobs) Create(ctx context.Context) (store.BlobWriter, error) {
	if f.create != nil {
		return nil, f.create
	}
	return f.Blobs.Create(ctx)
}

func (f *failingBlobs) Commit(ctx context.Context, writers ...store.BlobWriter) ([]store.BlobInfo, error) {
	if f.commit != nil {
		return nil, f.commit
	}
	return f.Blobs.Commit(ctx, writers...)
}

// Out of resources is 503, with the instances that were not stored, and no instance is there afterwards (PS3.18 I.2.2, A7xx).
func TestStoreOutOfResources(t *testing.T) {
	for name, test := range map[string]struct {
		blobs  failingBlobs
		status int
		want   string // in Warning
	}{
		"full at the start":   {failingBlobs{create: fmt.Errorf("blob: %w", store.ErrNoSpace)}, 503, "A700"},
		"full at the end":     {failingBlobs{commit: fmt.Errorf("blob: %w", store.ErrNoSpace)}, 503, "A700"},
		"disk failed":         {failingBlobs{commit: fmt.Errorf("sync: %w", store.ErrPoisoned)}, 503, "A700"},
		"disk failed earlier": {failingBlobs{create: store.ErrPoisoned}, 503, "A700"},
		"something else":      {failingBlobs{commit: io.ErrClosedPipe}, 500, "the server failed"},
	} {
		test.blobs.Blobs = memstore.NewBlobs()
		s, err := New(store.New(memstore.NewIndex(), &test.blobs, store.Options{}), Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		body := appendBody(t, appendBody(t, appendBody(t, nil, "part ct1"), "part ct2"), "end")
		r := httptest.NewRequest("POST", "/dicom-web/studies", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/related; boundary=b")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		told := strings.Join(w.Header().Values("Warning"), "\n") + w.Body.String()
		if w.Code != test.status || (w.Header().Get("Retry-After") != "") != (test.status == 503) || !strings.Contains(told, test.want) {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if strings.Contains(w.Body.String(), "00081199") {
			t.Errorf("%s: instances are said to be stored: %s", name, w.Body)
		}
		for ds := range s.store.Search(context.Background(), instanceQuery()) {
			t.Errorf("%s: %v is there", name, ds.Ref())
		}
	}
}

// A request of which nothing can be read is not looked at to its end, whatever comes then.
func TestStoreGivesUp(t *testing.T) {
	for _, part := range []string{"--b\r\n\r\n1\r\n", "--b\r\nContent-Type: multipart/related; boundary=b\r\n\r\n", "--b\r\nContent-Type: application/dicom+json\r\n\r\n1\r\n"} {
		for extra, want := range []int{409, 413} {
			body := strings.Repeat(part, mostRefused+extra) + "\r\n--b--\r\n"
			r := httptest.NewRequest("POST", "/dicom-web/studies", strings.NewReader(body))
			r.Header.Set("Content-Type", "multipart/related; boundary=b")
			w := httptest.NewRecorder()
			newArchive(t).server.ServeHTTP(w, r)
			if refused := strings.Count(w.Body.String(), "00081197"); w.Code != want || refused != mostRefused {
				t.Errorf("%.60q, %d parts more: %d, %d are refused: %.300s", part, extra, w.Code, refused, w.Body)
			}
		}
	}
	// What is good is stored, and found in a crowd.
	body := appendBody(t, []byte(strings.Repeat("--b\r\n\r\n1\r\n", mostRefused-1)), "part ct1")
	body = append(body, "\r\n"+strings.Repeat("--b\r\n\r\n1\r\n", mostRefused)...)
	r := httptest.NewRequest("POST", "/dicom-web/studies", bytes.NewReader(appendBody(t, body, "end")))
	r.Header.Set("Content-Type", "multipart/related; boundary=b")
	w := httptest.NewRecorder()
	newArchive(t).server.ServeHTTP(w, r)
	if w.Code != 202 {
		t.Errorf("%d %.300s", w.Code, w.Body)
	}
}

// Many clients at once send the same instance, and others beside it: every one is told of success.
func TestStoreConcurrently(t *testing.T) {
	s, ts, _ := stowServer(t)
	names := []string{"ct1", "ct2", "ct3", "mr1"}
	files := map[string][]byte{}
	for _, name := range names {
		files[name] = fileNamed(t, name)
	}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			resp, err := ts.Client().Post(ts.URL+"/dicom-web/studies", "application/dicom", bytes.NewReader(files[names[i%4]]))
			if err != nil || resp.StatusCode != 200 {
				t.Error(resp, err)
				return
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	ts.Close()
	if n, err := s.store.Count(context.Background(), instanceQuery()); n != 4 || err != nil {
		t.Errorf("%d instances, %v", n, err)
	}
	got := gathered(t, s)
	if got["noctis_stored_instances_total"] != 4 || got["noctis_duplicate_instances_total"] != 28 {
		t.Errorf("stored %v, duplicates %v", got["noctis_stored_instances_total"], got["noctis_duplicate_instances_total"])
	}
}

// discardBlobs keep nothing, so that the memory of a test is that of the server.
type discardBlobs struct{ *memstore.Blobs }

type discardWriter struct{ store.BlobWriter }

func (discardWriter) Write(p []byte) (int, error) { return len(p), nil }

func (d discardBlobs) Create(ctx context.Context) (store.BlobWriter, error) {
	w, err := d.Blobs.Create(ctx)
	return discardWriter{w}, err
}

// An instance of any size goes through in bounded memory: 300 MB of it cost less than 16.
func TestStoreStreams(t *testing.T) {
	head := appendBody(t, nil, "part ct1")
	if n := leastAllocated(func() {
		s, err := New(store.New(memstore.NewIndex(), discardBlobs{memstore.NewBlobs()}, store.Options{}), Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/dicom-web/studies", io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, 300<<20)))
		r.Header.Set("Content-Type", "multipart/related; boundary=b")
		s.ServeHTTP(httptest.NewRecorder(), r)
	}); n > 16<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// leastAllocated returns the fewest bytes that a few calls of f took: what goroutines of earlier tests still allocate meanwhile is counted
// with some of them.
func leastAllocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
