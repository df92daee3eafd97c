package webhook_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
)

// names is a name service in which every name has the addresses, one after the other.
type names struct {
	mu        sync.Mutex
	addresses []string
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go n.serve(far)
		return near, nil
	}}
}

// serve answers questions as they come over TCP (RFC 1035 4.2.2).
func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		answer := n.answer(question)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *names) answer(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	kind := binary.BigEndian.Uint16(question[end+1:])
	answer := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[12:end+5]...)
	n.mu.Lock()
	defer n.mu.Unlock()
	ip := netip.MustParseAddr(n.addresses[0])
	if of := map[uint16]bool{1: ip.Is4(), 28: ip.Is6()}; !of[kind] {
		return answer
	}
	if len(n.addresses) > 1 {
		n.addresses = n.addresses[1:]
	}
	answer[7] = 1
	answer = append(answer, 0xC0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0)
	return append(binary.BigEndian.AppendUint16(answer, uint16(len(ip.AsSlice()))), ip.AsSlice()...)
}

// TestForbiddenAddresses: a name that stands for this machine does not lead to it, whatever it stood for before, unless that is allowed.
func TestForbiddenAddresses(t *testing.T) {
	a, in := newArchive(t), newInbox(t, 200)
	u, err := url.Parse(in.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTP_PROXY", in.URL) // not even a proxy leads there
	for name, c := range map[string]struct {
		host      string
		addresses []string
		allow     string
		taken     bool
	}{
		"localhost":                 {"localhost", []string{"127.0.0.1"}, "", false},
		"localhost, of a file":      {"localhost", nil, "", false},
		"a name":                    {"receiver.example", []string{"127.0.0.1"}, "", false},
		"a name, allowed":           {"receiver.example", []string{"127.0.0.1"}, "127.0.0.0/8", true},
		"another is allowed":        {"receiver.example", []string{"127.0.0.1"}, "10.0.0.0/8", false},
		"a name of IPv6":            {"receiver.example", []string{"::1"}, "", false},
		"a name, mapped":            {"receiver.example", []string{"::ffff:127.0.0.1"}, "", false},
		"a name, mapped, allowed":   {"receiver.example", []string{"::ffff:127.0.0.1"}, "127.0.0.1", true},
		"a name of nothing":         {"receiver.example", []string{"0.0.0.0"}, "", false},
		"a name of what clouds say": {"receiver.example", []string{"169.254.169.254"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			hook := webhook.Webhook{Name: "ai", URL: "http://" + c.host + ":" + u.Port(), Secrets: [][]byte{secret}}
			if c.allow != "" {
				network, err := webhook.ParseNetwork(c.allow)
				if err != nil {
					t.Fatal(err)
				}
				hook.Allow = append(hook.Allow, network)
			}
			o := webhook.Options{Webhooks: []webhook.Webhook{hook}, Log: slog.New(slog.DiscardHandler)}
			if c.addresses != nil {
				o = o.WithResolver((&names{addresses: c.addresses}).resolver())
			}
			s, err := webhook.New(a.Store, a.index.Webhooks(), o)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Test(t.Context(), "ai")
			if (err == nil) != c.taken || err != nil && !(errors.Is(err, webhook.ErrUndelivered) && strings.Contains(err.Error(), "not public")) {
				t.Errorf("%v", err)
			}
			if c.taken {
				in.next(t, `"type":"test"`)
			}
		})
	}
	if len(in.got) > 0 {
		t.Error("the receiver was reached")
	}
}

// TestRebinding: a name is asked for again for each connection, and what it says then is looked at.
func TestRebinding(t *testing.T) {
	a, in := newArchive(t), newInbox(t, 200)
	u, err := url.Parse(in.URL)
	if err != nil {
		t.Fatal(err)
	}
	hook := webhook.Webhook{Name: "ai", URL: "http://receiver.example:" + u.Port(), Secrets: [][]byte{secret},
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	n := &names{addresses: []string{"127.0.0.1", "127.0.0.2"}} // allowed, and then another
	s, err := webhook.New(a.Store, a.index.Webhooks(), webhook.Options{Webhooks: []webhook.Webhook{hook}}.WithResolver(n.resolver()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Test(t.Context(), "ai"); err != nil {
		t.Fatal(err)
	}
	in.next(t)
	in.CloseClientConnections()
	if err := s.Test(t.Context(), "ai"); !errors.Is(err, webhook.ErrUndelivered) || len(in.got) > 0 {
		t.Errorf("%v", err)
	}
}

// TestRedirect: nothing is sent to where a receiver points.
func TestRedirect(t *testing.T) {
	a, other := newArchive(t), newInbox(t, 200)
	for _, status := range []int{301, 302, 303, 307, 308} {
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, status)
		}))
		defer receiver.Close()
		s, err := webhook.New(a.Store, a.index.Webhooks(), webhook.Options{Webhooks: []webhook.Webhook{
			{Name: "ai", URL: receiver.URL, Secrets: [][]byte{secret}, Allow: here}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Test(t.Context(), "ai"); !errors.Is(err, webhook.ErrUndelivered) || len(other.got) > 0 {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestHangingReceiver: who hangs holds up nobody, neither those who store nor other receivers, and is given up after a while.
func TestHangingReceiver(t *testing.T) {
	a, in, c := newArchive(t), newInbox(t, 200), &clock{}
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer hanging.Close()
	defer close(release)
	kinds := []store.ChangeKind{store.StudyStored}
	sending(t, a, c, webhook.Webhook{Name: "hangs", URL: hanging.URL, Events: kinds}, webhook.Webhook{Name: "works", URL: in.URL, Events: kinds})
	var stored []dicom.UID
	stored = append(stored, a.add(t, "1"))
	<-arrived
	for _, name := range []string{"2", "3"} {
		stored = append(stored, a.add(t, name))
	}
	for _, uid := range stored {
		in.next(t, string(uid))
	}

	s, err := webhook.New(a.Store, a.index.Webhooks(), webhook.Options{Timeout: time.Millisecond, Webhooks: []webhook.Webhook{
		{Name: "hangs", URL: hanging.URL, Secrets: [][]byte{secret}, Allow: here}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Test(t.Context(), "hangs"); !errors.Is(err, webhook.ErrUndelivered) || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v", err)
	}
}

// TestGap: a receiver that was away for longer than the feed is kept, or before the index was rebuilt, is told that it has missed
// something, and goes on where it can.
func TestGap(t *testing.T) {
	a, in := newArchive(t), newInbox(t, 200)
	hook := webhook.Webhook{Name: "ai", URL: in.URL, Events: []store.ChangeKind{store.Stored}}
	_, stop := sending(t, a, &clock{}, hook)
	stop()
	a.add(t, "1")
	kept := a.add(t, "2")
	if _, err := a.TrimChanges(t.Context(), time.Now().Add(time.Hour), 3); err != nil { // of the first
		t.Fatal(err)
	}
	s, stop := sending(t, a, &clock{}, hook)
	in.next(t, `"type":"gap"`, `"after":"`)
	in.next(t, `"type":"stored"`, string(kept))
	caughtUp(t, s)
	stop()

	if _, err := a.index.Webhooks().Move(t.Context(), "ai", store.Cursor{Epoch: "another", Number: 1}, nil); err != nil {
		t.Fatal(err)
	}
	s, stop = sending(t, a, &clock{}, hook)
	in.next(t, `"type":"gap"`, `"after":"another-1"`)
	caughtUp(t, s)
	next := a.add(t, "3")
	in.next(t, `"type":"stored"`, string(next))
	stop()
}
