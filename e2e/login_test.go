//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// password is that of everybody at the provider.
const password = "known to the provider"

// buildProvider builds the OpenID provider, which is a module of its own, once.
var buildProvider = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "noctis-provider")
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, "provider")
	output, err := exec.Command("go", "build", "-C", "provider", "-o", name, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the OpenID provider: %w\n%s", err, output)
	}
	return name, nil
})

// startProvider runs the provider for a server at an address, and returns its issuer. A radiologist may read everything, and the patient
// with the ID NOCTIS-001 his own.
func startProvider(t *testing.T, server string) string {
	t.Helper()
	program, err := buildProvider()
	if err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]any{
		"people": map[string]any{
			"radiologist": map[string]any{"password": password, "claims": map[string]any{"groups": []string{"radiology", "staff"}}},
			"aurora":      map[string]any{"password": password, "claims": map[string]any{"groups": []string{"patients"}, "mrn": "NOCTIS-001"}},
		},
		"clients": map[string]any{
			"noctis": map[string]any{"secret": "between us", "redirectURIs": []string{server + "/session/callback"}},
			"ohif":   map[string]any{"redirectURIs": []string{server + "/viewer/callback"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	var output bytes.Buffer
	command := exec.Command(program, address, file)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
		if t.Failed() {
			t.Logf("the provider says:\n%s", output.Bytes())
		}
	})
	issuer := "http://" + address + "/"
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get(issuer + ".well-known/openid-configuration"); err == nil {
			answer.Body.Close()
			return issuer
		}
	}
	t.Fatal("the provider does not get ready")
	return ""
}

// startWithProvider runs noctis with the demonstration set and the provider.
func startWithProvider(t *testing.T, args ...string) (s *server, issuer string) {
	t.Helper()
	address := freeAddress(t)
	issuer = startProvider(t, "http://"+address)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("between us\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return startAt(t, address, append([]string{"--demo", "--oidc-issuer", issuer, "--oidc-client-id", "noctis", "--oidc-client-secret-file", secret,
		"--oidc-roles-claim", "groups", "--oidc-roles", "radiology=read;patients=read"}, args...)...), issuer
}

// atProvider logs in on the provider's page.
func (b *tab) atProvider(issuer, name string) {
	b.t.Helper()
	b.allow(regexp.QuoteMeta(issuer)+"favicon.ico", "the provider has none")
	b.run(chromedp.WaitVisible(`[name=username]`, chromedp.ByQuery)) // the way there has several pages
	if at := b.text(`location.href`); !strings.HasPrefix(at, issuer) {
		b.t.Fatalf("asked for a name at %s", at)
	}
	b.run(chromedp.SendKeys(`[name=username]`, name, chromedp.ByQuery), chromedp.SendKeys(`[name=password]`, password+"\r", chromedp.ByQuery))
}

// arrive waits for the viewer at the end of a way over several pages.
func (b *tab) arrive() {
	b.t.Helper()
	b.run(chromedp.WaitVisible("canvas.cornerstone-canvas", chromedp.ByQuery))
}

// OHIF logs in by itself at the provider, and opens the study with the token.
func TestViewerLogsInAtProvider(t *testing.T) {
	s, issuer := startWithProvider(t, "--oidc-viewer-client-id", "ohif")
	b := open(t, s.url, issuer)
	b.visit(viewerAddress(s.url, demoSet()[0]))
	b.atProvider(issuer, "radiologist")
	b.arrive()
	tryCT(ohif{b})
}

// The page logs in at the provider, and OHIF with it.
func TestPageLogsInAtProvider(t *testing.T) {
	s, issuer := startWithProvider(t)
	b := open(t, s.url, issuer)
	b.allow(`401`, "the page asks for the studies before it knows that somebody has to log in")
	b.visit(s.url + "/?name=aurora")
	b.click("#provider")
	b.atProvider(issuer, "radiologist")
	b.run(chromedp.WaitVisible("#log-out", chromedp.ByQuery))
	b.until("the search is where it was, and the study listed", `location.search === '?name=aurora' && `+rows+` === 1`)
	if who := b.text(`document.getElementById('who').textContent`); who != "radiologist" {
		t.Errorf("%q has logged in", who)
	}
	b.click(".study .view a")
	b.arrive()
	tryCT(ohif{b})
}

