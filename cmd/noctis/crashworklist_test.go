package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/store"
)

// TestKilledWorklist kills the server while studies arrive and readers take workitems through their states. After each restart every study
// has its workitem, and no step that was acknowledged is undone.
func TestKilledWorklist(t *testing.T) {
	const kills, readers = 15, 3
	var mu sync.Mutex
	reached := map[string]string{} // by workitem: the state that was acknowledged
	folder := crashing(t, kills, func(s *server, round int) []func() {
		load := []func(){func() {
			for n := 0; ; n++ {
				files, _ := upload(1000+round, n, n)
				if _, _, err := s.stow(files...); err != nil {
					return
				}
			}
		}}
		for reader := range readers {
			load = append(load, func() {
				for n := 0; ; n++ {
					uid := fmt.Sprintf("1.2.826.%d.%d.%d", round+1, reader+1, n+1)
					for _, step := range steps(uid) {
						answer, err := s.send(step.method, step.path, step.body)
						if err != nil {
							return
						}
						if answer/100 != 2 {
							t.Errorf("%s %s: %d", step.method, step.path, answer)
							return
						}
						mu.Lock()
						reached[uid] = step.state
						mu.Unlock()
					}
				}
			})
		}
		return load
	}, func(s *server, _ int) { checkReached(t, s, reached) })
	if len(reached) < kills {
		t.Errorf("only %d workitems: the test tried nothing", len(reached))
	}
	archive, err := openArchive(t.Context(), filepath.Join(folder, "data"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if n, err := archive.index.Worklist().Missing(t.Context()); err != nil || n != 0 {
		t.Errorf("%d studies without a workitem, %v", n, err)
	}
}

// order tells which state comes after which.
var order = map[string]int{"SCHEDULED": 1, "IN PROGRESS": 2, "COMPLETED": 3}

type step struct{ method, path, body, state string }

// steps take a workitem from its creation to COMPLETED.
func steps(uid string) []step {
	const code = `{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["110005"]},"00080102":{"vr":"SH","Value":["DCM"]},"00080104":{"vr":"LO","Value":["Interpretation"]}}]}`
	change := func(state string) string {
		return `{"00081195":{"vr":"UI","Value":["1.2.3"]},"00741000":{"vr":"CS","Value":["` + state + `"]}}`
	}
	return []step{
		{"POST", "/workitems?" + uid, `{"00404005":{"vr":"DT","Value":["20240102"]},"00404041":{"vr":"CS","Value":["READY"]},"00741000":{"vr":"CS","Value":["SCHEDULED"]},
			"00741200":{"vr":"CS","Value":["LOW"]},"00741202":{"vr":"LO","Value":["Crash"]},"00741204":{"vr":"LO","Value":["x"]}}`, "SCHEDULED"},
		{"PUT", "/workitems/" + uid + "/state", change("IN PROGRESS"), "IN PROGRESS"},
		{"POST", "/workitems/" + uid + "?1.2.3", `{"00741216":{"vr":"SQ","Value":[{"00404019":` + code + `,"00404028":` + code + `,"00404033":{"vr":"SQ"},
			"00404050":{"vr":"DT","Value":["20240102"]},"00404051":{"vr":"DT","Value":["20240102"]}}]}}`, "IN PROGRESS"},
		{"PUT", "/workitems/" + uid + "/state", change("COMPLETED"), "COMPLETED"},
	}
}

// send makes a request below the DICOMweb base and returns the status.
func (s *server) send(method, path, body string) (int, error) {
	request, err := http.NewRequest(method, s.url+"/dicom-web"+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/dicom+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// checkReached: every study has its workitem, and every workitem is at least in the state that was acknowledged.
func checkReached(t *testing.T, s *server, reached map[string]string) {
	t.Helper()
	total := func(path string) string {
		answer, err := http.Get(s.url + "/dicom-web" + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.Header.Get("X-Total-Count")
	}
	if studies, items := total("/studies?limit=0"), total("/workitems?WorklistLabel=Reading&limit=0"); studies != items {
		t.Errorf("%s studies have %s workitems", studies, items)
	}
	for uid, want := range reached {
		status, body, err := s.get("/workitems/"+uid, "application/dicom+json")
		if err != nil || status != 200 {
			t.Fatal(uid, status, err)
		}
		got := stateIn(string(body), "00741000")
		if order[got] < order[want] {
			t.Errorf("%s is %q, and %s was acknowledged", uid, got, want)
		}
	}
}

// stateIn is the value of a state in DICOM JSON, "" if it has none.
func stateIn(body, tag string) string {
	_, after, _ := strings.Cut(body, `"`+tag+`":{"vr":"CS","Value":["`)
	state, _, _ := strings.Cut(after, `"`)
	return state
}
