//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// patients are the names on the list, in its order; rows the number of them.
const (
	patients = `[...document.querySelectorAll('.study .patient .first')].map(e => e.textContent).join('; ')`
	rows     = `document.querySelectorAll('.study').length`
	pictures = `[...document.querySelectorAll('.study img')].filter(e => e.naturalWidth > 0).length` // that have come
)

// visible is true when the element with an id is shown.
func visible(id string) string {
	return fmt.Sprintf(`document.getElementById(%q).checkVisibility()`, id)
}

func TestPageListsStudies(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.scheme("dark")
	b.visit(s.url + "/")
	b.until("four studies are listed", rows+` === 4`)
	for _, want := range []string{
		"DEMO, AURORA|NOCTIS-001|F · 64 y|08:15|CT chest with contrast|Accession A1001|CTSEGSR|26|3 series|View",
		"DEMO-MÜLLER, JÖRG|NOCTIS-002|M · 47 y|14:22|MR head|Accession A1002|MR|20|1 series|View",
		"DEMO-YAMADA, TAROU · 山田 太郎|NOCTIS-003|M · 25 y|09:30|Hand, left|Accession A1003|CR|1|1 series|View",
		"DEMO, LUNA|NOCTIS-004|other · 30 y|11:00|Echocardiography|Accession A1004|US|1|1 series|View",
	} {
		parts := strings.Split(want, "|")
		row := b.text(fmt.Sprintf(`[...document.querySelectorAll('.study')]
			.map(e => e.innerText).find(text => text.includes(%q)) ?? ''`, parts[0]))
		row = strings.Join(strings.Fields(row), " ")
		for _, part := range parts {
			if !strings.Contains(row, part) {
				t.Errorf("the row of %s has no %q: %q", parts[0], part, row)
			}
		}
	}
	b.until("every study has its picture", pictures+` === 4`)
	b.scheme("light")
	if ground := b.text(`getComputedStyle(document.documentElement).backgroundColor`); ground != "rgb(242, 245, 245)" {
		t.Errorf("in daylight the ground is %s", ground)
	}
}

