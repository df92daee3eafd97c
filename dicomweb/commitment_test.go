package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// rotten changes a byte of each file that is read.
type rotten struct {
	store.Blobs
	rot bool
}

func (r *rotten) Open(ctx context.Context, id store.BlobID) (store.Blob, error) {
	b, err := r.Blobs.Open(ctx, id)
	if err != nil || !r.rot {
		return b, err
	}
	return rottenBlob{b}, nil
}

type rottenBlob struct{ store.Blob }

func (b rottenBlob) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Blob.ReadAt(p, off)
	if off == 0 && n > 0 {
		p[0]++
	}
	return n, err
}

// commitmentServer is a server whose process can end and begin again.
type commitmentServer struct {
	*Server
	index       *sqlite.Index
	commitments *commitment.Service
	blobs       *rotten
	path        string
	now         time.Time
}

func newCommitmentServer(t *testing.T) *commitmentServer {
	c := &commitmentServer{path: filepath.Join(t.TempDir(), "index.db"), blobs: &rotten{Blobs: memstore.NewBlobs()},
		now: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)}
	c.begin(t)
	t.Cleanup(func() { c.index.Close() })
	var body []byte
	for _, line := range []string{"part ct1", "part mr1", "end"} {
		body = appendBody(t, body, line)
	}
	if w := c.send("POST", "/studies", `multipart/related; type="application/dicom"; boundary=b`, body); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	return c
}

func (c *commitmentServer) begin(t *testing.T) {
	t.Helper()
	if c.index != nil {
		if err := c.index.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if c.index, err = sqlite.Open(t.Context(), c.path); err != nil {
		t.Fatal(err)
	}
	st := store.New(c.index, c.blobs, store.Options{})
	c.commitments = commitment.New(c.index.Commitments(), Vouching{st}, time.Hour)
	c.commitments.Now = func() time.Time { return c.now }
	if c.Server, err = New(st, Options{Commitment: c.commitments, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
}

func (c *commitmentServer) send(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/dicom-web"+path, bytes.NewReader(body))
	r.Header.Set("Accept", "application/dicom+json")
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

// manyReferences are more than are answered at once.
func manyReferences(t *testing.T) []byte {
	ds := &dicom.DataSet{}
	items := make([]*dicom.DataSet, 201)
	for i := range items {
		items[i] = &dicom.DataSet{}
		uid := fmt.Sprintf("1.2.1000.%d", i)
		if i == 0 {
			uid = "1.2.1.1.1"
		}
		items[i].SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
		items[i].SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, uid)
	}
	ds.SetItems(dicom.ReferencedSOPSequence, items...)
	text, err := ds.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestCommitmentLater: a large request is 202, survives the end of the process, has its result after that, loses it when it is too old,
// and its UID is never free again (PS3.18 13.5.3.1).
func TestCommitmentLater(t *testing.T) {
	c := newCommitmentServer(t)
	ask := func(method string, want int) *httptest.ResponseRecorder {
		t.Helper()
		w := c.send(method, "/commitment-requests/1.9.1", "application/dicom+json", manyReferences(t))
		if w.Code != want {
			t.Fatalf("%s: %d, want %d: %s", method, w.Code, want, w.Body)
		}
		if (w.Header().Get("Retry-After") != "") != (want == http.StatusAccepted) {
			t.Errorf("%s: Retry-After %q", method, w.Header().Get("Retry-After"))
		}
		return w
	}
	ask("POST", 202)
	ask("POST", 409)
	ask("GET", 202)
	c.begin(t)
	ask("GET", 202)
	if err := c.commitments.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	var found struct{ committed, failed int }
	body := ask("GET", 200).Body.String()
	found.failed = strings.Count(body, `"Value":[274]`)
	found.committed = strings.Count(body, `"1.2.1.1.1"`)
	if found.failed != 200 || found.committed != 1 {
		t.Errorf("%+v: %.500s", found, body)
	}
	c.now = c.now.Add(time.Hour)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 200}, {time.Second, 410}} {
		c.now = c.now.Add(step.after)
		if err := c.commitments.Expire(t.Context(), c.now.Add(-c.commitments.Retention)); err != nil {
			t.Fatal(err)
		}
		ask("GET", step.want)
	}
	ask("POST", 409)
}

// TestCommitmentReadsAgain: what has rotted since it was stored is not committed.
func TestCommitmentReadsAgain(t *testing.T) {
	c := newCommitmentServer(t)
	ds := &dicom.DataSet{}
	item := &dicom.DataSet{}
	item.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
	item.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, "1.2.1.1.1")
	ds.SetItems(dicom.ReferencedSOPSequence, item)
	text, _ := ds.MarshalJSON()
	for i, reason := range []string{"", `"00081197":{"vr":"US","Value":[272]}`} {
		c.blobs.rot = reason != ""
		w := c.send("POST", fmt.Sprintf("/commitment-requests/1.9.%d", i), "application/dicom+json", text)
		body, _ := io.ReadAll(w.Body)
		if w.Code != 200 || bytes.Contains(body, []byte("00081198")) != c.blobs.rot || !bytes.Contains(body, []byte(reason)) {
			t.Errorf("rotten: %v: %d %s", c.blobs.rot, w.Code, body)
		}
	}
}

// TestCommitmentBusy: not more than so many wait.
func TestCommitmentBusy(t *testing.T) {
	c := newCommitmentServer(t)
	for i := range commitment.MaxWaiting {
		if err := c.commitments.Add(t.Context(), dicom.UID(fmt.Sprintf("1.8.%d", i)), &dicom.DataSet{}, nil, c.now); err != nil {
			t.Fatal(err)
		}
	}
	if w := c.send("POST", "/commitment-requests/1.9.1", "application/dicom+json", manyReferences(t)); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Error(w.Code, w.Body)
	}
}

