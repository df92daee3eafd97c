package dicomweb

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// archive is a server with files in it.
type archive struct {
	t      *testing.T
	server *Server
	blobs  *memstore.Blobs
	log    *bytes.Buffer
	refs   []dicom.Ref // in the order of the files
}

// newArchive stores the files.
func newArchive(t *testing.T, files ...[]byte) *archive {
	t.Helper()
	a := &archive{t: t, blobs: memstore.NewBlobs(), log: &bytes.Buffer{}}
	st := store.New(memstore.NewIndex(), a.blobs, store.Options{})
	var err error
	a.server, err = New(st, Options{
		PublicURL: "http://pacs.example", MaxDecodes: 2, Log: slog.New(slog.NewTextHandler(a.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		receipt, err := st.Ingest(t.Context(), bytes.NewReader(file), "")
		if err != nil {
			t.Fatalf("file %d: %v", i, err)
		}
		a.refs = append(a.refs, receipt.Ref)
	}
	return a
}

// get asks for what lies below the path of the reference; accept "" sends no Accept.
func (a *archive) get(ref dicom.Ref, below, accept string, header ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	if accept != "" {
		header = append(header, "Accept", accept)
	}
	return a.request("GET", BasePath+ref.Path()+below, header...)
}

func (a *archive) request(method, target string, header ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.server.ServeHTTP(w, r)
	return w
}

// loseBlob removes the file of an instance behind the index's back.
func (a *archive) loseBlob(ref dicom.Ref) {
	a.t.Helper()
	for e, err := range a.server.store.Entries(a.t.Context(), ref) {
		if err != nil {
			a.t.Fatal(err)
		}
		if err := a.blobs.Remove(a.t.Context(), e.Blob); err != nil {
			a.t.Fatal(err)
		}
	}
}

// aPart is a part of a response.
type aPart struct {
	contentType, location string
	body                  []byte
}

// partsOf reads a multipart/related response; a response of one part counts as well.
func partsOf(t *testing.T, w *httptest.ResponseRecorder) []aPart {
	t.Helper()
	if w.Code != http.StatusOK && w.Code != http.StatusPartialContent {
		t.Fatalf("status %d: %.500s", w.Code, w.Body)
	}
	if n := w.Header().Get("Content-Length"); n != "" && n != strconv.Itoa(w.Body.Len()) {
		t.Errorf("Content-Length %s of %d bytes", n, w.Body.Len())
	}
	name, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if name != "multipart/related" {
		return []aPart{{w.Header().Get("Content-Type"), w.Header().Get("Content-Location"), w.Body.Bytes()}}
	}
	var parts []aPart
	reader := multipart.NewReader(bytes.NewReader(w.Body.Bytes()), params["boundary"])
	for {
		p, err := reader.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		if n := p.Header.Get("Content-Length"); n != strconv.Itoa(len(body)) {
			t.Errorf("part %d: Content-Length %s of %d bytes", len(parts)+1, n, len(body))
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if len(parts) == 0 && kind != params["type"] {
			t.Errorf("the type of the response is %s, that of the first part %s", params["type"], kind)
		}
		parts = append(parts, aPart{p.Header.Get("Content-Type"), p.Header.Get("Content-Location"), body})
	}
	if len(parts) == 0 {
		t.Fatal("no parts")
	}
	return parts
}

// checkStatus checks the status and, of an error, that it is a problem document that says all that is wanted.
func checkStatus(t *testing.T, w *httptest.ResponseRecorder, status int, says ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %.300s", w.Code, status, w.Body)
		return
	}
	if status < 400 {
		return
	}
	var problem struct{ Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("no problem document: %s, %v", w.Header().Get("Content-Type"), err)
	}
	for _, s := range says {
		if !strings.Contains(problem.Detail, s) {
			t.Errorf("the detail %q does not say %q", problem.Detail, s)
		}
	}
}

// encapsulate writes an image whose frames lie in the fragments given: fragments[frame][fragment].
func encapsulate(t *testing.T, im dicomtest.Image, fragments [][][]byte, offsets bool) []byte {
	t.Helper()
	im.TransferSyntax = cmpUID(im.TransferSyntax, "1.2.840.10008.1.2.5")
	in := im.Instance()
	in.DataSet.Delete(dicom.PixelData)
	in.Frames = nil
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	item := func(b []byte, element uint16, value []byte) []byte {
		b = binary.LittleEndian.AppendUint16(b, 0xFFFE)
		b = binary.LittleEndian.AppendUint16(b, element)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
		return append(b, value...)
	}
	var table, items []byte
	for _, frame := range fragments {
		table = binary.LittleEndian.AppendUint32(table, uint32(len(items)))
		for _, fragment := range frame {
			items = item(items, 0xE000, fragment)
		}
	}
	if !offsets {
		table = nil
	}
	file = append(file, 0xE0, 0x7F, 0x10, 0x00, 'O', 'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF)
	file = item(file, 0xE000, table)
	file = append(file, items...)
	return item(file, 0xE0DD, nil)
}

func cmpUID(a, b dicom.UID) dicom.UID {
	if a != "" {
		return a
	}
	return b
}

func TestRetrieveInstance(t *testing.T) {
	file := dicomtest.Image{}.File()
	a := newArchive(t, file)
	ref := a.refs[0]
	url := "http://pacs.example/dicom-web" + ref.Path()
	const labelled = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
	for _, accept := range []string{
		"", "*/*", `multipart/related; type="application/dicom"`, "multipart/related;type=application/dicom;transfer-syntax=*",
		`multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1`, "application/dicom",
		"application/dicom; transfer-syntax=*", `multipart/related; type="*/*"`, "application/*", "text/html, */*; q=.2",
		"multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.110, application/dicom; q=0.1",
	} {
		w := a.get(ref, "", accept)
		parts := partsOf(t, w)
		if len(parts) != 1 || !bytes.Equal(parts[0].body, file) {
			t.Errorf("Accept %q: not the stored file", accept)
		}
		if p := parts[0]; p.contentType != labelled || p.location != url {
			t.Errorf("Accept %q: Content-Type %s, Content-Location %s", accept, p.contentType, p.location)
		}
		single := w.Header().Get("Content-Type") == labelled
		if want := strings.HasPrefix(accept, "application/") || strings.HasSuffix(accept, "q=0.1"); single != want {
			t.Errorf("Accept %q: single part is %v", accept, single)
		}
		for _, name := range []string{"ETag", "Last-Modified", "Content-Length"} {
			if w.Header().Get(name) == "" {
				t.Errorf("Accept %q: no %s", accept, name)
			}
		}
		if v := w.Header().Get("Cache-Control"); v != "private, no-cache" {
			t.Errorf("Cache-Control %s", v)
		}
		again := a.get(ref, "", accept, "If-None-Match", `"x", W/`+w.Header().Get("ETag"))
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("ETag") == "" {
			t.Errorf("Accept %q: a client that has it gets %d", accept, again.Code)
		}
		if other := a.get(ref, "", accept); !bytes.Equal(other.Body.Bytes(), w.Body.Bytes()) {
			t.Errorf("Accept %q: a strong ETag, but other bytes", accept)
		}
		head := a.request("HEAD", BasePath+ref.Path(), "Accept", accept)
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Length") != w.Header().Get("Content-Length") {
			t.Errorf("HEAD, Accept %q: %d, Content-Length %s", accept, head.Code, head.Header().Get("Content-Length"))
		}
	}
	w := a.get(ref, "", "application/dicom", "Range", "bytes=128-131")
	if w.Code != http.StatusPartialContent || w.Body.String() != "DICM" {
		t.Errorf("range: %d %q", w.Code, w.Body)
	}
	checkStatus(t, a.get(ref, "", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.110"), 406, "1.2.840.10008.1.2.1")
	checkStatus(t, a.get(ref, "", "image/tiff"), 406, "application/dicom")
	other := ref
	other.Instance = "1.2.3"
	checkStatus(t, a.get(other, "", ""), 404, "1.2.3")
	other = ref
	other.Study = "1.2.3" // the instance lies in another study
	checkStatus(t, a.get(other, "", ""), 404)
	checkStatus(t, a.request("GET", BasePath+"/studies/1..2"), 400, "study")
}

func TestRetrieveStudy(t *testing.T) {
	files := [][]byte{
		dicomtest.Image{Series: "a", Number: 1}.File(),
		dicomtest.Image{Series: "a", Number: 2, TransferSyntax: dicom.ImplicitVRLittleEndian}.File(),
		dicomtest.Image{Series: "b", Number: 1, BitsAllocated: 8}.File(),
	}
	a := newArchive(t, files...)
	study := dicom.Ref{Study: a.refs[0].Study}
	series := dicom.Ref{Study: a.refs[0].Study, Series: a.refs[0].Series}
	for _, test := range []struct {
		ref  dicom.Ref
		want int
	}{{study, 3}, {series, 2}} {
		w := a.get(test.ref, "", `multipart/related; type="application/dicom"; transfer-syntax=*`)
		parts := partsOf(t, w)
		if len(parts) != test.want {
			t.Errorf("%d parts, want %d", len(parts), test.want)
		}
		for _, p := range parts {
			for i, ref := range a.refs {
				if strings.HasSuffix(p.location, ref.Path()) && !bytes.Equal(p.body, files[i]) {
					t.Errorf("%s is not the stored file", p.location)
				}
			}
		}
		if strings.Contains(w.Header().Get("Content-Length"), "-") || w.Header().Get("Content-Length") == "" {
			t.Error("no Content-Length")
		}
		checkStatus(t, a.get(test.ref, "", `multipart/related; type="application/dicom"; transfer-syntax=*`, "If-None-Match", w.Header().Get("ETag")), 304)
	}
	// A study has no single part, not even one with a single instance (PS3.18 Table 10.4.4-1, note 3).
	checkStatus(t, a.get(study, "", "application/dicom"), 406, "multipart/related")
	checkStatus(t, a.get(study, "", `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2`), 406)
	both := `multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1,
		multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2; q=0.5`
	if parts := partsOf(t, a.get(study, "", strings.ReplaceAll(both, "\n\t\t", " "))); len(parts) != 3 {
		t.Errorf("%d parts, want 3, each in one of two transfer syntaxes", len(parts))
	}
	first := a.get(study, "", "").Header().Get("ETag")
	a2 := newArchive(t, files[:2]...)
	if second := a2.get(study, "", "").Header().Get("ETag"); first == second {
		t.Error("another study, the same ETag")
	}
}

// The file of an instance is gone: that is said, and nobody gets half a study.
func TestRetrieveMissingBlob(t *testing.T) {
	a := newArchive(t,
		dicomtest.Image{Number: 1}.File(), dicomtest.Image{Number: 2}.File(), dicomtest.Image{Number: 3}.File())
	lost := a.refs[2]
	a.loseBlob(lost)
	study := dicom.Ref{Study: lost.Study}
	for _, test := range []struct {
		ref           dicom.Ref
		below, accept string
	}{
		{lost, "", "application/dicom"}, {lost, "", ""}, {study, "", ""}, {lost, "/frames/1", ""},
		{lost, "/frames/1", "application/octet-stream"}, {lost, "/bulkdata/7FE00010", ""}, {study, "", `multipart/related; type="application/octet-stream"`},
		{lost, "/rendered", ""}, {lost, "/frames/1/rendered", "image/png"}, {study, "/rendered", ""}, {lost, "/thumbnail", ""},
	} {
		w := a.get(test.ref, test.below, test.accept)
		checkStatus(t, w, 500, string(lost.Instance), "missing")
		if t.Failed() {
			t.Fatalf("%s%s, Accept %q", test.ref.Path(), test.below, test.accept)
		}
	}
	// What does not need the file goes on.
	checkStatus(t, a.get(lost, "/metadata", ""), 200)
	checkStatus(t, a.get(a.refs[0], "", ""), 200)
}

// application/octet-stream on an instance means its bulk data (PS3.18 Table 10.4.4-1, note 2).
func TestRetrieveBulkdataOfInstances(t *testing.T) {
	palette := bytes.Repeat([]byte{1, 2}, 4096)
	a := newArchive(t,
		dicomtest.Image{Number: 1, Frames: 2, With: []any{dicom.RedPaletteColorLookupTableData, palette}}.File(),
		dicomtest.Image{Number: 2}.File())
	w := a.get(dicom.Ref{Study: a.refs[0].Study}, "", `multipart/related; type="application/octet-stream"`)
	parts := partsOf(t, w)
	if len(parts) != 4 {
		t.Fatalf("%d parts, want the palette and three frames", len(parts))
	}
	base := "http://pacs.example/dicom-web"
	if p := parts[0]; p.location != base+a.refs[0].Path()+"/bulkdata/00281201" || !bytes.Equal(p.body, palette) {
		t.Errorf("the first part is %s with %d bytes", p.location, len(p.body))
	}
	if p := parts[2]; p.location != base+a.refs[0].Path()+"/frames/2" || len(p.body) != 512 {
		t.Errorf("the third part is %s with %d bytes", p.location, len(p.body))
	}
	checkStatus(t, a.get(dicom.Ref{Study: a.refs[0].Study}, "", "", "If-None-Match", w.Header().Get("ETag")), 200)
	checkStatus(t, a.get(dicom.Ref{Study: a.refs[0].Study}, "", `multipart/related; type="application/octet-stream"`,
		"If-None-Match", w.Header().Get("ETag")), 304)
}

// explained reports whether an error names the instance that it is about.
func explained(body string, ref dicom.Ref) bool { return strings.Contains(body, string(ref.Instance)) }
