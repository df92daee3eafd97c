// Package failpoint names the steps of the write path at which the fault harness (internal/faults) kills the server. Without the
// build tag "failpoints" a point is an empty function, which the compiler removes.
package failpoint

// Points are the steps, in the order in which a stored instance passes them.
var Points = []string{
	"blob created", "blob written", "blob named", "blobs synced",
	"index begun", "index inserted", "index committed", "before the answer",
}