// A token for one patient sees that patient alone, in OHIF and by any other client.
func TestTokenForOnePatient(t *testing.T) {
	s, issuer := startWithProvider(t, "--oidc-viewer-client-id", "ohif", "--oidc-patients-claim", "mrn")
	b := open(t, s.url, issuer)
	b.visit(s.url + "/viewer/")
	b.atProvider(issuer, "aurora")
	const list = `[...document.querySelectorAll('tbody tr')].map(e => e.innerText).filter(text => /DEMO/.test(text)).join('\n')`
	b.run(chromedp.WaitVisible(`tbody tr`, chromedp.ByQuery))
	b.until("OHIF lists a study", list+` !== ''`)
	if text := b.text(list); !strings.Contains(text, "AURORA") || strings.Contains(text, "\n") && strings.Count(text, "DEMO") != 1 {
		t.Errorf("the list is %s", text)
	}
	token := b.text(`JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith('oidc.user'))[1]).access_token`)
	ask := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/dicom-web"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept", "application/dicom+json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var text bytes.Buffer
		text.ReadFrom(answer.Body)
		return answer.StatusCode, text.String()
	}
	study := func(in dicomtest.Instance) string {
		return "/studies/" + string(in.DataSet.UID(dicom.StudyInstanceUID))
	}
	if status, text := ask("/studies"); status != http.StatusOK || strings.Count(text, `"0020000D":`) != 1 || strings.Count(text, "NOCTIS-00") != 1 {
		t.Errorf("a search answers %d %s", status, text)
	}
	for _, c := range []struct {
		path string
		want int
	}{
		{study(demoSet()[0]) + "/metadata", 200},
		{study(dicomtest.Hand()[0]) + "/metadata", 404},
		{study(dicomtest.Hand()[0]) + "/series", 204},
		{"/studies?PatientID=NOCTIS-003", 204},
		{"/recycle-bin", 403},
	} {
		if status, text := ask(c.path); status != c.want {
			t.Errorf("%s: %d, want %d\n%.300s", c.path, status, c.want, text)
		}
	}
}

// A local user logs in with a password, opens a study in OHIF by the session, and logs out.
func TestPageLogsInLocally(t *testing.T) {
	s := startAt(t, freeAddress(t), "--demo")
	command := exec.Command(program(t), "user", "add", "doe", "--role", "read", "--data", s.data)
	command.Stdin = strings.NewReader(password + "\n")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	b := open(t, s.url)
	b.allow(`401`, "of a wrong password, and of what is asked before the login")
	b.visit(viewerAddress(s.url, demoSet()[0]))
	b.run(chromedp.WaitVisible("#login", chromedp.ByQuery)) // instead of the viewer
	b.run(chromedp.SendKeys("#name", "doe", chromedp.ByQuery), chromedp.SendKeys("#password", "a wrong password\r", chromedp.ByQuery))
	b.until("it is refused", visible("problem"))
	b.document("login.png")
	b.run(chromedp.Clear("#password", chromedp.ByQuery), chromedp.SendKeys("#password", password+"\r", chromedp.ByQuery))
	b.arrive()
	tryCT(ohif{b})

	b.visit(s.url + "/")
	b.until("the studies are listed", rows+` === 4`)
	b.until("somebody has logged in", `document.getElementById('who')?.textContent === 'doe'`)
	if b.text(`String(document.querySelector('.actions').checkVisibility())`) != "false" {
		t.Error("who may only read is offered to upload")
	}
	b.click("#log-out")
	b.run(chromedp.WaitVisible("#login", chromedp.ByQuery))
	b.visit(s.url + "/worklist.html")
	b.run(chromedp.WaitVisible("#login", chromedp.ByQuery))
	if at := b.text(`location.pathname + location.search`); at != "/login.html?next=worklist.html" {
		t.Errorf("after the worklist one is at %s", at)
	}
}

// Behind a proxy with TLS and a path the cookie is bound to both; the page, its feed and OHIF use it.
func TestLoginBehindProxy(t *testing.T) {
	s := startAt(t, freeAddress(t), "--demo")
	command := exec.Command(program(t), "user", "add", "doe", "--role", "read", "--role", "worklist", "--data", s.data)
	command.Stdin = strings.NewReader(password + "\n")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(http.StripPrefix("/pacs", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Header.Set("X-Forwarded-Prefix", "/pacs")
	}}))
	t.Cleanup(front.Close)
	root := front.URL + "/pacs"
	b := open(t, root)
	b.allow(`401`, "of what is asked before the login")
	b.run(security.SetIgnoreCertificateErrors(true))
	b.visit(viewerAddress(root, demoSet()[0]))
	b.run(chromedp.WaitVisible("#login", chromedp.ByQuery))
	b.run(chromedp.SendKeys("#name", "doe", chromedp.ByQuery), chromedp.SendKeys("#password", password+"\r", chromedp.ByQuery))
	b.arrive()
	tryCT(ohif{b})
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		cookies, err := network.GetCookies().Do(ctx)
		for _, c := range cookies {
			if c.Name == "__Secure-noctis" && c.Path == "/pacs/" && c.Secure && c.HTTPOnly {
				return err
			}
		}
		t.Errorf("the cookies are %v", cookies)
		return err
	}))
	b.visit(root + "/worklist.html")
	b.until("the worklist follows the feed", `document.getElementById('live').textContent === 'Live'`)
	b.visit(root + "/")
	b.until("the studies are listed", rows+` === 4`)
	b.click("#log-out")
	b.run(chromedp.WaitVisible("#login", chromedp.ByQuery))
}
