//go:build !linux

package audit

import (
	"syscall"
	"time"
)

// patient changes nothing: only Linux can be told how long it waits for acknowledgements.
func patient(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
