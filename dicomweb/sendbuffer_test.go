package dicomweb

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// pieces is a response that keeps its writes apart.
type pieces struct {
	header http.Header
	writes [][]byte
}

func (p *pieces) Header() http.Header { return p.header }
func (p *pieces) WriteHeader(int)     {}
func (p *pieces) Write(b []byte) (int, error) {
	p.writes = append(p.writes, bytes.Clone(b))
	return len(b), nil
}

// A frame of 512 KiB leaves in one write, with the header in front of it and the boundary behind it.
func TestFrameInOneWrite(t *testing.T) {
	a := newArchive(t, dicomtest.Image{Rows: 512, Columns: 512}.File())
	for _, accept := range []string{octetsAny, `multipart/related; type="application/octet-stream"; transfer-syntax=*`} {
		want := a.get(a.refs[0], "/frames/1", accept)
		checkStatus(t, want, 200)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://pacs.example"+BasePath+a.refs[0].Path()+"/frames/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		got := &pieces{header: http.Header{}}
		a.server.ServeHTTP(got, r)
		if len(got.writes) != 1 || want.Body.Len() < 512<<10 || !bytes.Equal(bytes.Join(got.writes, nil), want.Body.Bytes()) {
			t.Errorf("%s: %d writes", accept, len(got.writes))
		}
	}
}

// Many who stand still hold little: only so many have a large buffer. What goes through the small ones is the same.
func TestLargeSendBuffersAreFew(t *testing.T) {
	var all []sendBuffer
	for range largeBuffers + 3 {
		all = append(all, newSendBuffer(io.Discard))
	}
	large := 0
	for _, b := range all {
		if b.large {
			large++
		}
		if want := map[bool]int{true: largeBuffer, false: smallBuffer}[b.large]; b.Size() != want {
			t.Errorf("a buffer of %d bytes, want %d", b.Size(), want)
		}
	}
	if large > largeBuffers || large == 0 {
		t.Errorf("%d large ones", large)
	}
	content := bytes.Repeat([]byte("0123456789"), 50_000)
	var sent bytes.Buffer
	small := newSendBuffer(&sent)
	if n, err := small.readFrom(bytes.NewReader(content)); small.large || n != int64(len(content)) || err != nil || !bytes.Equal(sent.Bytes(), content) {
		t.Errorf("%v %d of %d: %v", small.large, n, len(content), err)
	}
	small.giveBack()
	for _, b := range all {
		b.giveBack()
	}
	if again := newSendBuffer(io.Discard); !again.large {
		t.Error("none was given back")
	} else {
		again.giveBack()
	}
}
