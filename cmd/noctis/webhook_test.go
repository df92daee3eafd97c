package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

const webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// eventReceiver is a receiver that verifies what it gets, and answers with the status.
type eventReceiver struct {
	*httptest.Server
	got    chan string
	status atomic.Int64
}

func newEventReceiver(t *testing.T) *eventReceiver {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := &eventReceiver{got: make(chan string, 1000)}
	r.status.Store(http.StatusNoContent)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		if err := verifier.Verify(body, request.Header); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		w.WriteHeader(int(r.status.Load()))
		r.got <- string(body)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *eventReceiver) expect(t *testing.T, parts ...string) {
	t.Helper()
	got := <-r.got
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s lacks %s", got, p)
		}
	}
}

// TestWebhooks: a server whose settings have webhooks tells them, also after a kill -9 of what had not settled by then, and the commands
// look after its dead letters.
func TestWebhooks(t *testing.T) {
	folder, receiver, other := t.TempDir(), newEventReceiver(t), newEventReceiver(t)
	config, key := filepath.Join(folder, "noctis.yaml"), filepath.Join(folder, "secret")
	settings := fmt.Sprintf("webhooks:\n  - name: ai\n    url: %s/hook\n    secret-file: %s\n    events: [study-stored, study-settled]\n    allow: [127.0.0.0/8]\n"+
		"  - name: other\n    url: %s\n    secret-env: OTHER_SECRET\n    events: [stored]\n    allow: [127.0.0.1]\nsettle: ", receiver.URL, key, other.URL)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("OTHER_SECRET", webhookSecret)
	write(key, webhookSecret+"\n")
	write(config, settings+"1h\n")
	in := dicomtest.Image{Study: "webhooks", Series: "1", Number: 1}
	study := string(dicomtest.UID("webhooks"))
	s, err := start(folder, "--data", "data", "--config", config, "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	if status, _, err := s.stow(in.File()); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	receiver.expect(t, `"type":"study-stored"`, study)
	other.expect(t, `"type":"stored"`, study)
	s.kill()
	write(config, settings+"1ms\n")
	if s, err = start(folder, "--data", "data", "--config", config, "--log-level", "error"); err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	for settled := false; !settled; { // what was taken just before the kill may come again
		settled = strings.Contains(<-receiver.got, `"type":"study-settled"`)
	}

	command := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(append([]string{"webhook"}, args...), "--server", s.url+"/dicom-web"), &out, &errs); code != want {
			t.Fatalf("%v: exit code %d: %s%s", args, code, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	if got := command(0, "list"); strings.Count(got, "\n") != 3 || !strings.Contains(got, receiver.URL+"/hook") || !strings.Contains(got, "study-stored,study-settled") {
		t.Errorf("list: %s", got)
	}
	command(0, "test", "ai")
	receiver.expect(t, `"type":"test"`)
	command(1, "test", "unknown")
	receiver.status.Store(http.StatusBadGateway)
	if got := command(1, "test", "ai"); !strings.Contains(got, "the receiver answered 502") {
		t.Errorf("test: %s", got)
	}
	if got := command(0, "dead", "ai"); got != "" {
		t.Errorf("dead letters: %s", got)
	}
	if got := command(0, "discard", "ai", "--all"); got != "0 discarded\n" {
		t.Errorf("discard: %s", got)
	}
	command(1, "discard", "ai", "7")
	command(1, "resend", "ai", "7")
	if got := command(0, "resend", "ai", "--all"); got != "0 sent\n" {
		t.Errorf("resend: %s", got)
	}
	command(2, "resend", "ai")
}

// TestWebhookSettings: what cannot be meant is refused when the server starts.
func TestWebhookSettings(t *testing.T) {
	t.Setenv("WEBHOOK_SECRET", webhookSecret)
	t.Setenv("WEAK", "weak")
	for setting, says := range map[string]string{
		"name=ai url=http://10.0.0.7/hook secret-env=WEBHOOK_SECRET allow=10.0.0.0/8,192.168.1.1":      "",
		"name=ai url=https://ai.example secret-env=WEBHOOK_SECRET events=stored,study-settled,deleted": "",
		"name=ai url=http://10.0.0.7/hook secret-env=WEBHOOK_SECRET":                                   `has no "allow" for it`,
		"name=ai url=http://127.0.0.1/hook secret-env=WEBHOOK_SECRET allow=10.0.0.0/8":                 `has no "allow" for it`,
		"name=ai url=https://ai.example secret-env=WEBHOOK_SECRET events=settled":                      `there are no events "settled"; there are stored `,
		"name=ai url=https://ai.example secret-env=WEBHOOK_SECRET allow=everything":                    "no network",
		"name=ai url=https://ai.example secret-env=NOWHERE":                                            "no NOWHERE in the environment",
		"name=ai url=https://ai.example secret-file=/nowhere/at/all":                                   "no such file",
		"name=ai url=https://ai.example":                                                               "set secret-file or secret-env",
		"name=ai url=https://ai.example secret-env=WEAK":                                               "at least 24 bytes",
		"name=ai url=https://ai.example secret=plain":                                                  `unknown field "secret"`,
		"ai": "not like NAME=VALUE",
	} {
		var s webhookSetting
		err := s.UnmarshalText([]byte(setting))
		if err == nil {
			_, err = s.webhook()
		}
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

// TestWebhookOfTenant: a webhook that names a tenant is told what happens there, and nothing else.
func TestWebhookOfTenant(t *testing.T) {
	t.Setenv("WEBHOOK_SECRET", webhookSecret)
	receiver := newEventReceiver(t)
	h := newHouse(t, serveCommand{Webhooks: webhookFlags{Webhooks: []webhookSetting{{Name: "ai", Tenant: "north", URL: receiver.URL, SecretEnv: "WEBHOOK_SECRET",
		Events: []string{"study-stored"}, Allow: []string{"127.0.0.0/8"}}}}})
	for _, at := range []string{"", "/t/south", "/t/north"} {
		if w := h.ask("POST", at+"/dicom-web/studies", "", dicomtest.Image{Study: "at " + at, Rows: 2, Columns: 2}.File()); w.Code != 200 {
			t.Fatalf("%s: %d %s", at, w.Code, w.Body)
		}
	}
	receiver.expect(t, string(dicomtest.UID("at /t/north")))
	for at, want := range map[string]bool{"/t/north": true, "/t/south": false} {
		if w := h.ask("GET", at+"/dicom-web/webhooks", "", nil); w.Code != 200 || strings.Contains(w.Body.String(), `"ai"`) != want {
			t.Errorf("%s: %d %s", at, w.Code, w.Body)
		}
	}
}
