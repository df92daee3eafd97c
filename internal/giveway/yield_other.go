//go:build !linux

package giveway

import "runtime"

// yield lets other goroutines run: elsewhere there is no more to be done.
func yield() { runtime.Gosched() }
