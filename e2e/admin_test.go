//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestPageShowsTheAudit searches the audit at its page, and has the log verified, before and after a line of it was changed.
func TestPageShowsTheAudit(t *testing.T) {
	s := start(t)
	s.store(dicomtest.Image{Name: "audited", Rows: 4, Columns: 4}.Instance())
	b := open(t, s.url)
	b.visit(s.url + "/audit.html")
	const events = `document.querySelectorAll('#events tbody tr').length`
	b.until("events are listed", events+` > 0 && document.getElementById('events').textContent.includes('store')`)
	b.eval(`{ const kind = document.querySelector('[name=kind]'); kind.value = 'store,import'; kind.dispatchEvent(new Event('input', { bubbles: true })); }`, nil)
	b.until("only what was stored", events+` === 1`)
	b.click("#clear")
	b.until("all again", events+` > 1`)
	b.click("#verify")
	b.until("the log is fine", `document.getElementById('verdict').textContent.includes('All is as it was written')`)
	b.document("audit.png")

	path := filepath.Join(s.data, "audit", "log-000000000001.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), `"outcome":0`, `"outcome":4`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.click("#verify")
	b.until("the log is not", `document.getElementById('verdict').textContent.includes('NOT as it was written')`)
}

// TestPageShowsWebhooks sends a dead letter again at the page.
func TestPageShowsWebhooks(t *testing.T) {
	var well atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !well.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer receiver.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("secret", 6)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startAt(t, freeAddress(t), "--webhook-give-up", "1s", "--webhooks", "name=ai url="+receiver.URL+" secret-file="+secret+" events=stored allow=127.0.0.0/8")
	s.store(dicomtest.Image{Name: "told", Rows: 4, Columns: 4}.Instance())
	b := open(t, s.url)
	b.visit(s.url + "/")
	var dead bool // in a while
	b.eval(`(async () => { while (!(await (await fetch('dicom-web/webhooks')).json())[0].deadLetters) await new Promise(r => setTimeout(r, 50)); return true; })()`, &dead)
	b.visit(s.url + "/webhooks.html")
	b.until("it is a dead letter", `document.querySelector('#hooks .actions-of')?.textContent.includes('1 dead letter')`)
	b.click(`[aria-label="Dead letters of ai"]`)
	b.until("it is shown", `document.querySelectorAll('#letters tbody tr').length === 1 && document.getElementById('letters').textContent.includes('stored')`)
	b.document("webhooks.png")
	b.allow("502", "the receiver fails")
	b.click(`#letters [aria-label^="Send"]`)
	b.until("it is not taken", `document.getElementById('said').textContent.includes('It was not taken')`)
	well.Store(true)
	b.click(`#letters [aria-label^="Send"]`)
	b.until("it is taken", `document.getElementById('said').textContent.includes('It was taken') && document.getElementById('dead').hidden`)
	b.click(`[aria-label="Test ai"]`)
	b.until("the test is taken, too", `document.getElementById('said').textContent.includes('ai took the test')`)
}
