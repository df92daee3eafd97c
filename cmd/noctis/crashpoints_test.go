//go:build failpoints

package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/noctis-dicom/noctis/internal/failpoint"
)

// answered returns when the commitment request has its result; false if the server was killed before.
func (v visit) answered(s *server) bool {
	for {
		switch status, _, err := s.get(v.commits, "application/dicom+json"); {
		case err != nil:
			return false
		case status == http.StatusOK:
			return true
		}
	}
}

// TestKilledBetweenSteps kills the server at each step of each transaction of a visit, and of those of its start: whatever was
// acknowledged is there, what was not is there whole or not at all, and the rest of the visit can go on.
func TestKilledBetweenSteps(t *testing.T) {
	for i, point := range failpoint.ListPoints {
		killed := true
		for n := 1; killed; n++ {
			folder := t.TempDir()
			t.Setenv("NOCTIS_FAILPOINT", fmt.Sprint(point, ":", n))
			v, acknowledged := newVisit(t, fmt.Sprintf("%d.%d", i+1, n)), 0
			if s, err := start(folder, "--data", "data", "--log-level", "error"); err == nil {
				acknowledged = v.make(t, s, 0)
				killed = acknowledged < len(v.requests) || !v.answered(s)
				s.kill()
			}
			t.Setenv("NOCTIS_FAILPOINT", "")
			s := startIn(t, folder)
			known := v.check(t, s, acknowledged)
			if done := v.make(t, s, known); done != len(v.requests) {
				t.Errorf("%s for the %d. time: after it only %d requests can be made", point, n, done)
			}
			v.check(t, s, len(v.requests))
			s.stop()
			if !killed && n <= len(v.requests)+1 {
				t.Errorf("%s: the server came to it only %d times", point, n-1)
			}
		}
	}
}

// TestWorkitemKilledBetweenSteps does the same to a workitem on its way from its creation to COMPLETED.
func TestWorkitemKilledBetweenSteps(t *testing.T) {
	for i, point := range failpoint.ListPoints {
		uid, done := "", 0
		for n := 1; done < len(steps(uid)); n++ {
			folder := t.TempDir()
			t.Setenv("NOCTIS_FAILPOINT", fmt.Sprint(point, ":", n))
			uid, done = fmt.Sprintf("1.9.%d.%d", i+1, n), 0
			reached := map[string]string{}
			if s, err := start(folder, "--data", "data", "--log-level", "error"); err == nil {
				for _, step := range steps(uid) {
					status, err := s.send(step.method, step.path, step.body)
					if err != nil {
						break // the server was killed
					}
					if status/100 != 2 {
						t.Fatalf("%s %s: %d", step.method, step.path, status)
					}
					reached[uid] = step.state
					done++
				}
				s.kill()
			}
			t.Setenv("NOCTIS_FAILPOINT", "")
			s := startIn(t, folder)
			checkReached(t, s, reached)
			for _, step := range steps(uid)[done:] { // the one that was cut off may be refused, because it was done
				if _, err := s.send(step.method, step.path, step.body); err != nil {
					t.Fatal(err)
				}
			}
			checkReached(t, s, map[string]string{uid: "COMPLETED"})
			s.stop()
		}
	}
}
