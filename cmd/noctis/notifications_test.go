package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestStreamsOfTheServer: event reports and server-sent events pass through all that lies around the services, a subscriber hears of a
// restart and of nothing that was missed, and open streams do not hold the server up when it is told to end.
func TestStreamsOfTheServer(t *testing.T) {
	folder := t.TempDir()
	s, err := start(folder, "--data", "data", "--log-level", "error", "--stall-timeout", "2s")
	if err != nil {
		t.Fatal(err)
	}
	const worklist = "/workitems/1.2.840.10008.5.1.4.34.5/subscribers/WATCHER"
	if status, err := s.send("POST", worklist, ""); err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	request, err := http.NewRequest("GET", s.url+"/dicom-web/changes?after=latest", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	page, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	conn := listenTo(t, s)
	if status, err := s.send("POST", "/workitems?1.2.1", steps("1.2.1")[0].body); err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	if got := reportTo(t, conn); got != "1.2.1 SCHEDULED" {
		t.Errorf("over the WebSocket: %s", got)
	}
	lines := bufio.NewScanner(page.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"workitemUID":"1.2.1"`) {
	}
	if lines.Err() != nil {
		t.Errorf("server-sent events: %v", lines.Err())
	}
	if err := s.stop(); err != nil {
		t.Errorf("with open streams the server ends with %v", err)
	}
	if s, err = start(folder, "--data", "data", "--log-level", "error"); err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	conn = listenTo(t, s)
	got := reportTo(t, conn)
	for got == "1.2.1 SCHEDULED" { // if the first server ended before the pong
		got = reportTo(t, conn)
	}
	if got != "1.2.840.10008.5.1.4.34.5 RESTARTED" {
		t.Errorf("after a restart: %s", got)
	}
}

func listenTo(t *testing.T, s *server) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), s.url+"/dicom-web/subscribers/WATCHER", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// reportTo reads an event report: of what, and the state of it.
func reportTo(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	_, text, err := conn.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ds := &dicom.DataSet{}
	if err := ds.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return string(ds.UID(0x00001000)) + " " + ds.String(dicom.ProcedureStepState) + ds.String(dicom.SCPStatus)
}
