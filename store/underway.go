package store

import (
	"fmt"
	"sync"
	"time"
)

// underway knows the commits that wait for the disk. One that hangs lets them wait for ever: then no more are begun, which would all
// wait too, with their files and their memory.
type underway struct {
	mu    sync.Mutex
	began map[*time.Time]bool
}

// hungAfter is how long the sync of a large instance may honestly take.
const hungAfter = 30 * time.Second

// begin notes a commit until end.
func (u *underway) begin() (end func()) {
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.began == nil {
		u.began = map[*time.Time]bool{}
	}
	u.began[&now] = true
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.began, &now)
	}
}

// hung returns ErrUnwritable, wrapped, while a commit has waited too long.
func (u *underway) hung() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for began := range u.began {
		if time.Since(*began) > hungAfter {
			return fmt.Errorf("%w: a commit has been waiting for more than %v", ErrUnwritable, hungAfter)
		}
	}
	return nil
}
