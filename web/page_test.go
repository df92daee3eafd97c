package web

import (
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestPageServesItsFiles(t *testing.T) {
	for _, c := range []struct{ address, mediaType string }{
		{"/", "text/html; charset=utf-8"},
		{"/style.css", "text/css; charset=utf-8"},
		{"/js/main.js", "text/javascript; charset=utf-8"},
		{"/worklist.html", "text/html; charset=utf-8"},
		{"/schedule.html", "text/html; charset=utf-8"},
		{"/audit.html", "text/html; charset=utf-8"},
		{"/webhooks.html", "text/html; charset=utf-8"},
		{"/icon.svg", "image/svg+xml"},
	} {
		r := get(Page(), "GET", c.address)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != c.mediaType {
			t.Errorf("%s: %s %s, want 200 %s", c.address, r.Status, r.Header.Get("Content-Type"), c.mediaType)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": pagePolicy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", c.address, name, got, want)
			}
		}
		again := get(Page(), "GET", c.address, "If-None-Match", r.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s, want 304", c.address, again.Status)
		}
	}
}

func TestPageHasNothingElse(t *testing.T) {
	for _, c := range []struct {
		method, address string
		status          int
	}{
		{"GET", "/nothing", 404},
		{"GET", "/js", 404},
		{"GET", "/../page.go", 404},
		{"POST", "/", 405},
		{"HEAD", "/", 200},
	} {
		if r := get(Page(), c.method, c.address); r.StatusCode != c.status {
			t.Errorf("%s %s: %s, want %d", c.method, c.address, r.Status, c.status)
		}
	}
}

// The policy forbids inline code, and the page has to work below any path: no file may have an inline script or style, or an
// address that begins at the root or at another server.
func TestPageIsRelativeAndHasNoInlineCode(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"inline script":     regexp.MustCompile(`<script[^>]*>[^<]`),
		"inline style":      regexp.MustCompile(`<style|\sstyle=`),
		"event attribute":   regexp.MustCompile(`<[^>]*\son\w+=`),
		"absolute address":  regexp.MustCompile(`(?:src|href|action)="/|url\(["']?/|fetch\(["']/|from '/`),
		"foreign address":   regexp.MustCompile(`(?:src|href|action)="https?:|url\(["']?https?:|@import|from 'https?:`),
		"markup from texts": regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write`),
	}
	for name, file := range Page().(page) {
		for what, pattern := range forbidden {
			if found := pattern.Find(file.text); found != nil {
				t.Errorf("%s has an %s: %q", name, what, found)
			}
		}
	}
}

// Each document has the parts that all have, and says where it is.
func TestDocumentsShareTheirParts(t *testing.T) {
	documents := 0
	for name, file := range Page().(page) {
		if path.Ext(name) != ".html" {
			continue
		}
		documents++
		text := string(file.text)
		here := strings.Count(text, `<a href="`+strings.Replace(name, "index.html", "./", 1)+`" aria-current="page">`)
		if strings.Count(text, "<!doctype html>") != 1 || !strings.HasPrefix(text, "<!doctype html>") || strings.Contains(text, "{{") ||
			strings.Count(text, "aria-current") != here || name != "login.html" && here != 1 {
			t.Errorf("%s: %s", name, text[:1200])
		}
	}
	if documents < 6 {
		t.Errorf("%d documents", documents)
	}
}

// Every file that the page or a module names is there.
func TestPageNamesOnlyWhatIsThere(t *testing.T) {
	reference := regexp.MustCompile(`(?:src|href)="([\w./-]+\.(?:js|css|svg))"|from '(\.\.?/[\w./-]+)'`)
	for name, file := range Page().(page) {
		for _, m := range reference.FindAllStringSubmatch(string(file.text), -1) {
			target := "/" + path.Join(path.Dir(name), m[1]+m[2])
			if r := get(Page(), "GET", strings.Replace(target, "/index.html", "/", 1)); r.StatusCode != http.StatusOK {
				t.Errorf("%s names %s: %s", name, target, r.Status)
			}
		}
	}
}
