package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// A server that has too much to do is asked again, with the whole file; one that cannot store ends the import.
func TestImportComesAgain(t *testing.T) {
	folder := t.TempDir()
	file := dicomtest.Image{Rows: 2, Columns: 2}.File()
	if err := os.WriteFile(filepath.Join(folder, "image.dcm"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, after string
		status      int
		times       int32 // asked
		ends        string
	}{
		{"too fast", "1", 429, 2, ""},
		{"busy", "1", 503, 2, ""},
		{"full", "600", 503, 1, "503 Service Unavailable"},
		{"says no time", "", 503, 2, ""},
		{"behind a proxy", "", 502, 2, ""},
		{"fails", "", 500, 2, ""},
		{"not to be had", "", 401, 1, "401 Unauthorized"},
	} {
		var asked atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || !bytes.Contains(body, file) {
				t.Errorf("%s: not the whole file, %v", c.name, err)
			}
			if asked.Add(1) == 1 {
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
				return
			}
			acknowledge(w, file)
		}))
		var out bytes.Buffer
		err := run(t.Context(), []string{"import", "--server", server.URL, folder}, &out, &out)
		server.Close()
		if asked.Load() != c.times || (err != 0) != (c.ends != "") || !strings.Contains(out.String(), c.ends) {
			t.Errorf("%s: asked %d times, exit code %d: %s", c.name, asked.Load(), err, out.String())
		}
	}
}

// What a server says of an instance is what counts, and not its status alone: one that it does not name, and does not find, is not copied.
func TestOddServers(t *testing.T) {
	const other = `{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.3"]}}]}}`
	const failed = `{"00081198":{"vr":"SQ","Value":[{"00081197":{"vr":"US","Value":[43264]}}]}}`
	for _, c := range []struct {
		name    string
		status  int
		answer  string
		found   bool // by a search
		says    string
		ends    bool // the whole copy
		perhaps bool // it is tried again
	}{
		{name: "empty", status: 200, says: "a search does not find it"},
		{name: "empty, and found", status: 200, found: true},
		{name: "an empty data set", status: 200, answer: "{}", says: "a search does not find it"},
		{name: "a page to log in", status: 200, answer: "<html></html>", says: "a search does not find it"},
		{name: "another instance", status: 200, answer: other, says: "a search does not find it"},
		{name: "another instance, and found", status: 200, answer: other, found: true},
		{name: "accepted, with a failure", status: 202, answer: failed, found: true, says: "failure reason A900"},
		{name: "refused", status: 409, answer: failed, says: "failure reason A900"},
		{name: "refused without words", status: 409, says: "409 Conflict"},
		{name: "too large", status: 413, says: "413 Request Entity Too Large"},
		{name: "of another type", status: 415, says: "415 Unsupported Media Type"},
		{name: "a mistake", status: 500, says: "500 Internal Server Error", perhaps: true},
		{name: "no gateway", status: 502, says: "502 Bad Gateway", ends: true, perhaps: true},
		{name: "no right", status: 403, says: "403 Forbidden", ends: true},
		{name: "elsewhere", status: 302, says: `wants to be asked at "/login"`, ends: true},
		{name: "elsewhere, as it is", status: 307, says: `wants to be asked at "/login"`, ends: true},
	} {
		instance := dicomtest.Image{Name: c.name, Rows: 2, Columns: 2}
		uid := instance.Instance().DataSet.UID(dicom.SOPInstanceUID)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) //nolint:errcheck // the client has sent it
			if r.Method == http.MethodGet {
				if c.found && r.URL.Query().Get("SOPInstanceUID") == string(uid) {
					fmt.Fprintf(w, `[{"00080018":{"vr":"UI","Value":["%s"]}}]`, uid)
				}
				return
			}
			w.Header().Set("Location", "/login")
			w.WriteHeader(c.status)
			io.WriteString(w, c.answer) //nolint:errcheck // the client notices
		}))
		to, err := newRemote(server.URL, credentials{})
		if err != nil {
			t.Fatal(err)
		}
		err = to.try(t.Context(), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(instance.File())), nil })
		server.Close()
		later := (*passing)(nil)
		if says := fmt.Sprint(err); (err == nil) != (c.says == "") || !strings.Contains(says, c.says) || errors.Is(err, errUnreachable) != c.ends ||
			errors.As(err, &later) != c.perhaps {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A server that cannot be reached ends the command at once, unless it has answered before.
func TestServerThatIsGone(t *testing.T) {
	server := httptest.NewServer(nil)
	to, err := newRemote(server.URL, credentials{})
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	file := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(dicomtest.Image{}.File())), nil }
	later := (*passing)(nil)
	if err := to.try(t.Context(), file); !errors.Is(err, errUnreachable) || errors.As(err, &later) {
		t.Errorf("a server that was never there: %v", err)
	}
	to.reached.Store(true)
	if err := to.try(t.Context(), file); !errors.Is(err, errUnreachable) || !errors.As(err, &later) {
		t.Errorf("a server that is gone: %v", err)
	}
}

func TestPatience(t *testing.T) {
	for _, c := range []struct {
		patience time.Duration
		why      passing
		want     []time.Duration
	}{
		{5 * time.Minute, passing{after: 100 * time.Second}, []time.Duration{100 * time.Second, 100 * time.Second, 100 * time.Second}},
		{time.Minute, passing{}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}},
		{65 * time.Second, passing{}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second}},
		{time.Hour, passing{few: true}, []time.Duration{time.Second, 2 * time.Second}},
		{0, passing{}, nil},
		{time.Minute, passing{after: time.Hour}, nil},
	} {
		delay := endurance{c.patience}.begin()
		var got []time.Duration
		for after, worth := delay.next(&c.why); worth; after, worth = delay.next(&c.why) {
			got = append(got, after)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v, %+v: %v, want %v", c.patience, c.why, got, c.want)
		}
	}
}

// TestNamedIn: which instance a file is says its data set, also where its File Meta Information has another UID.
func TestNamedIn(t *testing.T) {
	for _, syntax := range []dicom.UID{dicom.ExplicitVRLittleEndian, dicom.ImplicitVRLittleEndian} {
		image := dicomtest.Image{Name: "named", TransferSyntax: syntax}
		uid := string(image.Instance().DataSet.UID(dicom.SOPInstanceUID))
		other := uid[:len(uid)-1] + "0"
		if other == uid {
			other = uid[:len(uid)-1] + "1"
		}
		file := image.File()
		if bytes.Count(file, []byte(uid)) != 2 {
			t.Fatalf("%s: the UID stands %d times in the file", syntax, bytes.Count(file, []byte(uid)))
		}
		file = bytes.Replace(file, []byte(uid), []byte(other), 1)
		if got := instanceIn(file); got != uid {
			t.Errorf("%s: %s, want %s", syntax, got, uid)
		}
		at := bytes.Index(file, []byte(uid))
		if got := instanceIn(file[:at]); got != other {
			t.Errorf("%s, without its data set: %s, want %s", syntax, got, other)
		}
	}
	for _, odd := range []string{"", "\x08\x00\x18\x00", "\x08\x00\x18\x00\xff\xff\xff\xff1.2", "\x08\x00\x18\x00UI", "\x08\x00\x18\x00UI\x04\x00x.yz"} {
		if got := instanceIn([]byte(odd)); got != "" && got != "1.2" {
			t.Errorf("%q: %q", odd, got)
		}
	}
}
