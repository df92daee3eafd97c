package lowly

import "syscall"

// steps is by how much the priority is lower than that of other threads: they have ten times the share where all want to run.
const steps = 10

// giveWay lowers the priority of the calling thread. Where it may not, it runs as the others do.
func giveWay() {
	// The system call counts from 20 downwards, so that it is never negative.
	if own, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err == nil {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 20-own+steps) // the kernel takes 19 for what is beyond
	}
}
