package lowly

import "syscall"

// niceness is 10 steps below that of other threads: about a tenth of their share where all want to run.
const niceness = 10

// giveWay lowers the priority of the calling thread. Where it may not, it runs as the others do.
func giveWay() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness) }
