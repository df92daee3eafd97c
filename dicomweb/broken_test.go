package dicomweb

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// What fails after the first byte cuts the connection, so that no client takes half an answer for a whole one.
func TestFailureOnTheWay(t *testing.T) {
	im := dicomtest.Image{Rows: 4, Columns: 4, BitsAllocated: 8, Frames: 2}
	good, bad := rle(make([]byte, 16)), rle(make([]byte, 3))
	a := newArchive(t, encapsulate(t, im, [][][]byte{{good}, {bad}}, true))
	ts := httptest.NewServer(a.server)
	defer ts.Close()
	for below, accept := range map[string]string{"/frames/1,2": octets, "/rendered": `multipart/related; type="image/png"`} {
		r, err := http.NewRequest("GET", ts.URL+BasePath+a.refs[0].Path()+below, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		w, err := ts.Client().Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, w.Body)
			w.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: a response that is not whole ended as if it were", below)
		}
	}
	checkStatus(t, a.get(a.refs[0], "/frames/2,1", octets), 500, "frame 2") // before the first byte it is a status
	checkStatus(t, a.get(a.refs[0], "/frames/1", octets), 200)
}

// Viewers ask for everything at once.
func TestManyAtOnce(t *testing.T) {
	im := dicomtest.Image{Rows: 64, Columns: 64, Frames: 8}
	a := newArchive(t, im.File())
	want := map[string][]byte{}
	targets := []string{
		"/rendered", "/frames/3/rendered?viewport=32,32", "/thumbnail", "/frames/8", "/metadata", "/frames/1,2,3/rendered", "/bulkdata/7FE00010",
	}
	for _, target := range targets {
		want[target] = a.get(a.refs[0], target, "").Body.Bytes()
	}
	fresh := newArchive(t, im.File())
	var wg sync.WaitGroup
	for range 8 {
		for _, target := range targets {
			wg.Go(func() {
				if w := fresh.get(fresh.refs[0], target, ""); !bytes.Equal(w.Body.Bytes(), want[target]) {
					t.Errorf("%s: %d, %d bytes, want %d", target, w.Code, w.Body.Len(), len(want[target]))
				}
			})
		}
	}
	wg.Wait()
}
