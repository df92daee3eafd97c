//go:build linux

package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// promise is an instance that was sent.
type promise struct {
	ref   dicom.Ref
	sum   [32]byte
	acked bool
}

func promised(f sample) *promise { return &promise{ref: f.ref, sum: sha256.Sum256(f.bytes)} }

// ledger is what was sent and what was acknowledged. Each acknowledgement is a line of a file that no fault touches, written before
// anything else happens.
type ledger struct {
	mu    sync.Mutex
	file  *os.File
	sent  []*promise
	acked int
}

func (l *lab) openLedger() (*ledger, error) {
	f, err := os.OpenFile(filepath.Join(l.folder, "ledger"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	l.later(func() { f.Close() })
	return &ledger{file: f}, nil
}

func (g *ledger) send(files []sample) []*promise {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []*promise
	for _, f := range files {
		p := promised(f)
		g.sent, list = append(g.sent, p), append(list, p)
	}
	return list
}

func (g *ledger) acknowledge(list []*promise) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range list {
		fmt.Fprintf(g.file, "%x %s\n", p.sum, p.ref.Path())
		p.acked = true
		g.acked++
	}
}

// promises returns all, or the last n that were sent and a fourth of that of the older ones, chosen at random.
func (g *ledger) promises(last int) []*promise {
	g.mu.Lock()
	defer g.mu.Unlock()
	if last < 0 || len(g.sent) <= 2*last {
		return append([]*promise(nil), g.sent...)
	}
	older := len(g.sent) - last
	list := append([]*promise(nil), g.sent[older:]...)
	for range last / 4 {
		list = append(list, g.sent[rand.IntN(older)])
	}
	return list
}

func (g *ledger) count() (sent, acked int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sent), g.acked
}

// sample is a synthetic instance.
type sample struct {
	ref   dicom.Ref
	bytes []byte
}

// newSample makes one whose bytes are of its own, with an image of size x size pixels of 16 bits.
func newSample(study, series, name string, number, size int) sample {
	in := dicomtest.Image{Study: study, Series: series, Name: name, Number: number, Rows: size, Columns: size,
		With: []any{dicom.PatientComments, name}}.Instance()
	file, err := in.File()
	if err != nil {
		panic(err) // a mistake in the harness
	}
	return sample{in.DataSet.Ref(), file}
}

// newProtocol makes one that belongs to no patient.
func newProtocol(name string) sample {
	in := dicomtest.HangingProtocol(name, "CT")
	file, err := in.File()
	if err != nil {
		panic(err) // a mistake in the harness
	}
	return sample{in.DataSet.Ref(), file}
}

// answer is what became of a Store request.
type answer struct {
	status int
	module *dicom.DataSet // nil: none
	body   []byte
	header http.Header
}

// stow stores by STOW-RS (PS3.18 10.5), or in the resource of the files (PS3.18 12.5).
func (s *server) stow(files ...sample) (answer, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range files {
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
		if err != nil {
			return answer{}, err
		}
		part.Write(f.bytes) //nolint:errcheck // a buffer
	}
	form.Close() //nolint:errcheck // a buffer
	return s.postTo(cmp.Or(files[0].ref.Resource, dicom.Studies), `multipart/related; type="application/dicom"; boundary=`+form.Boundary(), &body)
}

func (s *server) post(contentType string, body io.Reader) (answer, error) {
	return s.postTo(dicom.Studies, contentType, body)
}

func (s *server) postTo(resource, contentType string, body io.Reader) (answer, error) {
	response, err := s.http.Post(s.url+"/dicom-web/"+resource, contentType, body)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, body: text, header: response.Header}
	a.module = moduleOf(response.Header, text)
	return a, nil
}

// moduleOf is the Store Instances Response Module of an answer, nil if it has none.
func moduleOf(header http.Header, text []byte) *dicom.DataSet {
	var module dicom.DataSet
	if header.Get("Content-Type") != "application/dicom+json" || json.Unmarshal(text, &module) != nil {
		return nil
	}
	return &module
}

// reasoned reports whether the answer refuses something, and says why of each.
func (a answer) reasoned() bool {
	if a.module == nil {
		return false
	}
	failed := append(a.module.Items(dicom.FailedSOPSequence), a.module.Items(dicom.OtherFailuresSequence)...)
	return len(failed) > 0 && !slices.ContainsFunc(failed, func(item *dicom.DataSet) bool {
		_, said := item.Get(dicom.FailureReason)
		return !said
	})
}

// stored returns which of the promises the answer acknowledges: those in Referenced SOP Sequence.
func (a answer) stored(list []*promise) []*promise {
	if a.module == nil {
		return nil
	}
	there := map[dicom.UID]bool{}
	for _, item := range a.module.Items(dicom.ReferencedSOPSequence) {
		there[item.UID(dicom.ReferencedSOPInstanceUID)] = true
	}
	var acked []*promise
	for _, p := range list {
		if there[p.ref.Instance] {
			acked = append(acked, p)
		}
	}
	return acked
}

// upload stores and writes down what was acknowledged.
func (g *ledger) upload(s *server, files ...sample) (answer, error) {
	list := g.send(files)
	a, err := s.stow(files...)
	if err != nil {
		return a, err
	}
	acked := a.stored(list)
	g.acknowledge(acked)
	if a.status == http.StatusOK && len(acked) != len(list) {
		return a, fmt.Errorf("status 200 acknowledges %d of %d instances", len(acked), len(list))
	}
	return a, nil
}

// load lets clients upload until stop is closed or the server goes away: requests of 1, 2, 3 and 12 instances, every third of
// 128 KiB. problem hears of what must not be.
func (g *ledger) load(s *server, clients int, name string, stop <-chan struct{}, problem func(string, ...any)) (wait func()) {
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				files := request(name, client, n)
				a, err := g.upload(s, files...)
				switch {
				case err != nil:
					return // the server was killed
				case a.status == http.StatusServiceUnavailable:
					time.Sleep(10 * time.Millisecond)
				case a.status != http.StatusOK:
					problem("%s: STOW answered %d: %s", name, a.status, tail(string(a.body), 300))
					return
				}
			}
		})
	}
	return group.Wait
}

func request(name string, client, n int) []sample {
	var files []sample
	for i := range []int{1, 12, 2, 3}[n%4] {
		size := 16
		if i%3 == 2 {
			size = 256
		}
		files = append(files, newSample(fmt.Sprint("faults ", client), name, fmt.Sprint(name, "/", n), i+1, size))
	}
	return files
}
