package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
	"github.com/noctis-dicom/noctis/webhook"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

// here allows the addresses of receivers in tests.
var here = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// archive is a store in a database that is opened again and again.
type archive struct {
	*store.Store
	index *sqlite.Index
	path  string
	blobs *memstore.Blobs
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	a := &archive{path: filepath.Join(t.TempDir(), "index.db"), blobs: memstore.NewBlobs()}
	a.open(t)
	t.Cleanup(func() { a.index.Close() })
	return a
}

func (a *archive) open(t *testing.T) {
	t.Helper()
	if a.index != nil {
		if err := a.index.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if a.index, err = sqlite.Open(t.Context(), a.path); err != nil {
		t.Fatal(err)
	}
	a.Store = store.New(a.index, a.blobs, store.Options{})
}

// add stores an instance of a study of its own, whose number is its UID, and returns that.
func (a *archive) add(t *testing.T, name string) dicom.UID {
	t.Helper()
	in := dicomtest.Image{Study: name, Series: "1", Number: 1}.Instance()
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := a.Ingest(t.Context(), bytes.NewReader(file), "")
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Ref.Study
}

// taken is a request that a receiver got.
type taken struct {
	header http.Header
	body   string
}

// inbox is a receiver. answer says what it answers to each request in turn, and the last of it for ever.
type inbox struct {
	*httptest.Server
	got chan taken

	mu     sync.Mutex
	answer []int
}

func newInbox(t *testing.T, answer ...int) *inbox {
	in := &inbox{got: make(chan taken, 1000), answer: answer}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in.mu.Lock()
		status := in.answer[0]
		if len(in.answer) > 1 {
			in.answer = in.answer[1:]
		}
		in.mu.Unlock()
		w.WriteHeader(status)
		in.got <- taken{r.Header, string(body)}
	}))
	t.Cleanup(in.Close)
	return in
}

// next is the next request, which has to hold all of the parts.
func (in *inbox) next(t *testing.T, parts ...string) taken {
	t.Helper()
	got := <-in.got
	for _, p := range parts {
		if !strings.Contains(got.body, p) {
			t.Errorf("%s lacks %s", got.body, p)
		}
	}
	return got
}

// clock is one that is set by hand, and that notes how long somebody wanted to sleep.
type clock struct {
	mu     sync.Mutex
	ahead  time.Duration
	pauses []time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pauses = append(c.pauses, d)
	c.ahead += d
	return ctx.Err()
}

