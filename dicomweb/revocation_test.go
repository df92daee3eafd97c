package dicomweb

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/worklist"
)

// doorkeeper knows one principal, until he is shut out.
type doorkeeper struct {
	out     atomic.Bool
	why     error // he is shut out; nil: ErrUnauthenticated
	watched atomic.Int32
	known   chan struct{} // gets one for the first request; nil: nobody waits for it
}

func (d *doorkeeper) Authenticate(r *http.Request) (access.Principal, error) {
	if access.Watching(r.Context()) {
		d.watched.Add(1)
	}
	if d.out.Load() {
		return access.Principal{}, cmp.Or(d.why, access.ErrUnauthenticated)
	}
	select {
	case d.known <- struct{}{}:
	default:
	}
	return access.Principal{Name: "page", Kind: access.Key, Roles: access.RolesOf(access.Read, access.Store, access.Worklist)}, nil
}

func (*doorkeeper) Challenges() []string { return []string{`Bearer realm="noctis"`} }

// An event stream would never end by itself: it does within a second when the one who reads it may no longer, or belongs to another tenant now.
func TestStreamsOfTheRevokedEnd(t *testing.T) {
	for _, why := range []error{access.ErrUnauthenticated, access.ErrElsewhere} {
		t.Run(why.Error(), func(t *testing.T) { testStreamsEnd(t, &doorkeeper{why: why}) })
	}
}

func testStreamsEnd(t *testing.T, keeper *doorkeeper) {
	st, list := withWorklist(t, store.Options{})
	s, err := New(st, Options{Worklist: list, Log: slog.New(slog.DiscardHandler), Authenticator: keeper})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	r, _ := http.NewRequest(http.MethodGet, web.URL+"/dicom-web/changes?after=latest", nil)
	r.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(answer.Body, first); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	keeper.out.Store(true)
	io.Copy(io.Discard, answer.Body) //nolint:errcheck // it ends, or the test does not
	if keeper.watched.Load() == 0 {
		t.Error("the stream ended by itself")
	}
}

// A WebSocket has left the server behind, and ends too.
func TestSocketsOfTheRevokedEnd(t *testing.T) {
	st, list := withWorklist(t, store.Options{})
	keeper := &doorkeeper{}
	s, err := New(st, Options{Worklist: list, Log: slog.New(slog.DiscardHandler), Authenticator: keeper})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	conn := listen(t, web, "PAGE", worklist.Global)
	keeper.out.Store(true)
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("an event instead of the end")
	}
	if keeper.watched.Load() == 0 {
		t.Error("the connection ended by itself")
	}
}

// An upload that waits for its client does not wait for ever: nothing of it is stored.
func TestUploadsOfTheRevokedEnd(t *testing.T) {
	keeper := &doorkeeper{known: make(chan struct{}, 1)}
	s, err := New(memstore.New(store.Options{}), Options{Log: slog.New(slog.DiscardHandler), Authenticator: keeper})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(web.URL, "http://")) // the client of net/http would wait for its body
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /dicom-web/studies HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"+
		"Content-Type: multipart/related; type=\"application/dicom\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/dicom\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-keeper.known
	keeper.out.Store(true)
	answer, _ := io.ReadAll(conn) // until the server hangs up
	if status, _, _ := strings.Cut(strings.TrimPrefix(string(answer), "HTTP/1.1 "), " "); status == "200" || status == "202" {
		t.Errorf("answered with %s", answer)
	}
	if keeper.watched.Load() == 0 {
		t.Error("the upload ended by itself")
	}
}

// What is under way goes on as long as it comes from the same principal, and as long as only the server is at fault.
func TestVigil(t *testing.T) {
	reader := access.Principal{Name: "a", Kind: access.User, Roles: access.RolesOf(access.Read)}
	limited := reader
	limited.Scope.Patients = []string{"P1"}
	for _, c := range []struct {
		name string
		who  access.Principal
		err  error
		ends bool
	}{
		{"the same", reader, nil, false},
		{"revoked", access.Principal{}, access.ErrUnauthenticated, true},
		{"limited", limited, nil, true},
		{"without his role", access.Principal{Name: "a", Kind: access.User}, nil, true},
		{"another", access.Principal{Name: "b", Kind: access.User, Roles: reader.Roles}, nil, true},
		{"logged out", access.Principal{Kind: access.Nobody}, nil, true},
		{"the server cannot tell", access.Principal{}, errors.New("the disk is on fire"), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			ctx, stop := keepVigil(then{c.who, c.err}, httptest.NewRecorder(), r, reader)
			time.Sleep(3 * watchEvery) // of the bubble
			if cause := context.Cause(ctx); (cause != nil) != c.ends || c.ends && !errors.Is(cause, access.ErrUnauthenticated) {
				t.Errorf("%s: ended with %v, want %v", c.name, cause, c.ends)
			}
			stop()
		})
	}
}

// then is what an authenticator says of everybody.
type then struct {
	who access.Principal
	err error
}

func (a then) Authenticate(*http.Request) (access.Principal, error) { return a.who, a.err }
func (then) Challenges() []string                                   { return nil }
