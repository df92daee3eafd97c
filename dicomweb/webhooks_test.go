package dicomweb

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/webhook"
)

// webhooksOf are "ai", which takes everything, and "deaf", which refuses everything; each has two dead letters, and so has "gone",
// which is not in the settings any more.
func webhooksOf(t *testing.T, st *store.Store, x *sqlite.Index) *webhook.Sender {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/deaf" {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
	}))
	t.Cleanup(receiver.Close)
	o := webhook.Options{Log: slog.New(slog.DiscardHandler)}
	for _, name := range []string{"ai", "deaf"} {
		o.Webhooks = append(o.Webhooks, webhook.Webhook{
			Name: name, URL: receiver.URL + "/" + name + "?token=hidden", Secrets: [][]byte{make([]byte, 32)}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Events: []store.ChangeKind{store.StudySettled, store.Deleted},
		})
	}
	for _, name := range []string{"ai", "deaf", "gone"} {
		var dead []webhook.Letter
		for _, id := range []string{"e-1", "e-2"} {
			dead = append(dead, webhook.Letter{Attempts: 5, Reason: "the receiver answered 422 Unprocessable Entity", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
				Message: webhook.Message{ID: id, Type: "deleted", Body: []byte(`{"type":"deleted"}`)}})
		}
		if _, err := x.Webhooks().Move(t.Context(), name, store.Cursor{}, dead); err != nil {
			t.Fatal(err)
		}
	}
	s, err := webhook.New(st, x.Webhooks(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
