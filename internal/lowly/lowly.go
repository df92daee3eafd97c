// Package lowly runs what takes long on threads that give way to all others: on two processors, two pictures that are made would else
// keep every other request waiting for its turn, ten milliseconds and more at a time.
//
// The Go scheduler knows no priorities, but the kernel does. A thread that is to give way has to be one of its own for as long as it
// lives, since only a privileged process may raise its priority again; and it takes one of the processors of Go (GOMAXPROCS) while it runs,
// so that a program which uses this package adds as many as it has run at the same time.
package lowly

import (
	"runtime"
	"time"
)

// patience is how long a thread waits for more to do.
const patience = 10 * time.Second

// work is what a thread runs, and what it closes then.
type work struct {
	run  func()
	done chan struct{}
}

// waiting is where threads with nothing to do wait.
var waiting = make(chan work)

// Run runs f on a thread that gives way to others, and returns when f has. There are as many threads as calls at the same time. f must not
// panic. It is safe for concurrent use.
func Run(f func()) {
	w := work{f, make(chan struct{})}
	select {
	case waiting <- w:
	default:
		go serve(w)
	}
	<-w.done
}

// serve runs work until none comes for a while. The thread ends with it, because it stays locked.
func serve(w work) {
	runtime.LockOSThread()
	giveWay()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		w.run()
		close(w.done)
		timer.Reset(patience)
		select {
		case w = <-waiting:
		case <-timer.C:
			return
		}
	}
}
