package audit

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patient has a connection fail when the other side acknowledges nothing for a time (RFC 5482). By itself it takes a quarter of an hour to see that a
// cable was pulled, and what was written in that time would count as received.
func patient(longest time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		if network == "udp4" || network == "udp6" {
			return nil
		}
		var set error
		err := c.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(longest.Milliseconds()))
		})
		if err != nil {
			return err
		}
		return set
	}
}
