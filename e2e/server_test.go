//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// program is the server under test, and viewerFolder its viewer.
func program(t *testing.T) string {
	t.Helper()
	name := os.Getenv("NOCTIS_BIN")
	if name == "" {
		name = filepath.Join("..", "bin", "noctis")
	}
	name, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		t.Fatalf("no program to test: `make build` makes it, NOCTIS_BIN names another one: %v", err)
	}
	return name
}

func viewerFolder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "bin", "viewer"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		t.Fatalf("no packaged viewer: `make viewer` makes it, and needs npm (Debian: apt-get install npm): %v", err)
	}
	return dir
}

// server is a running noctis with an empty store.
type server struct {
	t    *testing.T
	url  string // without a slash at the end
	data string
}

// start runs noctis until the end of the test; it has to end well.
func start(t *testing.T) *server {
	t.Helper()
	return startAt(t, freeAddress(t))
}

// startAt runs it at an address, with further arguments.
func startAt(t *testing.T, address string, args ...string) *server {
	t.Helper()
	data := t.TempDir()
	var output bytes.Buffer
	command := exec.Command(program(t), append([]string{"serve", "--listen", address, "--data", data, "--viewer", viewerFolder(t)}, args...)...)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("noctis ends with %v", err)
		}
		if t.Failed() {
			t.Logf("noctis says:\n%s", output.Bytes())
		}
	})
	s := &server{t, "http://" + address, data}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get(s.url + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return s
			}
		}
	}
	t.Fatalf("noctis does not get ready")
	return nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// store stores instances through STOW-RS, in one request.
func (s *server) store(instances ...dicomtest.Instance) {
	s.t.Helper()
	s.storeIn("studies", instances...)
}

// storeIn is store in any resource.
func (s *server) storeIn(resource string, instances ...dicomtest.Instance) {
	s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, in := range instances {
		file, err := in.File()
		if err != nil {
			s.t.Fatal(err)
		}
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
		if err != nil {
			s.t.Fatal(err)
		}
		part.Write(file)
	}
	w.Close()
	contentType := fmt.Sprintf(`multipart/related; type="application/dicom"; boundary=%s`, w.Boundary())
	answer, err := http.Post(s.url+"/dicom-web/"+resource, contentType, &body)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		s.t.Fatalf("STOW-RS: %s %s", answer.Status, text)
	}
}

// demoSet is the demonstration set, made once.
var demoSet = sync.OnceValue(func() (all []dicomtest.Instance) {
	for in := range dicomtest.Demo() {
		all = append(all, in)
	}
	return all
})

// startDemo runs noctis with the demonstration set.
func startDemo(t *testing.T) *server {
	t.Helper()
	s := start(t)
	s.store(demoSet()...)
	return s
}

// instances counts what a search at the server finds.
func (s *server) count(resource string) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+"/dicom-web/"+resource, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Accept", "application/dicom+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		s.t.Fatalf("%s: %s %v", resource, answer.Status, err)
	}
	return bytes.Count(text, []byte(`"0020000D":`))
}
