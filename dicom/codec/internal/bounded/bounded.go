// Package bounded holds a decode against what every codec promises of any data: it ends soon after its context does, and takes
// no more memory than its limits allow. The fuzz targets of the codecs use it.
package bounded

import (
	"context"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"
)

const (
	deadline = 200 * time.Millisecond
	// grace is what may pass between two looks at the context, in processor time: that of a machine at work says nothing.
	grace = 800 * time.Millisecond
)

// Decode calls decode with a context that ends, and fails the test if it works on long after that, or takes more memory in all
// than so many bytes. What else the process does meanwhile counts as well, so tests that use it are not to run in parallel.
func Decode(t testing.TB, most uint64, decode func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	taken, worked := allocated(), ProcessorTime()
	decode(ctx)
	if n := allocated() - taken; n > most {
		t.Fatalf("%d bytes were allocated, %d are allowed", n, most)
	}
	if d := ProcessorTime() - worked; d > deadline+grace {
		t.Fatalf("worked for %v with a deadline of %v", d, deadline)
	}
}

// allocated is what the process has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// ProcessorTime is what the process has used so far, all its threads together.
func ProcessorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
