package giveway

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Often has the kernel give each thread of this process, and those that come of them, the processor for a share at a time where others want
// it, too: who has waited for a request then runs at once when it comes, before those who have been running, instead of after their
// turns of some milliseconds. Everybody gets as much as before. Linux knows that since 6.12; elsewhere nothing changes.
func Often() {
	done := map[int]bool{}
	for again := true; again; { // threads that came meanwhile of one that had not been told
		again = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil || done[id] {
				continue
			}
			done[id], again = true, true
			if attributes, err := unix.SchedGetAttr(id, 0); err == nil && attributes.Policy == unix.SCHED_NORMAL {
				attributes.Runtime = uint64(share)
				_ = unix.SchedSetAttr(id, attributes, 0) // where it may not, it is as it was
			}
		}
	}
}
