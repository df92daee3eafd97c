//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// otherTenant tries with the key of one tenant every address of another one's archive, with all methods, in every spelling, over HTTP/1.1 and
// HTTP/2, and by other names of the server: each answer is that of an archive that there is not, and takes as long, and is in the audit.
func otherTenant(l *lab) error {
	data, err := l.fresh("data")
	if err != nil {
		return err
	}
	keys := map[string]string{}
	for _, tenant := range []string{"north", "south"} {
		if err := l.command("tenant", "add", tenant, "--data", data); err != nil {
			return err
		}
		key, err := exec.Command(filepath.Join(l.bin, "noctis"), "key", "add", "--name", tenant, "--role", "admin", "--tenant", tenant, "--data", data).Output()
		if err != nil {
			return err
		}
		keys[tenant] = lastWord(string(key))
	}
	// All come from one address, and are meant to be refused by what they may, not by how often they come.
	s, err := l.start(launch{data: data, args: []string{"--require-authentication", "--max-rate", "0", "--max-rate-unknown", "0"}})
	if err != nil {
		return err
	}
	defer s.kill()
	in := newSample("secret", "", "", 1, 16)
	v := &visitor{lab: l, url: s.url, ref: in.ref}
	v.clients = append(v.clients, &http.Client{Timeout: time.Minute, CheckRedirect: dontFollow})
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	v.clients = append(v.clients, &http.Client{Timeout: time.Minute, CheckRedirect: dontFollow, Transport: &http.Transport{Protocols: &p}})
	if status, text := v.ask("POST", "/t/north/dicom-web/studies", keys["north"], "", in.bytes); status != http.StatusOK {
		return fmt.Errorf("north cannot store: %d %s", status, text)
	}
	l.res.Acknowledged = 1
	for range l.times {
		v.everywhere(keys["south"])
	}
	v.inTime(keys["south"])
	if status, _ := v.ask("GET", "/t/north/dicom-web"+in.ref.Path(), keys["north"], "", nil); status != http.StatusOK {
		l.res.Lost++
		l.res.problem("north has no longer what it stored: %d", status)
	}
	l.res.Tried = v.tried
	if err := s.stop(); err != nil {
		return err
	}
	found, err := exec.Command(filepath.Join(l.bin, "noctis"), "audit", "search", "--who", "south", "--failed", "--json", "--data", data).Output()
	if err != nil || bytes.Count(found, []byte("\n")) == 0 {
		l.res.problem("the audit knows nothing of it: %v", err)
	}
	l.note("%d events in the audit", bytes.Count(found, []byte("\n")))
	return nil
}

