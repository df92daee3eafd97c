//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// Attacks by what stands in attributes, addresses and headers.

// names are paths as UIDs.
var names = []string{"../../../../tmp/noctis-traversal", `..\..\noctis-traversal`, "/tmp/noctis-traversal", "1.2.3\x00.4", "1.2/../../x",
	"%2e%2e%2fnoctis-traversal", strings.Repeat("1.", 5000) + "1", "1.2.3\r\nX-Injected: 1", "<script>alert(1)</script>", "~root", "con", "1.2.3;drop"}

// withUID is a file that has another text in the place of a UID; it is written by hand, as no library would.
func withUID(t dicom.Tag, text string) []byte {
	if len(text)%2 == 1 {
		text += "\x00"
	}
	file := head("uid " + text)
	begins := 132 + 12 + int(binary.LittleEndian.Uint32(file[140:]))
	at := begins + bytes.Index(file[begins:], explicit(t, "UI", 0)[:6])
	end := at + 8 + int(binary.LittleEndian.Uint16(file[at+6:]))
	return append(append(append(append([]byte(nil), file[:at]...), explicit(t, "UI", uint32(len(text)))...), text...), file[end:]...)
}

func traversal(h *siege) ([]func() error, error) {
	var files [][]byte
	for _, name := range names {
		for _, t := range []dicom.Tag{dicom.StudyInstanceUID, dicom.SeriesInstanceUID, dicom.SOPInstanceUID} {
			files = append(files, withUID(t, name))
		}
	}
	return twice(func() error {
		for i, file := range files {
			response, text := h.stowFile(file)
			h.wants(response, text, fmt.Sprintf("a path as UID (%q)", names[i/3]), refused...)
		}
		for _, name := range append(names, "..;/", "..%c0%af", "%00") {
			for _, path := range []string{"/dicom-web/studies/%s", "/dicom-web/studies/1/series/%s/metadata", "/dicom-web/workitems/%s", "/viewer/%s", "/%s",
				"/dicom-web/recycle-bin/versions/%s", "/dicom-web/commitment-requests/%s"} {
				for _, spelt := range []string{url.PathEscape(name), url.PathEscape(url.PathEscape(name)), strings.ReplaceAll(url.PathEscape(name), "..", "%2e%2e")} {
					response, text := h.send("GET", fmt.Sprintf(path, spelt), nil, nil)
					if response != nil && response.StatusCode == http.StatusOK && bytes.Contains(text, []byte("root:")) {
						return fmt.Errorf("%s serves a file of the system", path)
					}
				}
			}
		}
		for _, left := range []string{"/tmp/noctis-traversal", filepath.Join(h.lab.folder, "noctis-traversal"), filepath.Join(h.lab.folder, "..", "noctis-traversal")} {
			if _, err := os.Stat(left); err == nil {
				return fmt.Errorf("an upload made %s", left)
			}
		}
		return nil
	}), nil
}

func injection(h *siege) ([]func() error, error) {
	texts := []string{"' OR 1=1--", `" OR ""="`, "1; DROP TABLE instance", "x' UNION SELECT uid FROM study--", `\'; SELECT 1`, "%' OR '%'='", "1)) OR ((1=1", "a_b%c"}
	keys := []string{"PatientName", "00100020", "StudyInstanceUID", "AccessionNumber", "ModalitiesInStudy", "StudyDate", "00080061", "InstitutionName",
		"00400275.00400007"}
	return twice(func() error {
		for _, key := range keys {
			for _, text := range texts {
				for _, level := range []string{"studies", "series", "instances"} {
					response, body := h.send("GET", "/dicom-web/"+level+"?"+key+"="+url.QueryEscape(text), nil, nil)
					if response != nil && response.StatusCode == http.StatusOK && response.Header.Get("Warning") != "" {
						continue // the key is told to be ignored
					}
					h.wants(response, body, "an injection into "+key, append(refused, http.StatusNoContent)...)
				}
			}
		}
		for _, text := range texts {
			for _, parameter := range []string{"includefield", "limit", "offset", "fuzzymatching", "orderby"} {
				response, body := h.send("GET", "/dicom-web/studies?"+parameter+"="+url.QueryEscape(text), nil, nil)
				h.wants(response, body, "an injection into "+parameter, append(refused, http.StatusOK, http.StatusNoContent)...)
			}
			for _, path := range []string{"/dicom-web/workitems?PatientName=", "/dicom-web/modality-scheduled-procedure-steps?PatientID=", "/dicom-web/changes?after="} {
				response, body := h.send("GET", path+url.QueryEscape(text), nil, nil)
				h.wants(response, body, "an injection into "+path, append(refused, http.StatusOK, http.StatusNoContent, http.StatusGone)...)
			}
		}
		return nil
	}), nil
}

