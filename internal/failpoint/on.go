//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	point, count, _ = strings.Cut(os.Getenv("NOCTIS_FAILPOINT"), ":") // "blob named:3": at the third time
	left            atomic.Int64
)

func init() {
	n, err := strconv.ParseInt(count, 10, 64)
	if point != "" && err != nil {
		panic(fmt.Sprintf("NOCTIS_FAILPOINT: want POINT:N, not %q", os.Getenv("NOCTIS_FAILPOINT")))
	}
	left.Store(n)
}

// Hit kills the process when NOCTIS_FAILPOINT says so, as a power cut of this process would: nothing runs any more.
func Hit(name string) {
	if name == point && left.Add(-1) == 0 {
		syscall.Kill(syscall.Getpid(), syscall.SIGKILL) //nolint:errcheck // it cannot fail
		select {}
	}
}