func TestPageSearches(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("four studies are listed", rows+` === 4`)
	field := func(name, value string) string {
		return fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event('input', { bubbles: true })) })
			(document.querySelector('[name=%s]'))`, value, name)
	}
	for _, c := range []struct{ name, value, want string }{
		{"name", "aurora", "DEMO, AURORA"},
		{"name", "Demo, l", "DEMO, LUNA"},
		{"name", "müller jörg", "DEMO-MÜLLER, JÖRG"},
		{"id", "004", "DEMO, LUNA"},
		{"accession", "A1003", "DEMO-YAMADA, TAROU · 山田 太郎"},
		{"modality", "CR,DX", "DEMO-YAMADA, TAROU · 山田 太郎"},
		{"from", "2026-03-10", "DEMO, LUNA"},
		{"to", "2026-03-02", "DEMO, AURORA"},
	} {
		b.eval(field(c.name, c.value), nil)
		b.until(fmt.Sprintf("%s %q finds %s", c.name, c.value, c.want), fmt.Sprintf(`%s === %q`, patients, c.want))
		b.eval(field(c.name, ""), nil)
		b.until("all are back", rows+` === 4`)
	}

	// As a person types, and in the address, so that it is there again after a reload.
	slash := input.DispatchKeyEvent(input.KeyRawDown).WithKey("/") // no character follows, as the page takes the key
	b.run(slash, chromedp.KeyEvent("luna"))
	b.until("typing finds one", fmt.Sprintf(`%s === "DEMO, LUNA"`, patients))
	b.until("the search is in the address", `location.search === '?name=luna'`)
	b.run(chromedp.Reload())
	b.until("the search is there after a reload", fmt.Sprintf(`%s === "DEMO, LUNA"`, patients))
	b.eval(field("name", "nobody"), nil)
	b.until("the page says that nothing matches", visible("nothing")+` && !`+visible("studies"))
	b.click("#clear")
	b.until("all are back", rows+` === 4 && location.search === ''`)
}

// Typing fast makes few requests, and an answer that comes late does not win.
func TestPageAsksOnceForAWord(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("four studies are listed", rows+` === 4`)
	before := b.requestsFor("/dicom-web/studies")
	b.run(chromedp.Focus("[name=name]", chromedp.ByQuery), chromedp.KeyEvent("aurora"))
	b.until("typing finds one", fmt.Sprintf(`%s === "DEMO, AURORA"`, patients))
	if n := b.requestsFor("/dicom-web/studies") - before; n > 3 {
		t.Errorf("six letters made %d requests", n)
	}
}

func TestPageShowsSeries(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.scheme("dark")
	b.visit(s.url + "/")
	b.until("the studies are listed", rows+` === 4`)
	b.run(chromedp.Focus(".study:nth-last-child(2) .toggle", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	b.until("three series are shown", `document.querySelectorAll('.series li').length === 3`)
	b.until("the CT has its picture", `document.querySelector('.series img')?.naturalWidth > 0`)
	text := b.text(`document.querySelector('.series').innerText`)
	for _, want := range []string{
		"Chest 8 mm", "CT · no. 1", "24 instances", "Nodule", "SEG · no. 2", "SR · no. 3", "1 instance",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the series have no %q: %q", want, text)
		}
	}
	b.document("page.png")
	if state := b.text(`document.activeElement.getAttribute('aria-expanded')`); state != "true" {
		t.Errorf("aria-expanded is %s", state)
	}
	b.run(chromedp.KeyEvent(kb.Enter))
	b.until("they are closed again", `![...document.querySelectorAll('.detail')].some(e => e.checkVisibility())`)
}

func TestPageTurnsPages(t *testing.T) {
	s := start(t)
	var all []dicomtest.Instance
	for i := range 53 {
		id := fmt.Sprintf("P%02d", i)
		all = append(all, dicomtest.Image{Study: id, Series: id, Name: id,
			With: []any{dicom.PatientID, id, dicom.PatientName, "PAGE^" + id}}.Instance())
	}
	s.store(all...)
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("the first page is full",
		rows+` === 50 && document.getElementById('summary').textContent === 'Studies 1 to 50, and more'`)
	first := b.text(patients)
	b.click("#next")
	b.until("the second has the rest", rows+` === 3 && document.getElementById('next').disabled`)
	if second := b.text(patients); strings.Contains(first, second) {
		t.Errorf("the pages overlap: %s", second)
	}
	b.click("#previous")
	b.until("the first is back", fmt.Sprintf(`%s === %q`, patients, first))
}

func TestPageSaysHowToBegin(t *testing.T) {
	s := start(t)
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("the page says how to begin", visible("empty"))
	text := b.text(`document.getElementById('empty').innerText`)
	for _, want := range []string{"Drag", "noctis import", "curl", s.url + "/dicom-web/studies"} {
		if !strings.Contains(text, want) {
			t.Errorf("it has no %q: %q", want, text)
		}
	}
}

func TestPageSaysThatTheServerIsGone(t *testing.T) {
	s := start(t)
	gone := false
	target, _ := url.Parse(s.url)
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone && strings.HasPrefix(r.URL.Path, "/dicom-web/") {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"title":"Service Unavailable","detail":"the index is being rebuilt"}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	b := open(t, front.URL)
	b.allow(`503`, "the server is made to answer so")
	b.visit(front.URL + "/")
	b.until("the page is there", visible("empty"))
	gone = true
	b.eval(`dispatchEvent(new Event('visibilitychange'))`, nil)
	b.until("it says what is wrong", `document.getElementById('problem').innerText.includes('the index is being rebuilt')`)
	gone = false
	b.click("#again")
	b.until("it is gone", `!`+visible("problem"))
}

// behindProxy is a proxy that serves the server below a path that the server knows nothing of.
func behindProxy(t *testing.T, s *server, path string) string {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	front := httptest.NewServer(http.StripPrefix(path, proxy))
	t.Cleanup(front.Close)
	return front.URL + path
}

func TestPageBelowAPath(t *testing.T) {
	s := startDemo(t)
	root := behindProxy(t, s, "/hospital/pacs")
	b := open(t, root)
	b.visit(root + "/")
	b.until("four studies are listed", rows+` === 4`)
	b.until("every study has its picture", pictures+` === 4`)
	address := b.text(`document.querySelector('.study .view a').href`)
	if !strings.HasPrefix(address, root+"/viewer/viewer?StudyInstanceUIDs=") {
		t.Errorf("View leads to %s", address)
	}
}