func wildcards(h *siege) ([]func() error, error) {
	patterns := []string{strings.Repeat("*a", 1000) + "*", strings.Repeat("*", 1000), strings.Repeat("?", 10_000), strings.Repeat("?*", 2000) + "x",
		strings.Repeat("*TEST", 200), strings.Repeat("a", 20_000)}
	return twice(func() error {
		for _, p := range patterns {
			for _, key := range []string{"PatientName", "PatientID", "StudyDescription", "InstitutionName"} {
				for _, fuzzy := range []string{"", "&fuzzymatching=true"} {
					for _, level := range []string{"studies", "instances"} {
						response, text := h.send("GET", "/dicom-web/"+level+"?"+key+"="+url.QueryEscape(p)+fuzzy, nil, nil)
						h.wants(response, text, "a wildcard", append(refused, http.StatusOK, http.StatusNoContent)...)
					}
				}
			}
		}
		return nil
	}), nil
}

func splitting(h *siege) ([]func() error, error) {
	const injected = "X-Injected: 1"
	address := strings.TrimPrefix(h.url, "http://")
	requests := []string{
		"GET /dicom-web/studies/1.2%0d%0a" + injected + " HTTP/1.1\r\nHost: x\r\n",
		"GET /dicom-web/studies?PatientID=%0d%0a" + injected + " HTTP/1.1\r\nHost: x\r\n",
		"GET /viewer%0d%0a" + injected + "/x HTTP/1.1\r\nHost: x\r\n",
		"GET //evil.example%0d%0a" + injected + " HTTP/1.1\r\nHost: x\r\n",
		"GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\nAccept: application/json\r" + injected + "\r\n",
		"GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\nOrigin: http://a\n" + injected + "\r\n",
		"GET /wado?requestType=WADO&studyUID=1&seriesUID=1&objectUID=1&contentType=image/png%0d%0a" + injected + " HTTP/1.1\r\nHost: x\r\n",
		"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; boundary=\"a\r\n " + injected + "\"\r\nContent-Length: 1\r\n",
		"GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: a%0d%0a" + injected + "\r\n",
		"GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
	}
	return twice(func() error {
		for _, text := range requests {
			c, err := net.DialTimeout("tcp", address, 10*time.Second)
			if err != nil {
				return err
			}
			h.tries.Add(1)
			c.SetDeadline(time.Now().Add(2 * time.Second)) //nolint:errcheck // a TCP connection has deadlines
			fmt.Fprintf(c, "%sConnection: close\r\n\r\n", text)
			response, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err == nil {
				h.note(response.StatusCode)
				if response.Header.Get("X-Injected") != "" {
					c.Close()
					return fmt.Errorf("a header is injected by %q", text)
				}
				response.Body.Close()
			}
			c.Close()
		}
		return nil
	}), nil
}

// inert is a problem where a browser would take an answer for a page of the sender's making.
func (h *siege) inert(response *http.Response, text []byte, what string) {
	if response == nil {
		return
	}
	kind, policy := response.Header.Get("Content-Type"), response.Header.Get("Content-Security-Policy")
	page := strings.HasPrefix(kind, "text/html") || strings.Contains(kind, "svg") || strings.Contains(kind, "xhtml")
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(text) > 0 && (kind == "" || response.Header.Get("X-Content-Type-Options") != "nosniff") {
		h.lab.res.problem("%s: %q without nosniff", what, kind)
	}
	if page && (bytes.Contains(text, []byte("<script>alert")) || !strings.Contains(policy, "default-src") && !strings.Contains(policy, "script-src")) {
		h.lab.res.problem("%s: a page: %q, policy %q", what, kind, policy)
	}
}

