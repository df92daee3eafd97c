package giveway

import (
	"runtime"
	"sync/atomic"
	"time"
)

// unheard is how long what comes from the network may stay unnoticed because of work that takes long.
const unheard = 500 * time.Microsecond

var (
	began    = time.Now()
	listened atomic.Int64 // nanoseconds after began
)

// listen has Go's scheduler look at the network. The thread that waits for the network goes on with the request that it was woken for; while that one computes
// without a break, and no other thread runs out of work, nobody looks before the runtime's monitor does, every ten milliseconds, though
// processors of Go are idle (findRunnable and sysmon in runtime/proc.go). A goroutine that goes to the end of the queue has one of them woken,
// which waits for the network when it finds nothing else to do.
func listen() {
	last, now := listened.Load(), int64(time.Since(began))
	if now-last > int64(unheard) && listened.CompareAndSwap(last, now) {
		runtime.Gosched()
	}
}
