package dicomweb

import "testing"

// TestEveryRouteClaims: the conformance statement says of each resource what it answers.
func TestEveryRouteClaims(t *testing.T) {
	for _, rt := range newRouteWorld(t, newPeople(t)).routes() {
		if c := capabilityOf(rt); c.success == "" || c.failure == "" {
			t.Errorf("%s says nothing of its answers", rt.name)
		}
	}
}
