package audit

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestConnectionThatIsNotAcknowledgedFails looks at what the kernel was told, of each way to a receiver; a cable cannot be pulled here.
func TestConnectionThatIsNotAcknowledgedFails(t *testing.T) {
	c := newCollector(t)
	overTLS, err := ParseReceiver("tls://"+c.address, c.roots)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Receiver{overTLS, {Network: "tcp", Address: c.address}} {
		f := newForwarder(&Trail{}, r)
		conn, err := f.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if inner, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = inner.NetConn()
		}
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if cerr := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); cerr != nil || err != nil {
			t.Fatal(cerr, err)
		}
		if longest := time.Duration(got) * time.Millisecond; longest <= 0 || longest >= f.settle {
			t.Errorf("%s: it takes %v to see that nobody is there; what was written counts as received after %v", r.Network, longest, f.settle)
		}
	}
	if _, err := newForwarder(&Trail{}, &Receiver{Network: "udp", Address: "127.0.0.1:9"}).dial(t.Context()); err != nil {
		t.Errorf("datagrams: %v", err)
	}
}
