package giveway

import "syscall"

// yield lets the kernel choose who runs.
func yield() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) } // it never fails
