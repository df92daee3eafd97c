package dicomweb

import (
	"compress/gzip"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestLongResults: results are what they were made of, in their order and with their lengths, however long; and of a long one no more than its text
// in DICOM JSON is in memory until it is sent.
func TestLongResults(t *testing.T) {
	short, long := &dicom.DataSet{}, &dicom.DataSet{}
	short.SetStrings(dicom.PatientName, dicom.PN, "Doe^Jane")
	for i := range dicom.Tag(40_000) {
		long.SetStrings(dicom.NewTag(0x6001, 0x1000)+i, dicom.SH, "a<b")
	}
	all := []*dicom.DataSet{short, long, short, long}
	for _, o := range multipartOffers {
		appendTo := (*dicom.DataSet).AppendXML
		if strings.HasSuffix(o.mediaType, "json") {
			appendTo = (*dicom.DataSet).AppendJSON
		}
		results, most := newResultWriter(o), 0
		for _, ds := range all {
			text, err := ds.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			most += len(text) + 2*headLength
			if err := results.add(ds); err != nil {
				t.Fatal(err)
			}
			if n := results.length(); n > most {
				t.Errorf("%s: %d bytes are in memory for texts of %d", o.mediaType, n, most)
			}
		}
		mediaType, body := results.end()
		for _, coding := range []string{"", "gzip"} {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept-Encoding", coding)
			if err := body.respond(w, r, http.StatusOK, mediaType); err != nil {
				t.Fatal(err)
			}
			h, sent := w.Header(), io.Reader(w.Body)
			if n := h.Get("Content-Length"); n != "" && n != strconv.Itoa(w.Body.Len()) || n == "" && coding == "" {
				t.Errorf("%s: %q for %d bytes", o.mediaType, n, w.Body.Len())
			}
			if h.Get("Content-Encoding") != coding {
				t.Errorf("%s: %v", o.mediaType, h)
			}
			if coding == "gzip" {
				var err error
				if sent, err = gzip.NewReader(sent); err != nil {
					t.Fatal(err)
				}
			}
			_, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			parts := multipart.NewReader(sent, parameters["boundary"])
			for i, ds := range all {
				want, err := appendTo(ds, nil)
				if err != nil {
					t.Fatal(err)
				}
				p, err := parts.NextPart()
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(p)
				if err != nil || string(got) != string(want) || p.Header.Get("Content-Length") != strconv.Itoa(len(want)) {
					t.Errorf("%s: result %d has %d bytes and says %s, want %d; %v", o.mediaType, i, len(got), p.Header.Get("Content-Length"), len(want), err)
				}
			}
			if _, err := parts.NextPart(); err != io.EOF {
				t.Errorf("%s: %v after the last", o.mediaType, err)
			}
		}
	}
}
