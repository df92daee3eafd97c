package dicomweb

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

func serverOf(t *testing.T, st *store.Store) *Server {
	t.Helper()
	s, err := New(st, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(s *Server, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// TestCachesForgetWhatIsDeleted fills every cache, deletes, and asks again; then the instance comes back with other bytes.
func TestCachesForgetWhatIsDeleted(t *testing.T) {
	st := memstore.New(store.Options{})
	s := serverOf(t, st)
	ingest := func(name string) {
		t.Helper()
		if _, err := st.Ingest(t.Context(), bytes.NewReader(fileNamed(t, name)), ""); err != nil {
			t.Fatal(err)
		}
	}
	ingest("ct1")
	const instance = BasePath + "/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1"
	targets := []string{instance, instance + "/metadata", instance + "/frames/1", instance + "/rendered", instance + "/thumbnail",
		BasePath + "/studies/1.2.1/metadata", BasePath + "/studies/1.2.1/thumbnail"}
	want := func(status int) {
		t.Helper()
		for _, target := range targets {
			for range 2 {
				if w := ask(s, "GET", target); w.Code != status {
					t.Errorf("%s: %d, want %d", target, w.Code, status)
				}
			}
		}
	}
	want(200)
	tag := ask(s, "GET", instance+"/metadata").Header().Get("ETag")
	if _, err := st.Delete(t.Context(), dicom.Ref{Study: "1.2.1"}); err != nil {
		t.Fatal(err)
	}
	want(410)
	r := httptest.NewRequest("GET", instance+"/metadata", nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 410 {
		t.Errorf("revalidated: %d", w.Code)
	}
	ingest("changed")
	want(200)
	if w := ask(s, "GET", instance+"/metadata"); !strings.Contains(w.Body.String(), `"Value":[99]`) {
		t.Errorf("the metadata is not that of the new file: %.300s", w.Body)
	}
}

// TestVersions reads a replaced file byte for byte, and its metadata.
func TestVersions(t *testing.T) {
	st := memstore.New(store.Options{Conflict: store.Replace})
	s := serverOf(t, st)
	for _, name := range []string{"ct1", "changed"} {
		if _, err := st.Ingest(t.Context(), bytes.NewReader(fileNamed(t, name)), ""); err != nil {
			t.Fatal(err)
		}
	}
	var versions []struct{ Version, Kind string }
	if err := json.Unmarshal(ask(s, "GET", BasePath+"/recycle-bin/studies/1.2.1").Body.Bytes(), &versions); err != nil || len(versions) != 1 {
		t.Fatalf("%v, %v", versions, err)
	}
	at := BasePath + "/recycle-bin/versions/" + versions[0].Version
	if w := ask(s, "GET", at); w.Code != 200 || !bytes.Equal(w.Body.Bytes(), fileNamed(t, "ct1")) || w.Header().Get("Content-Type") != mediaDICOM {
		t.Errorf("the file: %d %v", w.Code, w.Header())
	}
	if w := ask(s, "GET", at+"/metadata"); w.Code != 200 || !strings.Contains(w.Body.String(), `"00200013":{"vr":"IS","Value":[1]}`) {
		t.Errorf("the metadata: %d %.200s", w.Code, w.Body)
	}
	if w := ask(s, "DELETE", at); w.Code != 200 {
		t.Errorf("purged: %d", w.Code)
	}
	if w := ask(s, "GET", at); w.Code != 404 {
		t.Errorf("after the purge: %d", w.Code)
	}
}

// followChanges follows the change feed as server-sent events. next returns the next one.
func followChanges(t *testing.T, server, query, last string) (next func() (id, event, data string)) {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", server+BasePath+"/changes?"+query, nil)
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v, %v", response, err)
	}
	t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	return func() (id, event, data string) {
		for lines.Scan() && lines.Text() != "" {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				id = value
			case "event":
				event = value
			case "data":
				data = value
			}
		}
		return id, event, data
	}
}

// TestEventStream follows the feed live, hangs up, changes something, and goes on where it was.
func TestEventStream(t *testing.T) {
	st := memstore.New(store.Options{})
	s := serverOf(t, st)
	web := httptest.NewServer(s)
	defer web.Close()
	next := followChanges(t, web.URL, "", "")
	if id, event, _ := next(); !strings.HasSuffix(id, "-0") || event != "" {
		t.Errorf("at the beginning: %q %q", id, event)
	}
	if _, err := st.Ingest(t.Context(), bytes.NewReader(fileNamed(t, "ct1")), ""); err != nil {
		t.Fatal(err)
	}
	if _, event, data := next(); event != "study-stored" || !strings.Contains(data, `"studyInstanceUID":"1.2.1"`) {
		t.Errorf("%q %q", event, data)
	}
	id, event, data := next()
	if event != "stored" || !strings.Contains(data, `"sopInstanceUID":"1.2.1.1.1"`) || !strings.HasSuffix(id, "-2") {
		t.Errorf("%q %q %q", id, event, data)
	}
	if _, err := st.Delete(t.Context(), dicom.Ref{Study: "1.2.1"}); err != nil {
		t.Fatal(err)
	}
	next = followChanges(t, web.URL, "", id)
	if _, event, _ := next(); event != "deleted" {
		t.Errorf("after it came back: %q", event)
	}
	s.EndStreams()
	if id, event, _ := next(); id != "" || event != "" {
		t.Errorf("at the end of the server: %q %q", id, event)
	}
	w := ask(s, "GET", BasePath+"/changes?after="+id+"&wait=60") // there is something behind it: it does not wait
	if w.Code != 200 || !strings.Contains(w.Body.String(), "deleted") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestLongPoll waits for a change that comes while it waits.
func TestLongPoll(t *testing.T) {
	st := memstore.New(store.Options{})
	s := serverOf(t, st)
	answer := make(chan *httptest.ResponseRecorder)
	go func() { answer <- ask(s, "GET", BasePath+"/changes?wait=60") }()
	if _, err := st.Ingest(t.Context(), bytes.NewReader(fileNamed(t, "ct1")), ""); err != nil {
		t.Fatal(err)
	}
	select {
	case w := <-answer:
		if !strings.Contains(w.Body.String(), `"kind":"stored"`) {
			t.Errorf("%s", w.Body)
		}
	case <-time.After(30 * time.Second):
		t.Error("it went on waiting")
	}
}
