package conformance

import (
	"strings"
	"testing"
)

// TestAdviceIsOfCases: every piece of advice belongs to a case, says all it has to, and the longest beginning of an ID wins.
func TestAdviceIsOfCases(t *testing.T) {
	cases, seen := Cases(), map[string]bool{}
	for _, a := range advices {
		used := false
		for _, c := range cases {
			used = used || strings.HasPrefix(c.ID, a.cases)
		}
		if !used || seen[a.cases] || a.Clients == "" || a.Effect == "" || a.Remedy == "" {
			t.Errorf("%s: no case, twice, or incomplete", a.cases)
		}
		seen[a.cases] = true
	}
	for _, c := range cases {
		if _, found := AdviceOf(c.ID); c.Service == Clients && !found {
			t.Errorf("%s has no advice", c.ID)
		}
	}
	if a, _ := AdviceOf("retrieve.frames.client.ohif-unquoted"); a.Clients != "OHIF, cornerstone" {
		t.Errorf("the advice of OHIF's frames is for %s", a.Clients)
	}
	if _, found := AdviceOf("worklist.x"); found {
		t.Error("advice of what no client depends on")
	}
}
