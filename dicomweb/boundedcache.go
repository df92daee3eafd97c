package dicomweb

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// boundedCache keeps values up to a number of bytes; those that were asked for least recently go first. It is safe for concurrent
// use. The values must not be changed.
type boundedCache[V any] struct {
	limit int64

	mu    sync.Mutex
	kept  *simplelru.LRU[string, sized[V]]
	bytes int64
}

type sized[V any] struct {
	value V
	bytes int64
}

// entryOverhead is about what an entry costs beside its value.
const entryOverhead = 256

// newBoundedCache keeps up to limit bytes; nothing if that is not positive.
func newBoundedCache[V any](limit int64) *boundedCache[V] {
	c := &boundedCache[V]{limit: max(limit, 0)}
	kept, err := simplelru.NewLRU(math.MaxInt, func(_ string, e sized[V]) { c.bytes -= e.bytes })
	if err != nil {
		panic(err) // only of a size that is not positive
	}
	c.kept = kept
	return c
}

// get returns the value that is kept under the key.
func (c *boundedCache[V]) get(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.kept.Get(key)
	return e.value, found
}

// put is add in the place of a value that is kept under the key.
func (c *boundedCache[V]) put(key string, value V, bytes int64) {
	c.drop(key)
	c.add(key, value, bytes)
}

// drop keeps the value of the key no longer.
func (c *boundedCache[V]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.Remove(key)
}

// size is the number of bytes that are kept.
func (c *boundedCache[V]) size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// add keeps a value of so many bytes, and drops others until there is room. One that is larger than all the room is not kept. It
// returns the bytes that are kept now.
func (c *boundedCache[V]) add(key string, value V, bytes int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes += entryOverhead + int64(len(key)); bytes <= c.limit && !c.kept.Contains(key) {
		c.kept.Add(key, sized[V]{value, bytes})
		c.bytes += bytes
	}
	for c.bytes > c.limit {
		c.kept.RemoveOldest()
	}
	return c.bytes
}
