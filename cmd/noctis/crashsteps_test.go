package main

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/procedure/proceduretest"
)

// A visit of a patient is four requests: a step is scheduled, begun, and completed, and storage commitment is asked for so many instances that
// the answer has to wait.
type visit struct {
	study     dicom.UID
	performed string // path of the performed step
	commits   string // path of the commitment request
	requests  []visitRequest
}

type visitRequest struct {
	path string
	body *dicom.DataSet
}

func newVisit(t testing.TB, name string) visit {
	t.Helper()
	uid := string(dicom.UID("1.9." + name))
	step := proceduretest.Step(t, nil, proceduretest.Values{dicom.StudyInstanceUID: uid})
	v := visit{study: dicom.UID(uid), performed: "/modality-performed-procedure-steps/" + uid + ".1", commits: "/commitment-requests/" + uid + ".2"}
	asked, items := &dicom.DataSet{}, make([]*dicom.DataSet, 201)
	for i := range items {
		items[i] = &dicom.DataSet{}
		items[i].SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
		items[i].SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, fmt.Sprint(uid, ".3.", i))
	}
	asked.SetItems(dicom.ReferencedSOPSequence, items...)
	v.requests = []visitRequest{
		{"/modality-scheduled-procedure-steps", step.DataSet},
		{v.performed, proceduretest.Performed(t, dicom.UID(uid+".1"), step.Name()).DataSet},
		{v.performed + "?update", proceduretest.End("COMPLETED")},
		{v.commits, asked},
	}
	return v
}

// make makes the requests that come after so many, until one gets no answer, and returns how many have been acknowledged then.
func (v visit) make(t *testing.T, s *server, done int) int {
	for _, r := range v.requests[done:] {
		body, err := r.body.MarshalJSON()
		if err != nil {
			t.Error(err)
			return done
		}
		status, err := s.send("POST", r.path, string(body))
		if err != nil {
			return done // the server was killed
		}
		if status/100 != 2 {
			t.Errorf("POST %s: %d", r.path, status)
			return done
		}
		done++
	}
	return done
}

// check looks how many of the requests a server knows: all that were acknowledged, at most one more, and none without those before it; what
// follows from them has to agree.
func (v visit) check(t *testing.T, s *server, acknowledged int) (known int) {
	t.Helper()
	status := func(path string) int {
		t.Helper()
		code, _, err := s.get(path, "application/dicom+json")
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	search := "/modality-scheduled-procedure-steps?StudyInstanceUID=" + string(v.study) + "&00400100.00400020="
	scheduled := ""
	for _, state := range []string{procedure.Completed, procedure.Started} {
		if status(search+state) == http.StatusOK {
			scheduled = state
		}
	}
	_, body, err := s.get(v.performed, "application/dicom+json")
	if err != nil {
		t.Fatal(err)
	}
	performed := stateIn(string(body), "00400252")
	commits := status(v.commits)
	for commits == http.StatusAccepted { // whoever works on it goes on after the restart
		commits = status(v.commits)
	}
	switch {
	case commits == http.StatusOK:
		known = 4
	case performed == "COMPLETED":
		known = 3
	case performed != "":
		known = 2
	case scheduled != "" || status("/modality-scheduled-procedure-steps?StudyInstanceUID="+string(v.study)) == http.StatusOK:
		known = 1
	}
	if want := []string{"", "", procedure.Started, procedure.Completed, procedure.Completed}[known]; scheduled != want {
		t.Errorf("%s: the step is %q, and the one performed for it %q", v.study, scheduled, performed)
	}
	if known < acknowledged || known > acknowledged+1 {
		t.Errorf("%s: %d requests were acknowledged, and %d are known", v.study, acknowledged, known)
	}
	return known
}

// TestKilledSteps kills the server while modalities report what they do, and ask for storage commitment.
func TestKilledSteps(t *testing.T) {
	const kills, modalities = 10, 3
	var mu sync.Mutex
	acknowledged := map[string]int{}
	total := 0
	crashing(t, kills, func(s *server, round int) (load []func()) {
		for modality := range modalities {
			load = append(load, func() {
				for n, known := 0, 4; known == 4; n++ {
					name := fmt.Sprintf("%d.%d.%d", round+1, modality+1, n+1)
					known = newVisit(t, name).make(t, s, 0)
					mu.Lock()
					acknowledged[name] = known
					total += known
					mu.Unlock()
				}
			})
		}
		return load
	}, func(s *server, _ int) {
		for name, n := range maps.Clone(acknowledged) {
			known := newVisit(t, name).check(t, s, n)
			acknowledged[name] = known // it stays
			if n < 4 {
				continue
			}
			delete(acknowledged, name) // one of many that are whole
		}
	})
	if total < kills {
		t.Errorf("only %d requests: the test tried nothing", total)
	}
}
