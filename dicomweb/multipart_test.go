package dicomweb

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMediaType(t *testing.T) {
	for s, want := range map[string]mediaType{
		`multipart/related; type="application/dicom"; boundary="a b"`:            {"multipart/related", map[string]string{"type": "application/dicom", "boundary": "a b"}},
		`multipart/related; boundary=a/b=c:d?e,(f)+_-.'; type=application/dicom`: {"multipart/related", map[string]string{"type": "application/dicom", "boundary": "a/b=c:d?e,(f)+_-.'"}},
		`Multipart/Related;TYPE=x;Boundary=AbC`:                                  {"multipart/related", map[string]string{"type": "x", "boundary": "AbC"}},
		`multipart/related; boundary="q\"uo\\te"`:                                {"multipart/related", map[string]string{"boundary": `q"uo\te`}},
		`multipart/related;; ;boundary=first; boundary=second`:                   {"multipart/related", map[string]string{"boundary": "first"}},
		`multipart/related; start="<a@b>"; start-info=x; boundary=b`:             {"multipart/related", map[string]string{"start": "<a@b>", "start-info": "x", "boundary": "b"}},
		`application/dicom;transfer-syntax=1.2.840.10008.1.2.1`:                  {"application/dicom", map[string]string{"transfer-syntax": "1.2.840.10008.1.2.1"}},
		`application/dicom`:                        {"application/dicom", nil},
		`multipart/related; boundary="open`:        {"multipart/related", map[string]string{"boundary": "open"}},
		`multipart/related; boundary="a"b; type=c`: {"multipart/related", map[string]string{"boundary": "a", "type": "c"}},
		``: {"", nil},
	} {
		if diff := cmp.Diff(want, parseMediaType(s), cmp.AllowUnexported(mediaType{})); diff != "" {
			t.Errorf("%s\n%s", s, diff)
		}
	}
}

// What we write a strict reader must understand, and its length must be what was announced.
func TestMultipartWriter(t *testing.T) {
	parts := []struct {
		partHeader
		body string
	}{
		{partHeader{`image/jls; transfer-syntax=1.2.840.10008.1.2.4.80`, "http://h/dicom-web/studies/1/frames/1", 5}, "hello"},
		{partHeader{`application/octet-stream`, "", 0}, ""},
		{partHeader{`application/dicom`, "http://h/x", 8}, "\r\n--b\r\n\r"},
	}
	w := httptest.NewRecorder()
	m := newMultipart(w.Header(), w, "image/jls", "noctis-0123456789abcdef")
	var heads []partHeader
	for _, p := range parts {
		heads = append(heads, p.partHeader)
	}
	length := m.length(heads)
	for _, p := range parts {
		if err := m.begin(p.partHeader); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, p.body)
	}
	if err := m.end(); err != nil {
		t.Fatal(err)
	}
	if int64(w.Body.Len()) != length {
		t.Errorf("%d bytes, announced %d", w.Body.Len(), length)
	}
	name, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil || name != "multipart/related" || params["type"] != "image/jls" {
		t.Fatalf("Content-Type %q: %v", w.Header().Get("Content-Type"), err)
	}
	r := multipart.NewReader(w.Body, params["boundary"])
	for _, p := range parts {
		got, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got)
		if err != nil || string(body) != p.body || got.Header.Get("Content-Type") != p.contentType ||
			got.Header.Get("Content-Location") != p.location {
			t.Errorf("part %+v: %q, %v, %v", p, body, got.Header, err)
		}
	}
	if _, err := r.NextRawPart(); err != io.EOF {
		t.Errorf("after the last part: %v", err)
	}
}

func TestPartReader(t *testing.T) {
	for name, test := range map[string]struct {
		body  string
		parts []string
		err   error
	}{
		"two":                 {"--b\r\nContent-Type: a/b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", []string{"one", "two"}, io.EOF},
		"leading line":        {"\r\n--b\r\n\r\none\r\n--b--", []string{"one"}, io.EOF},
		"preamble, epilogue":  {"hello\r\n--b\r\n\r\none\r\n--b--\r\nbye", []string{"one"}, io.EOF},
		"boundary in data":    {"--b\r\n\r\nx--by\r\n--bb\r\n\r\n--b--", []string{"x--by\r\n--bb\r\n"}, io.EOF},
		"quoted-printable":    {"--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--b--", []string{"=41"}, io.EOF},
		"empty":               {"--b--\r\n", nil, io.EOF},
		"nothing":             {"", nil, errBrokenOff},
		"other boundary":      {"--c\r\n\r\none\r\n--c--", nil, errBrokenOff},
		"no closing boundary": {"--b\r\n\r\none\r\n--b\r\n\r\ntwo", []string{"one"}, io.ErrUnexpectedEOF},
		"ends in a header":    {"--b\r\n\r\none\r\n--b\r\nContent-Type: a", []string{"one"}, errBrokenOff},
		"ends at a boundary":  {"--b\r\n\r\none\r\n--b\r\n", []string{"one"}, errBrokenOff},
	} {
		r, err := newPartReader(strings.NewReader(test.body), parseMediaType("multipart/related; boundary=b"), 10)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		var body []byte
		for err == nil {
			var p *bodyPart
			if p, err = r.next(); err != nil {
				break
			}
			if body, err = io.ReadAll(p); err == nil {
				parts = append(parts, string(body))
			}
		}
		if diff := cmp.Diff(test.parts, parts); diff != "" || !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, want %v; parts %s", name, err, test.err, diff)
		}
	}
}

