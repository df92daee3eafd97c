package dicomweb

import (
	"context"
	"errors"
	"sync"
)

// onceCache keeps the values that were asked for last, and has each made once, however many requests want it at the same time. It is
// safe for concurrent use. The values must not be changed.
type onceCache[V any] struct {
	kept *boundedCache[V]

	mu     sync.Mutex
	making map[string]*pending[V]
}

// pending is a value that is being made by one for all who wait for it.
type pending[V any] struct {
	done  chan struct{} // closed when value and err are set
	value V
	err   error
}

// newOnceCache keeps up to limit bytes.
func newOnceCache[V any](limit int64) *onceCache[V] {
	return &onceCache[V]{kept: newBoundedCache[V](limit), making: map[string]*pending[V]{}}
}

// get returns the value of the key, which made is asked for, and its size, if it is not there; mine says that it was. It is made in the
// goroutine of the caller. If that one is called off, another who waits takes over.
func (c *onceCache[V]) get(ctx context.Context, key string, made func() (V, int64, error)) (value V, mine bool, err error) {
	for {
		c.mu.Lock()
		if v, found := c.kept.get(key); found {
			c.mu.Unlock()
			return v, false, nil
		}
		o := c.making[key]
		if o == nil {
			o = &pending[V]{done: make(chan struct{}), err: errors.New("what should have made it panicked")}
			c.making[key] = o
			c.mu.Unlock()
			value, err = c.make(key, o, made)
			return value, true, err
		}
		c.mu.Unlock()
		select {
		case <-o.done:
		case <-ctx.Done():
			return value, false, ctx.Err()
		}
		if !errors.Is(o.err, context.Canceled) {
			return o.value, false, o.err
		}
	}
}

// make makes a value and keeps it; an error is not kept.
func (c *onceCache[V]) make(key string, o *pending[V], made func() (V, int64, error)) (V, error) {
	defer func() { // after a panic, too
		c.mu.Lock()
		delete(c.making, key)
		c.mu.Unlock()
		close(o.done)
	}()
	var size int64
	if o.value, size, o.err = made(); o.err == nil {
		c.kept.add(key, o.value, size)
	}
	return o.value, o.err
}
