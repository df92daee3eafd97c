//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for what has to happen; a decoder in software on a busy machine is slow.
const patience = 45 * time.Second

// pause is the time between two looks.
const pause = 50 * time.Millisecond

// browser is the running Chromium, shared by all tests; each has tabs of its own.
var browser context.Context

func TestMain(m *testing.M) {
	code, err := inBrowser(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

// inBrowser starts Chromium around f.
func inBrowser(f func() int) (int, error) {
	program, err := chromium()
	if err != nil {
		return 0, err
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program),
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.WindowSize(1400, 900),
	}
	for _, flag := range []string{
		"no-sandbox", "disable-gpu", "enable-unsafe-swiftshader", "hide-scrollbars", "mute-audio", "disable-quic", "disable-sync",
		"disable-background-networking", "disable-component-update", "disable-extensions", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	options = append(options, chromedp.Flag("headless", "new"), chromedp.Flag("use-angle", "swiftshader"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	var cancel context.CancelFunc
	browser, cancel = chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Run(browser); err != nil {
		return 0, fmt.Errorf("%s does not start: %w", program, err)
	}
	return f(), nil
}

// chromium finds the browser.
func chromium() (string, error) {
	if program := os.Getenv("NOCTIS_CHROMIUM"); program != "" {
		return exec.LookPath(program)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errors.New("no Chromium in PATH (Debian: apt-get install chromium); " +
		"NOCTIS_CHROMIUM names one that is elsewhere")
}

// tab is a tab of the browser, in a profile of its own, that keeps what the browser complains about.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string // addresses, in the order of the requests
	addresses  map[network.RequestID]string
	allowed    []*regexp.Regexp
}

// open opens a tab. It may make requests to the given origins only. At the end of the test complaints that were not allowed
// fail it.
func open(t *testing.T, origins ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx, addresses: map[network.RequestID]string{}}
	chromedp.ListenTarget(ctx, func(event any) { b.watch(event, origins) })
	t.Cleanup(func() {
		if t.Failed() {
			b.picture(filepath.Join(t.ArtifactDir(), "tab.png"))
		}
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, c := range b.complaints {
			t.Errorf("the browser complains: %s", c)
		}
	})
	// The first run makes the tab, which lives as long as the context of that run: no deadline here.
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	b.run(log.Enable(), runtime.Enable(), network.Enable(), chromedp.EmulateViewport(1400, 900))
	return b
}

// allow says that complaints which match the pattern are expected, and why.
func (b *tab) allow(pattern, why string) {
	if why == "" {
		b.t.Fatal("an allowance needs a reason")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, regexp.MustCompile(pattern))
}

func (b *tab) complain(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, pattern := range b.allowed {
		if pattern.MatchString(text) {
			return
		}
	}
	b.complaints = append(b.complaints, text)
}

// watch takes the events of the tab: errors in the console, exceptions, requests that fail, and requests to other origins.
func (b *tab) watch(event any, origins []string) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complain("exception: %s", e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeAssert {
			b.complain("console: %s", consoleText(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			b.complain("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.requested(e, origins)
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			b.complain("request: %d for %s", e.Response.Status, e.Response.URL)
		}
	case *network.EventLoadingFailed:
		b.mu.Lock()
		address := b.addresses[e.RequestID]
		b.mu.Unlock()
		if !e.Canceled {
			b.complain("request: %s %s for %s", e.ErrorText, e.BlockedReason, address)
		}
	}
}

func (b *tab) requested(e *network.EventRequestWillBeSent, origins []string) {
	b.mu.Lock()
	b.addresses[e.RequestID] = e.Request.URL
	b.requests = append(b.requests, e.Request.Method+" "+e.Request.URL)
	b.mu.Unlock()
	for _, local := range append([]string{"data:", "blob:", "about:"}, origins...) {
		if strings.HasPrefix(e.Request.URL, local) {
			return
		}
	}
	b.complain("request to another origin: %s", e.Request.URL)
}

// requestsFor counts the requests so far whose path ends so.
func (b *tab) requestsFor(suffix string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, r := range b.requests {
		_, address, _ := strings.Cut(r, " ")
		if u, err := url.Parse(address); err == nil && strings.HasSuffix(u.Path, suffix) {
			n++
		}
	}
	return n
}

func consoleText(args []*runtime.RemoteObject) string {
	var words []string
	for _, arg := range args {
		text := string(arg.Value)
		if arg.Description != "" {
			text = arg.Description
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

// run does something in the tab.
func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := b.try(actions...); err != nil {
		b.t.Fatal(err)
	}
}

// try does something in the tab, and tells what came of it.
func (b *tab) try(actions ...chromedp.Action) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// visit opens an address.
func (b *tab) visit(address string) {
	b.t.Helper()
	b.run(chromedp.Navigate(address))
}

// eval evaluates an expression of JavaScript, also an asynchronous one, into result.
func (b *tab) eval(expression string, result any) {
	b.t.Helper()
	b.run(evaluation(expression, result))
}

func evaluation(expression string, result any) chromedp.Action {
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	return chromedp.Evaluate(expression, result, await)
}

// navigated is what Chromium says of an evaluation whose document gave way to the next one meanwhile.
const navigated = "Inspected target navigated or closed"

// text evaluates an expression that is a text.
func (b *tab) text(expression string) string {
	b.t.Helper()
	var text string
	b.eval(expression, &text)
	return text
}

// until waits for an expression of JavaScript to be true. what says what that means.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	var last json.RawMessage
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pause) {
		var done bool
		if err := b.try(evaluation("Boolean("+expression+")", &done)); err != nil && !strings.Contains(err.Error(), navigated) {
			b.t.Fatal(err)
		}
		if done {
			return
		}
	}
	b.eval("String("+expression+")", &last)
	b.t.Fatalf("waited in vain: %s (%s is %s)", what, expression, last)
}

// click clicks the middle of the first element that a selector finds.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.run(chromedp.Click(selector, chromedp.ByQuery))
}

// scheme sets what the person prefers, dark or light.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}))
}

// picture writes what the tab shows to a file.
func (b *tab) picture(name string) {
	var png []byte
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.CaptureScreenshot(&png)); err != nil {
		b.t.Logf("no picture: %v", err)
		return
	}
	if err := os.WriteFile(name, png, 0o644); err != nil {
		b.t.Logf("no picture: %v", err)
		return
	}
	b.t.Logf("picture in %s", name)
}

// document writes a picture of the documentation, if those are wanted.
func (b *tab) document(name string) {
	if dir := os.Getenv("NOCTIS_PICTURES"); dir != "" {
		b.picture(filepath.Join(dir, name))
	}
}