func scripts(h *siege) ([]func() error, error) {
	const script = `<script>alert(1)</script>`
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`
	ref, file := instance("scripts", dicom.ExplicitVRLittleEndian, nil, dicom.PatientName, script, dicom.PatientID, svg,
		dicom.StudyDescription, script, dicom.SeriesDescription, svg, dicom.InstitutionName, script)
	if response, text := h.stowFile(file); response == nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it was not stored: %s", text)
	}
	path := "/dicom-web" + ref.Path()
	return twice(func() error {
		for _, p := range []string{path, path + "/metadata", path + "/rendered", path + "/frames/1", "/dicom-web/studies", "/dicom-web/workitems",
			"/dicom-web/studies/" + url.PathEscape(script), "/" + url.PathEscape(script), "/viewer/" + url.PathEscape(svg),
			"/dicom-web/studies?" + url.QueryEscape(script) + "=1", "/dicom-web/studies?limit=" + url.QueryEscape(script),
			"/wado?requestType=" + url.QueryEscape(script), "/dicom-web/changes?after=" + url.QueryEscape(svg)} {
			for _, accept := range []string{"*/*", "text/html", "application/dicom+json", script} {
				response, text := h.send("GET", p, http.Header{"Accept": {accept}}, nil)
				h.inert(response, text, p+" as "+accept)
			}
		}
		response, text := h.send("POST", "/dicom-web/studies", http.Header{"Content-Type": {script}}, []byte(script))
		h.inert(response, text, "a script as media type")
		h.wants(response, text, "a script as media type", refused...)
		return nil
	}), nil
}

func preambles(h *siege) ([]func() error, error) {
	var paths []string
	for _, begins := range []string{"MZ\x90\x00", "\x7fELF\x02\x01\x01", "PK\x03\x04", "<html><script>alert(1)</script>", "#!/bin/sh\n", "%PDF-1.4"} {
		ref, file := instance("preamble "+begins, dicom.ExplicitVRLittleEndian, nil)
		copy(file, begins)
		if response, text := h.stowFile(file); response == nil || response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("a preamble %q was not stored: %s", begins, text)
		}
		paths = append(paths, "/dicom-web"+ref.Path())
	}
	return twice(func() error {
		for i, path := range paths {
			response, text := h.send("GET", path, http.Header{"Accept": {"application/dicom; transfer-syntax=*"}}, nil)
			h.wants(response, text, "a preamble", http.StatusOK)
			h.inert(response, text, "a preamble")
			if i < 2 && len(text) > 128 && !bytes.Equal(text[:128], make([]byte, 128)) {
				return fmt.Errorf("a program is sent as it came: %q", text[:8])
			}
		}
		return nil
	}), nil
}

func withoutKey(h *siege) ([]func() error, error) {
	h.lab.later(func() {})
	paths := []string{"/dicom-web/studies", "/dicom-web/studies/1.2.3", "/dicom-web/studies/1.2.3/metadata", "/dicom-web/workitems", "/dicom-web/changes",
		"/dicom-web/recycle-bin", "/dicom-web/modality-scheduled-procedure-steps", "/dicom-web/commitment-requests/1.2.3", "/wado?requestType=WADO", "/metrics", "/doctor"}
	spellings := []func(string) string{
		func(p string) string { return p },
		func(p string) string { return "/" + p },
		func(p string) string { return strings.Replace(p, "/dicom-web", "/x/..;/dicom-web", 1) },
		func(p string) string { return strings.Replace(p, "/dicom-web", "/healthz/../dicom-web", 1) },
		func(p string) string { return strings.Replace(p, "dicom", "%64icom", 1) },
		func(p string) string { return strings.Replace(p, "/dicom-web", "/dicom-web%2f", 1) },
		func(p string) string { return strings.ToUpper(p) },
		func(p string) string { return p + "?access_token=x" },
		func(p string) string { return p + "/" },
		func(p string) string { return strings.Replace(p, "/dicom-web/", "/viewer/../dicom-web/", 1) },
	}
	allowed := append(refused, http.StatusUnauthorized, http.StatusForbidden, http.StatusMovedPermanently, http.StatusPermanentRedirect,
		http.StatusTemporaryRedirect, http.StatusSeeOther, http.StatusFound)
	return twice(func() error {
		for _, p := range paths {
			for _, spell := range spellings {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "SEARCH", "PATCH"} {
					response, text := h.send(method, spell(p), http.Header{"X-Forwarded-For": {"127.0.0.1"}, "X-Original-Url": {"/healthz"}}, nil)
					h.wants(response, text, method+" "+spell(p)+" without a key", allowed...)
				}
			}
		}
		return nil
	}), nil
}
