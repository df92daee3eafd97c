package worklist

import (
	"slices"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
)

// Notice says that a workitem has changed, or the study of one.
type Notice struct {
	Workitem dicom.UID // "": only the study is known
	Study    dicom.UID // "": it is not that of a stored study
	State    State     // "" if Workitem is
	Gone     bool
}

// Hub tells those who watch of changes, within this process and without keeping them: who was not watching asks the repository. The zero
// value is ready for use, by any number of goroutines.
type Hub struct {
	mu       sync.Mutex
	watchers []*Watcher
}

// maxNotices bounds what is kept for a watcher that does not take it.
const maxNotices = 1000

// Watcher receives notices until it is closed.
type Watcher struct {
	// C has something to read when there is something to take.
	C   chan struct{}
	hub *Hub
	ae  string // wakes up for events to this entity; "" for all notices

	notices []Notice
	lost    bool
}

// Watch returns a watcher of all changes.
func (h *Hub) Watch() *Watcher { return h.WatchEvents("") }

// WatchEvents returns a watcher that is woken when there are events for the application entity.
func (h *Hub) WatchEvents(ae string) *Watcher {
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

// Take returns what has come since it was last called. lost: there was more than is kept.
func (w *Watcher) Take() (notices []Notice, lost bool) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	notices, lost = w.notices, w.lost
	w.notices, w.lost = nil, false
	return notices, lost
}

// Publish tells of changes that have been committed, and of the entities that events wait for.
func (h *Hub) Publish(notices []Notice, entities []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := make(map[string]bool, len(entities))
	for _, ae := range entities {
		told[ae] = true
	}
	for _, w := range h.watchers {
		switch {
		case w.ae == "" && len(notices) > 0:
			w.notices = append(w.notices, notices...)
			if n := len(w.notices); n > maxNotices {
				w.notices, w.lost = slices.Clone(w.notices[n-maxNotices:]), true
			}
		case w.ae == "" || !told[w.ae]:
			continue
		}
		select {
		case w.C <- struct{}{}:
		default:
		}
	}
}
