package store

import (
	"context"
	"slices"
	"sync"
)

// locks are locks on names: SOP Instance UIDs and blobs that are about to be stored or removed. Who stores an instance holds
// its UID and its blob from before the blob is committed until the index has spoken, so that of two files with one UID the loser
// never becomes a blob, and Recover takes no blob for an orphan that is about to be named.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when the name is released
}

func newLocks() *locks { return &locks{held: map[string]chan struct{}{}} }

// acquire waits until it holds all names. It takes them in ascending order, so that no two callers wait for each other.
func (l *locks) acquire(ctx context.Context, names []string) (release func(), err error) {
	slices.Sort(names)
	names = slices.Compact(names)
	for i, name := range names {
		if err := l.one(ctx, name); err != nil {
			l.release(names[:i])
			return nil, err
		}
	}
	return func() { l.release(names) }, nil
}

func (l *locks) one(ctx context.Context, name string) error {
	for {
		l.mu.Lock()
		taken, ok := l.held[name]
		if !ok {
			l.held[name] = make(chan struct{})
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *locks) release(names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		close(l.held[name])
		delete(l.held, name)
	}
}
