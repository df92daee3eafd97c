package dicomweb

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// TestBodiesThatStop: whatever takes a body says of one that stands still that it has not come in time (RFC 9110 15.5.9), and of one that breaks
// off that it is not whole, however it is packed. Neither is a fault of the server.
func TestBodiesThatStop(t *testing.T) {
	w := newRouteWorld(t, newPeople(t))
	for _, rt := range w.routes() {
		contentType, body := w.mine.body(t, rt)
		link := strings.HasPrefix(rt.name, "link-") && rt.method == http.MethodPost
		if link || rt.name == "workitem-cancel" { // whose bodies may be missing
			contentType, body = mediaJSON, []byte(`{"00741238":{"vr":"LT","Value":["not needed any more"]}}`)
		}
		if takes := strings.Contains(" "+capabilityOf(rt).failure+" ", " 408 "); takes != (len(body) > 0) {
			t.Errorf("%s: takes a body: %v, and says that it answers 408: %v", rt.name, len(body) > 0, takes)
		}
		if len(body) == 0 {
			continue
		}
		var packed bytes.Buffer
		gz := gzip.NewWriter(&packed)
		gz.Write(body)
		gz.Close()
		multipart := []byte("--b\r\nContent-Type: " + contentType + "\r\n\r\n" + string(body))
		for name, form := range map[string]struct {
			body             []byte
			encoding, header string
		}{
			"plain": {body, "", contentType}, "gzip": {packed.Bytes(), "gzip", contentType},
			"multipart":          {append(multipart, "\r\n--b--"...), "", `multipart/related; type="` + contentType + `"; boundary=b`},
			"multipart, no part": {[]byte("--b\r\nContent-"), "", `multipart/related; type="` + contentType + `"; boundary=b`},
		} {
			if link && strings.HasPrefix(name, "multipart") {
				continue
			}
			for cause, want := range map[error]int{os.ErrDeadlineExceeded: http.StatusRequestTimeout, io.ErrUnexpectedEOF: http.StatusBadRequest} {
				half := io.MultiReader(bytes.NewReader(form.body[:len(form.body)/2]), iotest.ErrReader(cause))
				r := httptest.NewRequest(rt.method, w.mine.path(t, rt), half)
				r.Header.Set("Content-Type", form.header)
				r.Header.Set("Content-Encoding", form.encoding)
				w.people.bear["boss"](r)
				answer := httptest.NewRecorder()
				w.ServeHTTP(answer, r)
				if answer.Code != want || answer.Header().Get("Retry-After") != "" {
					t.Errorf("%s, %s, %v: %d, want %d: %s", rt.name, name, cause, answer.Code, want, answer.Body)
				}
			}
		}
	}
}
