package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// readiness answers /readyz: 200 while the server can find and store instances, else 503 with the reason, so that a balancer sends
// requests elsewhere.
type readiness struct {
	archive  *archive
	stopping atomic.Bool
	ending   func() // ends answers that would never end by themselves; nil: there are none

	mu    sync.Mutex
	probe *probe // the one under way; nil: none is
}

// probe is a look at the store, which a hung disk lets nobody finish.
type probe struct {
	done chan struct{}
	err  error // when done is closed
}

// patience is how long a probe may take. Whatever a disk still does after that, clients have given up.
const patience = 3 * time.Second

var errHung = fmt.Errorf("nothing can be stored: the disk has not answered for %v", patience)

// register adds the metric.
func (r *readiness) register(registry prometheus.Registerer) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "noctis_store_writable",
		Help: "1 while instances can be stored; 0 when the disk is full, fails or hangs."}, func() float64 {
		if r.state() != nil {
			return 0
		}
		return 1
	}))
}

func (r *readiness) stop() {
	r.stopping.Store(true)
	if r.ending != nil {
		r.ending()
	}
}

// state returns why instances cannot be found or stored. Those who ask at once share a probe, so that a hung disk holds only that.
func (r *readiness) state() error {
	r.mu.Lock()
	p := r.probe
	if p == nil {
		p = &probe{done: make(chan struct{})}
		r.probe = p
		go func() {
			p.err = r.look(context.Background())
			r.mu.Lock()
			r.probe = nil
			r.mu.Unlock()
			close(p.done)
		}()
	}
	r.mu.Unlock()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-p.done:
		return p.err
	case <-wait.C:
		return errHung
	}
}

func (r *readiness) look(ctx context.Context) error {
	if _, err := r.archive.isEmpty(ctx); err != nil {
		return fmt.Errorf("the index cannot be searched: %w", err)
	}
	if err := r.archive.Writable(ctx); err != nil {
		return fmt.Errorf("nothing can be stored: %w", err)
	}
	// The index's disk may be another one than that of the blobs, and full or read-only by itself.
	name := filepath.Join(filepath.Dir(r.archive.index.Path()), "probe")
	probe, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("nothing can be stored: index: %w", err)
	}
	return errors.Join(probe.Close(), os.Remove(name))
}

// ServeHTTP answers with the state.
func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	err := errors.New("shutting down")
	if !r.stopping.Load() {
		err = r.state()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
