package dicomweb

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
)

// What fails after the first byte cuts the connection, so that no client takes half an answer for a whole one.
func TestFailureOnTheWay(t *testing.T) {
	im := dicomtest.Image{Rows: 4, Columns: 4, BitsAllocated: 8, Frames: 2}
	good, bad := rle(make([]byte, 16)), rle(make([]byte, 3))
	a := newArchive(t, encapsulate(t, im, [][][]byte{{good}, {bad}}, true))
	ts := httptest.NewServer(a.server)
	defer ts.Close()
	r, err := http.NewRequest("GET", ts.URL+BasePath+a.refs[0].Path()+"/frames/1,2", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", octets)
	w, err := ts.Client().Do(r)
	if err == nil {
		_, err = io.Copy(io.Discard, w.Body)
		w.Body.Close()
	}
	if err == nil {
		t.Error("a response that is not whole ended as if it were")
	}
	checkStatus(t, a.get(a.refs[0], "/frames/2,1", octets), 406, "frame 2") // before the first byte it is a status
	checkStatus(t, a.get(a.refs[0], "/frames/1", octets), 200)
}

// A frame that cannot be shown keeps nobody from the others, and the answer names it (PS3.18 Table 10.4.3-1).
func TestOneBadFrame(t *testing.T) {
	im := dicomtest.Image{Rows: 4, Columns: 4, BitsAllocated: 8, Frames: 3}
	good, bad := rle(make([]byte, 16)), rle(make([]byte, 3))
	a := newArchive(t, encapsulate(t, im, [][][]byte{{good}, {bad}, {good}}, true), dicomtest.Image{Number: 2}.File())
	series := dicom.Ref{Study: a.refs[0].Study, Series: a.refs[0].Series}
	for ref, want := range map[dicom.Ref]int{a.refs[0]: 2, series: 3} {
		w := a.get(ref, "/rendered", `multipart/related; type="image/png"`)
		warning := w.Header().Get("Warning")
		if parts := partsOf(t, w); w.Code != 206 || len(parts) != want || !strings.Contains(warning, "frame 2 of instance "+string(a.refs[0].Instance)) {
			t.Errorf("%d, %d parts, Warning %q", w.Code, len(parts), warning)
		}
	}
	checkStatus(t, a.get(a.refs[0], "/frames/2/rendered", "*/*"), 406, "frame 2", "RLE")

	// What is found after the status was sent is a part of its own.
	c, err := a.server.latePicture(t.Context(), target{entry: entryOf(t, a, a.refs[0]), frame: 2}, offer{mediaType: "image/png"}, rendering{})
	b, _ := io.ReadAll(c.SectionReader)
	if err != nil || c.contentType != "application/problem+json" || !bytes.Contains(b, []byte("frame 2")) {
		t.Errorf("%v, %s: %s", err, c.contentType, b)
	}
}

func entryOf(t *testing.T, a *archive, ref dicom.Ref) *store.Entry {
	t.Helper()
	e, err := a.server.entry(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return e
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