// Boundaries that are longer than RFC 2046 5.1.1 allows are taken: the DICOMweb plugin of Orthanc sends two UUIDs.
func TestPartReaderLongBoundary(t *testing.T) {
	for _, boundary := range []string{"d7f01029-dcb1-4631-a237-d00ccd57cc38-d7f01029-dcb1-4631-a237-d00ccd57cc38", strings.Repeat("x", maxBoundary)} {
		for _, size := range []int{0, 1, partBuffer - len(boundary), partBuffer, 3*partBuffer + 1} {
			body := strings.Repeat("y", size)
			message := "--" + boundary + "\r\n\r\n" + body + "\r\n--" + boundary + "--"
			r, err := newPartReader(strings.NewReader(message), parseMediaType("multipart/related; boundary="+boundary), 2)
			if err != nil {
				t.Fatal(err)
			}
			p, err := r.next()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(p)
			if _, end := r.next(); err != nil || string(got) != body || end != io.EOF {
				t.Errorf("boundary of %d, body of %d: %d, %v, %v", len(boundary), size, len(got), err, end)
			}
		}
	}
}

func TestPartReaderLimits(t *testing.T) {
	m := parseMediaType("multipart/related; boundary=b")
	r, _ := newPartReader(strings.NewReader(strings.Repeat("--b\r\n\r\nx\r\n", 5)+"--b--"), m, 3)
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = r.next()
	}
	if n != 4 || problemOf(err).status != 413 {
		t.Errorf("5 parts of 3 allowed: stopped at the %dth with %v", n, err)
	}
	for lines, status := range map[int]int{10: 200, 100: 413, 20_000: 413} {
		r, _ = newPartReader(strings.NewReader("--b\r\n"+strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", lines)+"\r\n--b--"), m, 3)
		if _, err := r.next(); (err != nil) != (status != 200) || err != nil && problemOf(err).status != status {
			t.Errorf("a header of %d KB: %v, want %d", lines, err, status)
		}
	}
	r, _ = newPartReader(strings.NewReader(strings.Repeat("x", 100_000)+"\r\n--b\r\n\r\nx\r\n--b--"), m, 3)
	if _, err := r.next(); err == nil || problemOf(err).status != 400 {
		t.Errorf("a long line before the first boundary: %v, want 400", err)
	}
	for _, s := range []string{"multipart/related", "multipart/related; boundary=\"\"", "multipart/related; boundary=" + strings.Repeat("x", maxBoundary+1)} {
		if _, err := newPartReader(nil, parseMediaType(s), 3); err == nil || problemOf(err).status != 400 {
			t.Errorf("%.60s: %v, want 400", s, err)
		}
	}
}

func FuzzContentType(f *testing.F) {
	for _, s := range []string{
		`multipart/related; type="application/dicom"; boundary="a b"`, `a/b;c=d/e=f`, `;"=,`, `a; b="\`, `multipart/related; boundary=ä`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := parseMediaType(s)
		if m.name != strings.ToLower(m.name) {
			t.Fatalf("%q: name %q", s, m.name)
		}
		// What the strict parser of the standard library takes must mean the same to us.
		name, params, err := mime.ParseMediaType(s)
		if err != nil || strings.ContainsAny(s, "*%\\") { // RFC 2231, and its own reading of backslashes
			return
		}
		if name != m.name || params["boundary"] != m.params["boundary"] || params["type"] != m.params["type"] {
			t.Fatalf("%q: %q %v, the standard library has %q %v", s, m.name, m.params, name, params)
		}
	})
}

func FuzzMultipart(f *testing.F) {
	f.Add("b", "--b\r\nContent-Type: a/b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n")
	f.Add("b", "--b\r\n\r\none\r\n--b")
	f.Add("a b", "\r\n--a b  \r\n\r\n\r\n--a b--")
	f.Fuzz(func(t *testing.T, boundary, body string) {
		r, err := newPartReader(strings.NewReader(body), mediaType{params: map[string]string{"boundary": boundary}}, 5)
		if err != nil {
			return
		}
		total := 0
		for range 7 {
			p, err := r.next()
			if err != nil {
				return
			}
			n, _ := io.Copy(io.Discard, p)
			if total += int(n); total > len(body) {
				t.Fatalf("more bytes than the body has")
			}
		}
		t.Fatal("more parts than allowed")
	})
}
