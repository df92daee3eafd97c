package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// countingBlobs counts the bytes that are read.
type countingBlobs struct {
	*memstore.Blobs
	read atomic.Int64
}

func (c *countingBlobs) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	b, err := c.Blobs.Open(ctx, id)
	return &countingBlob{b, c}, err
}

type countingBlob struct {
	store.Blob
	all *countingBlobs
}

func (b *countingBlob) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Blob.ReadAt(p, off)
	b.all.read.Add(int64(n))
	return n, err
}

// Frame 1,000 of a compressed multi-frame costs what frame 1 costs: its own bytes, with an offset table or without.
func TestTheLastFrameCostsNoMoreThanTheFirst(t *testing.T) {
	const frames = 1000
	encoded := rle(bytes.Repeat([]byte{7}, 256))
	for _, offsets := range []bool{true, false} {
		image := dicomtest.Image{BitsAllocated: 8, Frames: frames}
		fragments := make([][][]byte, frames)
		for i := range fragments {
			fragments[i] = [][]byte{encoded}
		}
		blobs := &countingBlobs{Blobs: memstore.NewBlobs()}
		st := store.New(memstore.NewIndex(), blobs, store.Options{})
		s, err := New(st, Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := st.Ingest(t.Context(), bytes.NewReader(encapsulate(t, image, fragments, offsets)), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, accept := range []string{octetsAny, octets, "image/dicom-rle"} {
			for _, n := range []int{1, frames} {
				before := blobs.read.Load()
				r := httptest.NewRequest("GET", fmt.Sprintf("%s%s/frames/%d", BasePath, receipt.Ref.Path(), n), nil)
				r.Header.Set("Accept", accept)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if read := blobs.read.Load() - before; w.Code != http.StatusOK || read != int64(len(encoded)) {
					t.Errorf("frame %d, %s, offsets %v: %d, %d bytes read, of a frame of %d", n, accept, offsets, w.Code, read, len(encoded))
				}
			}
		}
	}
}

// What the kernel copies from a file is what is asked for: one frame, one of several parts, a range, a whole file.
func TestFromFileToSocket(t *testing.T) {
	s := newBenchServer(t)
	image := dicomtest.Image{Study: "large", Series: "large", Number: 1, Rows: 512, Columns: 512}
	ref := s.ingest(t, "large", 1, 512)[0]
	pixels, _ := image.Instance().DataSet.Get(dicom.PixelData)
	frame, file := []byte(pixels.Value.(dicom.Bytes)), image.File()
	get := func(below string, header ...string) []byte {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.web.URL+BasePath+ref.Path()+below, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || int64(len(body)) != response.ContentLength {
			t.Errorf("%s: %d bytes of %d, %v", below, len(body), response.ContentLength, err)
		}
		return body
	}
	if !bytes.Equal(get("/frames/1", "Accept", "application/octet-stream"), frame) {
		t.Error("another frame")
	}
	if !bytes.Equal(get("/frames/1", "Accept", "application/octet-stream", "Range", "bytes=1001-400000"), frame[1001:400001]) {
		t.Error("another range of the frame")
	}
	if part := get("/frames/1", "Accept", octets); strings.Count(string(part), string(frame)) != 1 {
		t.Error("another part")
	}
	if !bytes.Equal(get("", "Accept", "application/dicom"), file) {
		t.Error("another file")
	}
	if !bytes.Equal(get("", "Accept", "application/dicom", "Range", "bytes=-300000"), file[len(file)-300000:]) {
		t.Error("another range of the file")
	}
}
