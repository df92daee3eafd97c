package limit

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// mostRemembered bounds the table of a Rate. Who is forgotten, because so many others came after him, begins anew with a whole burst.
const mostRemembered = 16384

// Rate is how many requests a second each may make, and how many at once. Safe for concurrent use; nil: as many as they like.
type Rate struct {
	each  rate.Limit
	burst int

	mu    sync.Mutex
	table *simplelru.LRU[string, *rate.Limiter]
}

// NewRate allows each of them so many requests a second, and so many at once; nil if each is not positive.
func NewRate(each float64, burst int) *Rate {
	if each <= 0 {
		return nil
	}
	table, err := simplelru.NewLRU[string, *rate.Limiter](mostRemembered, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Rate{each: rate.Limit(each), burst: max(1, burst), table: table}
}

// Network is what an address is counted by: itself, but of IPv6 the network, in which a machine has as many addresses as it likes.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	return NetworkOf(a)
}

// NetworkOf is the Network of an address.
func NetworkOf(a netip.Addr) string {
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
}

// Take counts a request of somebody. It returns 0 if he may make it, and else how long he has to wait; then it is not counted.
func (r *Rate) Take(who string, now time.Time) (wait time.Duration) {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	of, known := r.table.Get(who)
	if !known {
		of = rate.NewLimiter(r.each, r.burst)
		r.table.Add(who, of)
	}
	reserved := of.ReserveN(now, 1)
	if wait = reserved.DelayFrom(now); wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}
