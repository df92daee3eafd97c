// Package failpoint names the steps of the write paths at which the fault harness (internal/faults) and tests kill the server. Without the
// build tag "failpoints" a point is an empty function, which the compiler removes.
package failpoint

// Points are the steps, in the order in which a stored instance passes them.
var Points = []string{
	"blob created", "blob written", "blob named", "blobs synced",
	"index begun", "index inserted", "index committed", "before the answer",
}

// ListPoints are the steps of whatever else is written into the database: workitems, procedure steps, storage commitment, webhooks.
var ListPoints = []string{"list begun", "list written", "list committed"}
