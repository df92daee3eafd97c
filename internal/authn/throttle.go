package authn

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// throttle bounds how often a password is tried: so many times at once, and then once in a while, for each name from each address, for each
// address, and for each name. That one who is not him fails from elsewhere keeps nobody out. Names that nobody has count like
// others. It is safe for concurrent use and forgets those that have not tried for longest.
type throttle struct {
	mu      sync.Mutex
	now     func() time.Time
	buckets *lru.Cache[string, *bucket]
}

// bucket has tries left, and gets more with time.
type bucket struct {
	left float64
	at   time.Time
}

// allowance is how many tries there are at once, and how long one takes to come back.
type allowance struct {
	tries int
	every time.Duration
}

var (
	allowanceOfPair    = allowance{10, 10 * time.Second}
	allowanceOfAddress = allowance{100, time.Second}
	allowanceOfName    = allowance{200, 2 * time.Second}
)

const throttled = 20_000 // names and addresses that are remembered

func newThrottle(now func() time.Time) *throttle {
	buckets, err := lru.New[string, *bucket](throttled)
	if err != nil {
		panic(err) // only for a size that is none
	}
	return &throttle{now: now, buckets: buckets}
}

// keysOf are the buckets of a try.
func keysOf(name, address string) map[string]allowance {
	return map[string]allowance{"pair " + address + " " + name: allowanceOfPair, "address " + address: allowanceOfAddress, "name " + name: allowanceOfName}
}

// try takes one try; where there is none it returns how long to wait. A try that succeeds is to be given back.
func (t *throttle) try(name, address string) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	var taken []*bucket
	for key, a := range keysOf(name, address) {
		b, found := t.buckets.Get(key)
		if !found {
			b = &bucket{float64(a.tries), now}
			t.buckets.Add(key, b)
		}
		b.left, b.at = min(float64(a.tries), b.left+float64(now.Sub(b.at))/float64(a.every)), now
		if b.left < 1 {
			wait = max(wait, time.Duration((1-b.left)*float64(a.every)))
		}
		taken = append(taken, b)
	}
	if wait == 0 {
		for _, b := range taken {
			b.left--
		}
	}
	return wait
}

// giveBack makes a try one that was none.
func (t *throttle) giveBack(name, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range keysOf(name, address) {
		if b, found := t.buckets.Get(key); found {
			b.left++
		}
	}
}
