//go:build e2e

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/security"
	"github.com/coder/websocket"

	"github.com/noctis-dicom/noctis/dicom"
)

// snippet is a configuration of the manual: what its readers copy is what is tried.
func snippet(t *testing.T, language string) string {
	t.Helper()
	manual, err := os.ReadFile(filepath.Join("..", "docs", "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(manual)
	if found == nil {
		t.Fatalf("the manual has no configuration of %s", language)
	}
	return string(found[1])
}

// replacing replaces what a reader would; each has to be there.
func replacing(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration has no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// certificate makes one for this machine.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"pacs.crt": {Type: "CERTIFICATE", Bytes: signed}, "pacs.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// proxyProgram finds a proxy, which is not always in the path.
func proxyProgram(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Skipf("no %s here (Debian: apt-get install %s)", name, map[string]string{"nginx": "nginx-light", "caddy": "caddy"}[name])
	return ""
}

// running runs a proxy until the end of the test.
func running(t *testing.T, client *http.Client, address, name string, args ...string) {
	t.Helper()
	var output bytes.Buffer
	command := exec.Command(name, args...)
	command.Stdout, command.Stderr = &output, &output
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		command.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", filepath.Base(name), output.Bytes())
		}
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if answer, err := client.Get(address + "/healthz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatalf("%s does not get ready", filepath.Base(name))
}

func trusting() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
}

func TestBehindNginx(t *testing.T) {
	name := proxyProgram(t, "nginx")
	s, dir := startDemo(t), t.TempDir()
	certificate(t, dir)
	_, port, _ := net.SplitHostPort(freeAddress(t))
	config := replacing(t, snippet(t, "nginx"), "listen 443 ssl", "listen 127.0.0.1:"+port+" ssl", "pacs.example.org", "localhost",
		"/etc/ssl/", dir+"/", "127.0.0.1:8080", strings.TrimPrefix(s.url, "http://"))
	config = fmt.Sprintf("daemon off;\npid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/b;\nproxy_temp_path %[1]s/p;\nfastcgi_temp_path %[1]s/f;\nuwsgi_temp_path %[1]s/u;\nscgi_temp_path %[1]s/s;\n%[2]s}\n", dir, config)
	if os.Getuid() == 0 {
		config = "user root;\n" + config // its worker has to reach the folder of the test
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	root := "https://localhost:" + port + "/noctis"
	running(t, trusting(), root, name, "-p", dir, "-c", file)
	tryBehind(t, s, root)
}

func TestBehindCaddy(t *testing.T) {
	name := proxyProgram(t, "caddy")
	s, dir := startDemo(t), t.TempDir()
	certificate(t, dir)
	_, port, _ := net.SplitHostPort(freeAddress(t))
	config := replacing(t, snippet(t, "caddy"), "pacs.example.org {", fmt.Sprintf("localhost:%[1]s {\nbind 127.0.0.1\ntls %[2]s/pacs.crt %[2]s/pacs.key", port, dir),
		"127.0.0.1:8080", strings.TrimPrefix(s.url, "http://"))
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte("{\nadmin off\nauto_https disable_redirects\n}\n"+config), 0o600); err != nil {
		t.Fatal(err)
	}
	root := "https://localhost:" + port + "/noctis"
	running(t, trusting(), root, name, "run", "--adapter", "caddyfile", "--config", file)
	tryBehind(t, s, root)
}

// tryBehind tries a server through a proxy: the page and OHIF in the browser, and that no answer says where the server really is.
func tryBehind(t *testing.T, s *server, root string) {
	o := ohif{open(t, root)}
	o.run(security.SetIgnoreCertificateErrors(true))
	o.visit(root + "/")
	o.until("four studies are listed", rows+` === 4`)
	o.until("their pictures have come", pictures+` > 0`)
	o.visit(root + "/viewer") // without its slash
	o.until("OHIF lists studies", `/DEMO, AURORA/.test(document.body.innerText)`)
	o.visit(viewerAddress(root, demoSet()[0]))
	o.opened()
	o.shows("the first image", 512, 512, expected(demoSet()[0], 40, 400), tolerance)

	client := trusting()
	behind := strings.TrimPrefix(s.url, "http://")
	instance := "/dicom-web" + demoSet()[0].DataSet.Ref().Path()
	study := "/dicom-web" + dicom.Ref{Study: demoSet()[0].DataSet.Ref().Study}.Path()
	file, err := demoSet()[0].File()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, accept string
		body                 []byte
		want                 string // in the answer or in its fields
	}{
		{"GET", "/dicom-web/studies", "application/dicom+json", nil, root + study},
		{"GET", "/dicom-web/series", "application/dicom+json", nil, root + study + "/series/"},
		{"GET", study + "/metadata", "application/dicom+json", nil, root + study + "/series/"},
		{"GET", instance + "/metadata", `multipart/related; type="application/dicom+xml"`, nil, root + instance + "/bulkdata/"},
		{"GET", instance + "/frames/1", "*/*", nil, root + instance + "/frames/1"},
		{"GET", instance + "/rendered", "image/jpeg", nil, root + instance},
		{"POST", "/dicom-web/studies", "application/dicom+json", file, root + study},
		{"POST", "/dicom-web/workitems/1.2.840.10008.5.1.4.34.5/subscribers/PROXY", "", nil, strings.Replace(root, "https:", "wss:", 1) + "/dicom-web/subscribers/PROXY"},
		{"OPTIONS", "/dicom-web", "application/vnd.sun.wadl+xml", nil, root + "/dicom-web"},
		{"GET", "/dicom-web/changes", "application/json", nil, ""},
	} {
		request, err := http.NewRequest(c.method, root+c.path, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", c.accept)
		request.Header.Set("Forwarded", "host=evil.example;proto=http") // what a client says of itself is not believed
		request.Header.Set("X-Forwarded-Port", "1")
		if c.body != nil {
			request.Header.Set("Content-Type", "application/dicom")
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode >= 300 {
			t.Errorf("%s %s: %s, %v", c.method, c.path, answer.Status, err)
		}
		whole := fmt.Sprint(answer.Header) + string(text)
		if !strings.Contains(strings.ReplaceAll(whole, `\/`, "/"), c.want) {
			t.Errorf("%s %s: nothing of %s in %.500s", c.method, c.path, c.want, whole)
		}
		for _, wrong := range []string{behind, "evil.example", "http://localhost"} {
			if strings.Contains(whole, wrong) {
				t.Errorf("%s %s: %s is in the answer", c.method, c.path, wrong)
			}
		}
		if got := answer.Header.Get("Strict-Transport-Security"); got == "" {
			t.Errorf("%s %s: no Strict-Transport-Security", c.method, c.path)
		}
	}
	tryEvents(t, client, root)
}

// tryEvents opens a WebSocket through the proxy.
func tryEvents(t *testing.T, client *http.Client, root string) {
	t.Helper()
	plain := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // a WebSocket is HTTP/1.1
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(root, "https:", "wss:", 1)+"/dicom-web/subscribers/PROXY", &websocket.DialOptions{HTTPClient: plain})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	body := strings.NewReader(`{"00741000":{"vr":"CS","Value":["SCHEDULED"]},"00404041":{"vr":"CS","Value":["READY"]},"00741200":{"vr":"CS","Value":["HIGH"]},` +
		`"00741204":{"vr":"LO","Value":["Look"]},"00404005":{"vr":"DT","Value":["20300101120000"]},"00404021":{"vr":"SQ"},"00380010":{"vr":"LO"},"00380014":{"vr":"SQ"},` +
		`"00100010":{"vr":"PN"},"00100020":{"vr":"LO"},"00100030":{"vr":"DA"},"00100040":{"vr":"CS"},"0040A370":{"vr":"SQ"},"00081110":{"vr":"SQ"}}`)
	answer, err := client.Post(root+"/dicom-web/workitems?1.2.3.4", "application/dicom+json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", answer.Status, text)
	}
	for {
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "1.2.3.4") {
			return
		}
	}
}