// sending runs a sender until stop is called, which waits for its end.
func sending(t *testing.T, a *archive, c *clock, hooks ...webhook.Webhook) (s *webhook.Sender, stop func()) {
	t.Helper()
	for i := range hooks {
		if hooks[i].Secrets == nil {
			hooks[i].Secrets = [][]byte{secret}
		}
		if hooks[i].Allow == nil {
			hooks[i].Allow = here
		}
	}
	s, err := webhook.New(a.Store, a.index.Webhooks(), webhook.Options{Webhooks: hooks, Log: slog.New(slog.DiscardHandler)}.WithClock(c.now, c.sleep))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(t.Context()); err != nil { // or what is stored next could be before its beginning
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return s, stop
}

// caughtUp returns when the webhooks have dealt with all that there is.
func caughtUp(t *testing.T, s *webhook.Sender) {
	t.Helper()
	for behind := int64(1); behind > 0; {
		status, err := s.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		behind = 0
		for _, st := range status {
			behind += st.Behind
		}
	}
}

// TestDelivery: a receiver is told in order, signed, of what it wants, and after a restart of what it was not told before.
func TestDelivery(t *testing.T) {
	a, in := newArchive(t), newInbox(t, 200)
	hook := webhook.Webhook{Name: "ai", URL: in.URL + "/hook?token=1", Events: []store.ChangeKind{store.StudyStored, store.Deleted, store.WorkitemState, store.StudySettled}}
	a.add(t, "before the webhook")
	s, stop := sending(t, a, &clock{}, hook)
	first := a.add(t, "1")
	got := in.next(t, `"type":"study-stored"`, `"timestamp":"20`, `"data":{"cursor":"`, string(first))
	verify(t, got, secret)
	if _, err := a.Delete(t.Context(), dicom.Ref{Study: first}); err != nil {
		t.Fatal(err)
	}
	in.next(t, `"type":"deleted"`, string(first))
	if _, err := a.index.Settle(t.Context(), time.Now().Add(time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	in.next(t, `"type":"study-settled"`)
	caughtUp(t, s)
	stop()

	second, third := a.add(t, "2"), a.add(t, "3")
	a.open(t)
	s, stop = sending(t, a, &clock{}, hook)
	in.next(t, `"type":"study-stored"`, string(second))
	in.next(t, `"type":"study-stored"`, string(third))
	caughtUp(t, s)
	stop()
	if len(in.got) > 0 {
		t.Errorf("and also: %s", (<-in.got).body)
	}
}

// verify holds a request against the library of those who wrote Standard Webhooks.
func verify(t *testing.T, got taken, secret []byte) {
	t.Helper()
	w, err := standardwebhooks.NewWebhookRaw(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Verify([]byte(got.body), got.header); err != nil {
		t.Errorf("%v: %v", got.header, err)
	}
	if err := w.Verify([]byte(got.body+" "), got.header); err == nil {
		t.Error("another body has the same signature")
	}
	if got.header.Get("Content-Type") != "application/json" || strings.ContainsAny(got.header.Get("Webhook-Id"), ". ") {
		t.Errorf("%v", got.header)
	}
}

// TestRotation: while receivers change over, both secrets sign.
func TestRotation(t *testing.T) {
	a, in := newArchive(t), newInbox(t, 200)
	old := []byte("another secret of enough bytes")
	sending(t, a, &clock{}, webhook.Webhook{Name: "ai", URL: in.URL, Secrets: [][]byte{secret, old}, Events: []store.ChangeKind{store.Stored}})
	a.add(t, "1")
	got := in.next(t)
	verify(t, got, secret)
	verify(t, got, old)
}

// TestRetry: what fails is sent again, as the same message, after pauses that grow.
func TestRetry(t *testing.T) {
	a, in, c := newArchive(t), newInbox(t, 500, 404, 302, 503, 200), &clock{}
	sending(t, a, c, webhook.Webhook{Name: "ai", URL: in.URL, Events: []store.ChangeKind{store.Stored}})
	a.add(t, "1")
	id := in.next(t).header.Get("Webhook-Id")
	for range 4 {
		if got := in.next(t).header.Get("Webhook-Id"); got != id {
			t.Errorf("%s, and then %s", id, got)
		}
	}
	a.add(t, "2")
	if got := in.next(t).header.Get("Webhook-Id"); got == id {
		t.Errorf("%s is sent once more", got)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.pauses {
		if full := webhook.FirstPause << i; p < full/2 || p >= full {
			t.Errorf("pause %d is %v", i, p)
		}
	}
	if len(c.pauses) != 4 {
		t.Errorf("%d pauses", len(c.pauses))
	}
}

// TestDeadLetter: what a receiver refuses does not hold up what comes after it, and can be sent again or discarded.
func TestDeadLetter(t *testing.T) {
	a, in := newArchive(t), newInbox(t, 422, 422, 422, 422, 422, 200, 422, 200)
	s, stop := sending(t, a, &clock{}, webhook.Webhook{Name: "ai", URL: in.URL, Events: []store.ChangeKind{store.Stored}})
	first, second := a.add(t, "1"), a.add(t, "2")
	for range webhook.RefusedAttempts {
		in.next(t, string(first))
	}
	in.next(t, string(second))
	caughtUp(t, s)
	stop()
	letters, err := s.Letters(t.Context(), "ai", 0, 10)
	if err != nil || len(letters) != 1 {
		t.Fatalf("%v, %v", letters, err)
	}
	l := letters[0]
	if l.Attempts != webhook.RefusedAttempts || !strings.Contains(l.Reason, "422") || !strings.Contains(string(l.Message.Body), string(first)) {
		t.Errorf("%+v", l)
	}
	a.open(t)
	s, _ = sending(t, a, &clock{}, webhook.Webhook{Name: "ai", URL: in.URL, Events: []store.ChangeKind{store.Stored}})
	if err := s.Resend(t.Context(), "ai", l.ID); !errors.Is(err, webhook.ErrUndelivered) || !strings.Contains(err.Error(), "422") {
		t.Errorf("refused again: %v", err)
	}
	in.next(t, string(first))
	if status, err := s.Status(t.Context()); err != nil || status[0].Dead != 1 || status[0].Failing != 1 || status[0].Behind != 0 {
		t.Errorf("%+v, %v", status, err)
	}
	if again, err := a.index.Webhooks().Letter(t.Context(), "ai", l.ID); err != nil || again.Attempts != l.Attempts+1 {
		t.Errorf("%+v, %v", again, err)
	}
	if err := s.Resend(t.Context(), "ai", l.ID); err != nil {
		t.Error(err)
	}
	if got := in.next(t, string(first)); got.header.Get("Webhook-Id") != l.Message.ID {
		t.Errorf("another id: %v", got.header)
	}
	for _, id := range []int64{l.ID, 99} {
		if err := s.Resend(t.Context(), "ai", id); !errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("letter %d: %v", id, err)
		}
		if _, err := s.Discard(t.Context(), "ai", id); !errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("letter %d: %v", id, err)
		}
	}
	if err := s.Resend(t.Context(), "other", 1); !errors.Is(err, webhook.ErrUnknown) {
		t.Error(err)
	}
}

// TestGiveUp: a receiver that is not there keeps the order for a day; then what is older is given up, without an attempt for each.
func TestGiveUp(t *testing.T) {
	a, in, c := newArchive(t), newInbox(t, 500), &clock{}
	hook := webhook.Webhook{Name: "ai", URL: in.URL, Events: []store.ChangeKind{store.Stored}}
	_, stop := sending(t, a, c, hook)
	stop()
	for _, name := range []string{"1", "2", "3"} {
		a.add(t, name)
	}
	c.ahead = 25 * time.Hour
	s, stop := sending(t, a, c, hook)
	in.next(t)
	for n := 0; n < 3; {
		letters, err := s.Letters(t.Context(), "ai", 0, 10)
		if n = len(letters); err != nil {
			t.Fatal(err)
		}
		c.sleep(t.Context(), time.Second) //nolint:errcheck // that of ctx
		a.add(t, time.Now().String())     // or nobody would look at the clock
	}
	stop()
	letters, err := s.Letters(t.Context(), "ai", 0, 3)
	if err != nil || len(letters) != 3 || letters[0].Attempts != 1 || letters[1].Attempts != 0 || letters[2].Attempts != 0 {
		t.Errorf("%+v, %v", letters, err)
	}
	if n, err := s.Discard(t.Context(), "ai", 0); err != nil || n < 3 {
		t.Errorf("discarded %d, %v", n, err)
	}
}
