package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/worklisttest"
)

// listening is a server with a worklist that listens.
func listening(t *testing.T) (*Server, *httptest.Server) {
	t.Helper()
	st, list := withWorklist(t, store.Options{})
	s, err := New(st, Options{Worklist: list, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, web
}

// listen subscribes and opens the connection that the answer names.
func listen(t *testing.T, web *httptest.Server, ae string, resource dicom.UID) *websocket.Conn {
	t.Helper()
	answer, err := http.Post(fmt.Sprintf("%s/dicom-web/workitems/%s/subscribers/%s", web.URL, resource, ae), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		t.Fatal(answer.Status)
	}
	return connect(t, answer.Header.Get("Content-Location"))
}

func connect(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// receive reads an event report: "TYPE UID STATE".
func receive(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	kind, text, err := conn.Read(t.Context())
	if err != nil || kind != websocket.MessageText {
		t.Fatal(kind, err)
	}
	ds := &dicom.DataSet{}
	if err := ds.UnmarshalJSON(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	e, _ := ds.Get(0x00001002)
	if !ds.Has(messageID) || ds.UID(0x00000002) != worklist.SOPClass {
		t.Errorf("no command elements: %s", text)
	}
	return fmt.Sprint(e.Value.(dicom.Ints)[0], " ", ds.UID(0x00001000), " ", ds.String(dicom.ProcedureStepState))
}

func addItem(t testing.TB, s *Server, uid dicom.UID) {
	t.Helper()
	if _, _, err := s.worklist.Create(t.Context(), worklisttest.Item(nil), uid); err != nil {
		t.Fatal(err)
	}
}

// TestNotifications: what waits for a subscriber comes first, then what happens; and nothing is lost while it is away.
func TestNotifications(t *testing.T) {
	s, web := listening(t)
	addItem(t, s, "1.2")
	conn := listen(t, web, "WATCHER", "1.2")
	if got := receive(t, conn); got != "1 1.2 SCHEDULED" {
		t.Errorf("initial: %s", got)
	}
	if _, err := s.worklist.ChangeState(t.Context(), "1.2", worklist.InProgress, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, conn); got != "1 1.2 IN PROGRESS" {
		t.Errorf("claimed: %s", got)
	}
	conn.CloseNow()
	if _, err := s.worklist.RequestCancel(t.Context(), "1.2", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.worklist.ChangeState(t.Context(), "1.2", worklist.Canceled, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	conn = connect(t, web.URL+"/dicom-web/subscribers/WATCHER")
	var got []string
	for len(got) == 0 || got[len(got)-1] != "1 1.2 CANCELED" { // the one before may come again: the pong was not awaited
		got = append(got, receive(t, conn))
	}
	if all := strings.Join(got, ", "); !strings.HasSuffix(all, "2 1.2 , 1 1.2 CANCELED") {
		t.Errorf("after coming back: %s", all)
	}
	s.EndStreams()
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("at the end: %v", err)
	}
}

// TestNotificationsAreAcknowledged: what a client's end of the connection has taken is not sent again.
func TestNotificationsAreAcknowledged(t *testing.T) {
	s, web := listening(t)
	addItem(t, s, "1.2")
	conn := listen(t, web, "WATCHER", "1.2")
	receive(t, conn)
	watch := conn.CloseRead(t.Context()) // goes on to answer pings
	for pending := 1; pending > 0; {
		reports, err := s.worklist.Pending(t.Context(), "WATCHER", 0, 10)
		if err != nil || watch.Err() != nil {
			t.Fatal(err, watch.Err())
		}
		pending = len(reports)
	}
}

// TestNotificationOrigin: a page of an origin that may not read cannot listen, either.
func TestNotificationOrigin(t *testing.T) {
	st, list := withWorklist(t, store.Options{})
	s, err := New(st, Options{Worklist: list, AllowedOrigins: []string{"https://viewer.example"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	addItem(t, s, "1.2")
	listen(t, web, "WATCHER", "1.2").CloseNow()
	for origin, allowed := range map[string]bool{"https://viewer.example": true, "https://evil.example": false} {
		conn, answer, err := websocket.Dial(t.Context(), web.URL+"/dicom-web?aetitle=WATCHER",
			&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if allowed != (err == nil) || !allowed && answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", origin, err)
		}
		if err == nil {
			conn.CloseNow()
		}
	}
}

// TestWorklistChanges: who follows the change feed is told of what becomes of workitems.
func TestWorklistChanges(t *testing.T) {
	s, web := listening(t)
	next := followChanges(t, web.URL, "after=latest", "")
	next()
	expect := func(kind string, parts ...string) {
		t.Helper()
		_, got, data := next()
		for _, part := range append(parts, `"kind":"`+kind+`"`) {
			if got != kind || !strings.Contains(data, part) {
				t.Errorf("%s %s, want %s with %s", got, data, kind, part)
			}
		}
	}
	addItem(t, s, "1.2")
	expect("workitem-created", `"workitemUID":"1.2"`, `"procedureStepState":"SCHEDULED"`)
	if _, err := s.worklist.ChangeState(t.Context(), "1.2", worklist.InProgress, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	expect("workitem-state", `"workitemUID":"1.2"`, `"procedureStepState":"IN PROGRESS"`)
	label := &dicom.DataSet{}
	label.SetStrings(dicom.WorklistLabel, dicom.LO, "Other")
	if _, err := s.worklist.Update(t.Context(), "1.2", label, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	expect("workitem-updated", `"workitemUID":"1.2"`, `"procedureStepState":"IN PROGRESS"`)
	if _, err := s.worklist.Release(t.Context(), "1.2", "1.2.3"); err != nil {
		t.Fatal(err)
	}
	expect("workitem-state", `"workitemUID":"1.2"`, `"procedureStepState":"CANCELED"`)
	expect("workitem-created", `"procedureStepState":"SCHEDULED"`)
	expect("workitem-removed", `"workitemUID":"1.2"`)

	if _, err := s.store.Ingest(t.Context(), bytes.NewReader(fileNamed(t, "ct1")), ""); err != nil {
		t.Fatal(err)
	}
	expect("study-stored", `"studyInstanceUID":"1.2.1"}`)
	expect("stored", `"sopInstanceUID":"1.2.1.1.1"`)
	expect("workitem-created", `"studyInstanceUID":"1.2.1","workitemUID":"2.25`)
	if _, err := s.store.Delete(t.Context(), dicom.Ref{Study: "1.2.1"}); err != nil {
		t.Fatal(err)
	}
	expect("deleted", `"sopInstanceUID":"1.2.1.1.1"`)
	expect("workitem-removed", `"studyInstanceUID":"1.2.1"`)
	if _, err := s.store.Restore(t.Context(), store.RemovedQuery{Ref: dicom.Ref{Study: "1.2.1"}}, false); err != nil {
		t.Fatal(err)
	}
	expect("study-stored", `"studyInstanceUID":"1.2.1"`)
	expect("restored", `"sopInstanceUID":"1.2.1.1.1"`)
	expect("workitem-created", `"studyInstanceUID":"1.2.1"`)
}

// FuzzUIDInQuery: whatever stands in the query, what is found is a UID.
func FuzzUIDInQuery(f *testing.F) {
	for _, query := range []string{"1.2.3", "workitem=1.2.3", "transaction-uid=1.2", "{1.2.3}", "1.2.x", "a=b&1.2", "%", "1.2=", "1.2&1.2", "1.2&1.3"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}}
		if uid, err := uidInQuery(r, transactionNames...); err == nil && uid != "" && !uid.Valid() {
			t.Errorf("%q", uid)
		}
	})
}

// BenchmarkNotifications: a thousand subscribers receive one event.
func BenchmarkNotifications(b *testing.B) {
	st, list := withWorklist(b, store.Options{})
	s, err := New(st, Options{Worklist: list, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	const subscribers = 1000
	received := make(chan struct{}, subscribers)
	var conns []*websocket.Conn
	for i := range subscribers {
		ae := fmt.Sprintf("WATCHER%d", i)
		if err := s.worklist.Subscribe(b.Context(), worklist.Subscription{AE: ae, Resource: worklist.Global}); err != nil {
			b.Fatal(err)
		}
		conn, _, err := websocket.Dial(b.Context(), web.URL+"/dicom-web/subscribers/"+ae, nil)
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
		go func() {
			for {
				if _, _, err := conn.Read(context.Background()); err != nil {
					return
				}
				received <- struct{}{}
			}
		}()
	}
	n := 0
	var most time.Duration
	for b.Loop() {
		n++
		began := time.Now()
		addItem(b, s, dicom.UID(fmt.Sprintf("1.2.%d", n)))
		for range subscribers {
			<-received
		}
		most = max(most, time.Since(began))
	}
	b.ReportMetric(most.Seconds(), "s/slowest")
	var all sync.WaitGroup
	for _, c := range conns {
		all.Go(func() { c.CloseNow() })
	}
	all.Wait()
}
