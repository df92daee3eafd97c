package worklist

import (
	"slices"
	"sync"
)

// Hub wakes those who wait for events, within this process. The zero value is ready for use, by any number of goroutines.
type Hub struct {
	mu       sync.Mutex
	watchers []*Watcher
}

// Watcher is woken until it is closed.
type Watcher struct {
	// C has something to read when there may be events.
	C   chan struct{}
	hub *Hub
	ae  string
}

// Watch returns a watcher that is woken when there are events for the application entity.
func (h *Hub) Watch(ae string) *Watcher {
	w := &Watcher{C: make(chan struct{}, 1), hub: h, ae: ae}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers = append(h.watchers, w)
	return w
}

// Close ends it.
func (w *Watcher) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.hub.watchers = slices.DeleteFunc(w.hub.watchers, func(o *Watcher) bool { return o == w })
}

// Publish tells that events wait for entities.
func (h *Hub) Publish(entities []string) {
	told := make(map[string]bool, len(entities))
	for _, ae := range entities {
		told[ae] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.watchers {
		if !told[w.ae] {
			continue
		}
		select {
		case w.C <- struct{}{}:
		default:
		}
	}
}
