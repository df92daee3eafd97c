package lowly

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestRunsOnThreadsThatGiveWay(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("threads have priorities of their own on Linux")
	}
	own, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	var lower, ran atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			Run(func() {
				ran.Add(1)
				// The system call counts from 20 downwards, so that it is never negative.
				if p, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err == nil && p < own {
					lower.Add(1)
				}
			})
		})
	}
	all.Wait()
	if ran.Load() != 50 || lower.Load() != 50 {
		t.Errorf("%d ran, %d of them below others", ran.Load(), lower.Load())
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if p, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0); p != own {
		t.Errorf("the priority of others changed from %d to %d", own, p)
	}
}