func dontFollow(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func lastWord(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// visitor asks where he may not.
type visitor struct {
	lab     *lab
	url     string
	ref     dicom.Ref // of what he must not find out about
	clients []*http.Client
	tried   int
}

// ask asks by both versions of HTTP in turn.
func (v *visitor) ask(method, path, key, host string, body []byte) (int, string) {
	v.tried++
	request, err := http.NewRequest(method, v.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error() // it is no address
	}
	request.Host = host
	request.Header.Set("X-Api-Key", key)
	request.Header.Set("X-Request-Id", "same")
	request.Header.Set("X-Original-Url", "/healthz")
	request.Header.Set("X-Forwarded-Prefix", "/t/south")
	request.Header.Set("Content-Type", "application/dicom")
	response, err := v.clients[v.tried%len(v.clients)].Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// addresses are those of an archive.
func (v *visitor) addresses() (all []string) {
	const web = "/dicom-web"
	study := web + "/studies/" + string(v.ref.Study)
	series, instance := study+"/series/"+string(v.ref.Series), web+v.ref.Path()
	for _, what := range []string{study, series, instance} {
		for _, below := range []string{"", "/metadata", "/rendered", "/thumbnail", "/bulkdata", "/pixeldata", "/series", "/instances", "/readiness"} {
			all = append(all, what+below)
		}
		all = append(all, strings.Replace(what, web, web+"/recycle-bin", 1), strings.Replace(what, web, web+"/recycle-bin", 1)+"/restore")
	}
	return append(all, web, web+"/studies", web+"/series", web+"/instances", instance+"/frames/1", instance+"/frames/1/rendered", instance+"/bulkdata/7FE00010",
		web+"/workitems", web+"/workitems/1.2.3", web+"/workitems/1.2.3/state", web+"/workitems/1.2.840.10008.5.1.4.34.5/subscribers/AE", web+"/subscribers/AE", web+"/changes",
		web+"/recycle-bin", web+"/modality-scheduled-procedure-steps", web+"/modality-performed-procedure-steps/1.2.3", web+"/commitment-requests/1.2.3", web+"/webhooks", web+"/audit", web+"/links",
		"/wado?requestType=WADO&studyUID="+string(v.ref.Study)+"&seriesUID="+string(v.ref.Series)+"&objectUID="+string(v.ref.Instance), "/", "/viewer/", "/metrics", "/doctor", "/audit", "/debug/pprof/")
}

// spellings are ways to write an address below an archive.
var spellings = []func(at, path string) string{
	func(at, path string) string { return at + path },
	func(at, path string) string { return "/t/south/..;" + at + path },
	func(at, path string) string { return "/t/south/..;/.." + at + path },
	func(at, path string) string { return "/t/south/.." + strings.TrimPrefix(at, "/t") + path },
	func(at, path string) string { return "/t/south/%2e%2e" + strings.TrimPrefix(at, "/t") + path },
	func(at, path string) string { return "/t/south%2f.." + strings.TrimPrefix(at, "/t") + path },
	func(at, path string) string { return "/" + at + "/" + path },
	func(at, path string) string { return strings.Replace(at, "/t/", "/%74/", 1) + path },
	func(at, path string) string { return strings.ToUpper(at) + path },
	func(at, path string) string { return at + ";x=1" + path },
	func(at, path string) string { return at + strings.Replace(path, "/dicom-web", "/./dicom-web", 1) },
	func(at, path string) string { return at + strings.Replace(path, "dicom", "%64icom", 1) },
	func(at, path string) string {
		return "/t/south/dicom-web/studies/" + url.PathEscape("../../../.."+at+path)
	},
}

// everywhere asks for each address of north as south, and for the same of a tenant that there is not.
func (v *visitor) everywhere(key string) {
	for _, path := range v.addresses() {
		for _, spell := range spellings {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "SEARCH"} {
				for _, host := range []string{"", "north", "north.localhost"} {
					if host != "" && method != "GET" {
						continue
					}
					at := method + " " + spell("/t/north", path)
					status, text := v.ask(method, spell("/t/north", path), key, host, nil)
					v.tried++ // so that both are asked alike
					if strings.Contains(text, string(v.ref.Instance)) && !strings.Contains(at, string(v.ref.Instance)) || status == http.StatusOK && !own(text) && method != "OPTIONS" && method != "HEAD" {
						v.lab.res.problem("%s: %d %s", at, status, tail(text, 200))
					}
					none, other := v.ask(method, spell("/t/never", path), key, host, nil)
					v.tried--
					if status != none || strings.ReplaceAll(text, "north", "never") != other {
						v.lab.res.problem("%s: %d %s, and of no tenant %d %s", at, status, tail(text, 200), none, tail(other, 200))
					}
				}
			}
		}
	}
}

// own reports whether an answer is one that south gets of its own archive or of the server: an empty list, or a page without data.
func own(text string) bool {
	var list []json.RawMessage
	return strings.HasPrefix(strings.TrimSpace(text), "<!") || json.Unmarshal([]byte(text), &list) == nil && len(list) == 0
}

// inTime compares how long it takes to be told that there is nothing, of what there is and of what there is not, by turns.
func (v *visitor) inTime(key string) {
	there := "/t/north/dicom-web" + v.ref.Path() + "/metadata"
	paths := []string{there, strings.Replace(there, string(v.ref.Study), string(v.ref.Study)[:len(v.ref.Study)-1], 1), strings.Replace(there, "north", "never", 1)}
	took := make([][]time.Duration, len(paths))
	for range 1000 {
		for i, path := range paths {
			v.tried += v.tried % 2 // HTTP/1.1
			began := time.Now()
			v.ask("GET", path, key, "", nil)
			took[i] = append(took[i], time.Since(began))
		}
	}
	var medians []time.Duration
	for _, t := range took {
		slices.Sort(t)
		medians = append(medians, t[len(t)/2])
	}
	v.lab.note("median of an answer %v, of an instance that is not there %v, of a tenant that there is not %v", medians[0], medians[1], medians[2])
	if slices.Max(medians) > slices.Min(medians)*6/5+50*time.Microsecond {
		v.lab.res.problem("the time that an answer takes tells what is there: %v", medians)
	}
}
