package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

// readiness answers /readyz: 200 while the server can find and store instances, else 503 with the reason, so that a balancer sends
// requests elsewhere.
type readiness struct {
	archive  *archive
	stopping atomic.Bool
	ending   func() // ends answers that would never end by themselves; nil: there are none
}

func (r *readiness) stop() {
	r.stopping.Store(true)
	if r.ending != nil {
		r.ending()
	}
}

// ServeHTTP answers with the state.
func (r *readiness) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.stopping.Load() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	if _, err := r.archive.isEmpty(q.Context()); err != nil {
		http.Error(w, "the index cannot be searched: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err := r.archive.Writable(q.Context()); err != nil {
		http.Error(w, "nothing can be stored: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