// finishing tells when a request has its result.
type finishing struct {
	commitment.Repository
	finished chan dicom.UID
}

func (f finishing) Finish(ctx context.Context, uid dicom.UID, result *dicom.DataSet, now time.Time) error {
	err := f.Repository.Finish(ctx, uid, result, now)
	f.finished <- uid
	return err
}

// TestCommitmentBeside: who runs the service has to do nothing else for a large request to get its result.
func TestCommitmentBeside(t *testing.T) {
	c := newCommitmentServer(t)
	finished := make(chan dicom.UID)
	c.commitments.Repository = finishing{c.commitments.Repository, finished}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.commitments.Run(ctx, slog.New(slog.DiscardHandler))
	}()
	for _, uid := range []dicom.UID{"1.9.1", "1.9.2"} {
		if w := c.send("POST", "/commitment-requests/"+string(uid), "application/dicom+json", manyReferences(t)); w.Code != 202 {
			t.Fatal(w.Code, w.Body)
		}
		if got := <-finished; got != uid {
			t.Errorf("%s has a result, want %s", got, uid)
		}
		if w := c.send("GET", "/commitment-requests/"+string(uid), "", nil); w.Code != 200 {
			t.Error(w.Code, w.Body)
		}
	}
	cancel()
	<-ended
}

// limited sends a request of somebody who may see only some patients.
func (c *commitmentServer) limited(t *testing.T, method, path string, body []byte, patients ...string) *httptest.ResponseRecorder {
	t.Helper()
	who := access.Principal{Name: "some", Kind: access.Key, Roles: access.RolesOf(access.Store), Scope: access.Scope{Patients: patients}}
	s, err := New(c.store, Options{Commitment: c.commitments, Authenticator: byName{"some": who}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, "/dicom-web"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/dicom+json")
	r.Header.Set("Authorization", "some")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestCommitmentKeepsToLimits: what somebody may not see is not committed to him, at once or later, and the result is his alone.
func TestCommitmentKeepsToLimits(t *testing.T) {
	c := newCommitmentServer(t)
	var few dicom.DataSet
	if err := few.UnmarshalJSON(manyReferences(t)); err != nil {
		t.Fatal(err)
	}
	few.SetItems(dicom.ReferencedSOPSequence, few.Items(dicom.ReferencedSOPSequence)[0])
	// What a client writes of limits is not believed.
	few.SetStrings(0x00090010, dicom.LO, "NOCTIS COMMITMENT")
	few.SetStrings(0x00091001, dicom.UT, "{}")
	one, err := few.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for i, request := range [][]byte{one, manyReferences(t)} {
		path := fmt.Sprintf("/commitment-requests/1.9.7.%d", i)
		if w := c.limited(t, "POST", path, request, "somebody"); w.Code != 200 && w.Code != 202 {
			t.Fatal(w.Code, w.Body)
		}
		if err := c.commitments.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := c.limited(t, "GET", path, nil, "somebody")
		if text := w.Body.String(); w.Code != 200 || strings.Contains(text, `"00081199"`) || !strings.Contains(text, `"Value":[274]`) || strings.Contains(text, "0009") {
			t.Errorf("%d %s", w.Code, text)
		}
		if w := c.limited(t, "GET", path, nil, "another"); w.Code != 404 {
			t.Errorf("another asks: %d %s", w.Code, w.Body)
		}
		if w := c.send("GET", path, "", nil); w.Code != 200 {
			t.Errorf("who sees everything asks: %d", w.Code)
		}
	}
}
