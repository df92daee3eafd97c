package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/limit"
)

func testPictures(t *testing.T, most int64, decodes int) *pictures {
	m, err := newMetrics(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return newPictures(most, limit.NewGate(decodes, 0, time.Hour), m)
}

// metricValue reads a counter or a gauge.
func metricValue(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	m := families[0].GetMetric()[0]
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

func TestPicturesMakesEachOnce(t *testing.T) {
	p := testPictures(t, 1<<20, 2)
	var made atomic.Int64
	release := make(chan struct{})
	draw := func(context.Context) ([]byte, error) {
		made.Add(1)
		<-release
		return []byte("picture"), nil
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if b, err := p.picture(t.Context(), "", "key", draw); err != nil || string(b) != "picture" {
				t.Errorf("got %q, %v", b, err)
			}
		})
	}
	for {
		p.mu.Lock()
		m := p.making["key"]
		all := m != nil && m.waiting == 20
		p.mu.Unlock()
		if all {
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if _, err := p.picture(t.Context(), "", "key", draw); err != nil {
		t.Error(err)
	}
	if n := made.Load(); n != 1 {
		t.Errorf("made %d times, want once", n)
	}
	hits, misses := metricValue(t, p.metrics.renderHits), metricValue(t, p.metrics.renderMisses)
	if hits != 20 || misses != 1 || p.kept.kept.Len() != 1 {
		t.Errorf("%v hits, %v misses, %d kept", hits, misses, p.kept.kept.Len())
	}
}

// One who goes away takes the picture from nobody else; when all have gone it is given up.
func TestPicturesCancel(t *testing.T) {
	p := testPictures(t, 1<<20, 1)
	started, release := make(chan struct{}), make(chan struct{})
	stopped := make(chan error, 1)
	draw := func(ctx context.Context) ([]byte, error) {
		close(started)
		select {
		case <-release:
			return []byte("picture"), nil
		case <-ctx.Done():
			stopped <- ctx.Err()
			return nil, ctx.Err()
		}
	}
	first, cancel := context.WithCancel(t.Context())
	firstErr, second := make(chan error), make(chan error)
	go func() { _, err := p.picture(first, "", "key", draw); firstErr <- err }()
	<-started
	go func() { _, err := p.picture(t.Context(), "", "key", draw); second <- err }()
	for metricValue(t, p.metrics.renderHits) != 1 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-firstErr; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Errorf("second: %v", err)
	}

	started, release = make(chan struct{}), make(chan struct{})
	alone, cancel := context.WithCancel(t.Context())
	go func() { _, err := p.picture(alone, "", "other", draw); firstErr <- err }()
	<-started
	cancel()
	<-firstErr
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits, but the drawing goes on: %v", err)
	}
}

func TestPicturesBounds(t *testing.T) {
	const size = 1000
	p := testPictures(t, 10*(size+entryOverhead+1), 3)
	var running, most atomic.Int64
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			_, err := p.picture(t.Context(), "", string(rune('A'+i)), func(context.Context) ([]byte, error) {
				n := running.Add(1)
				defer running.Add(-1)
				for {
					if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				time.Sleep(time.Millisecond)
				return make([]byte, size), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n > 3 {
		t.Errorf("%d decodes at the same time, want at most 3", n)
	}
	if n := p.kept.kept.Len(); n != 10 || p.kept.bytes > p.kept.limit ||
		metricValue(t, p.metrics.renderBytes) != float64(p.kept.bytes) {
		t.Errorf("%d pictures of %d bytes are kept, want 10 in %d", n, p.kept.bytes, p.kept.limit)
	}
	if _, err := p.picture(t.Context(), "", "huge", func(context.Context) ([]byte, error) {
		return make([]byte, p.kept.limit), nil
	}); err != nil {
		t.Error(err)
	}
	if n := p.kept.kept.Len(); n != 10 {
		t.Errorf("a picture larger than the cache drove others out: %d are left", n)
	}
}

func TestPicturesErrors(t *testing.T) {
	p := testPictures(t, 1<<20, 1)
	for i := range 2 {
		want := fmt.Sprintf("error %d", i)
		_, err := p.picture(t.Context(), "", "key", func(context.Context) ([]byte, error) { return nil, errors.New(want) })
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s: an error must not be kept", err, want)
		}
	}
	_, err := p.picture(t.Context(), "", "key", func(context.Context) ([]byte, error) { panic("broken codec") })
	if err == nil || !strings.Contains(err.Error(), "broken codec") {
		t.Errorf("got %v, want the panic as an error", err)
	}
}

// A cache without room keeps nothing, and comes to an end of dropping it.
func TestNoCache(t *testing.T) {
	c := newBoundedCache[int](-1)
	if bytes := c.add("key", 1, 10); bytes != 0 {
		t.Errorf("%d bytes are kept", bytes)
	}
	if _, found := c.get("key"); found {
		t.Error("it is kept")
	}
}
