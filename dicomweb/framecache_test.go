package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// One decode serves all who want the frame at the same time, and those who come later.
func TestFramesAreDecodedOnce(t *testing.T) {
	m, _ := newMetrics(nil, nil)
	c := newFrameCache(1<<20, m)
	started, goOn := make(chan struct{}), make(chan struct{})
	decodes := 0
	decode := func() (decoded, error) {
		decodes++
		close(started)
		<-goOn
		return decoded{frame: &pixel.Frame{U8: make([]uint8, 100)}}, nil
	}
	var all sync.WaitGroup
	get := func() {
		if f, err := c.frame(t.Context(), "a", decode); err != nil || len(f.frame.U8) != 100 {
			t.Errorf("%v %v", f, err)
		}
	}
	all.Go(get)
	<-started
	for range 5 {
		all.Go(get)
	}
	close(goOn)
	all.Wait()
	get()
	if decodes != 1 || metricValue(t, m.frameHits) != 6 || metricValue(t, m.frameMisses) != 1 || metricValue(t, m.frameBytes) < 100 {
		t.Errorf("%d decodes, %v hits", decodes, metricValue(t, m.frameHits))
	}
}

// When the one who decodes is called off, or fails, or panics, the others get their frame, or the error.
func TestAnotherTakesOver(t *testing.T) {
	m, _ := newMetrics(nil, nil)
	c := newFrameCache(1<<20, m)
	started, goOn := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := c.frame(t.Context(), "a", func() (decoded, error) {
			close(started)
			<-goOn
			return decoded{}, fmt.Errorf("decoding: %w", context.Canceled)
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	<-started
	all.Go(func() {
		if _, err := c.frame(t.Context(), "a", func() (decoded, error) { return decoded{frame: &pixel.Frame{}}, nil }); err != nil {
			t.Error(err)
		}
	})
	close(goOn)
	all.Wait()
	func() {
		defer func() { _ = recover() }()
		c.frame(t.Context(), "b", func() (decoded, error) { panic("broken") })
	}()
	if _, err := c.frame(t.Context(), "b", func() (decoded, error) { return decoded{frame: &pixel.Frame{}}, nil }); err != nil {
		t.Error(err)
	}
}

// Who goes through a stack finds the next frames decoded, from one instance into the next; who does not leaves the server alone.
func TestReadAhead(t *testing.T) {
	movie := dicomtest.Image{Rows: 4, Columns: 4, BitsAllocated: 8, Frames: 4}
	frames := make([][][]byte, 4)
	for i := range frames {
		frames[i] = [][]byte{rle([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, byte(i)})}
	}
	second := movie
	second.Number = 2
	a := newArchive(t, encapsulate(t, movie, frames, true), encapsulate(t, second, frames, true))
	a.server.metrics, _ = newMetrics(nil, nil)
	a.server.frames.metrics = a.server.metrics
	ahead := func() float64 { return metricValue(t, a.server.metrics.framesAhead) }
	ask := func(instance, n int) {
		partsOf(t, a.get(a.refs[instance], fmt.Sprintf("/frames/%d", n), octets))
		a.server.background.Wait()
	}
	ask(0, 1)
	if n := ahead(); n != 0 {
		t.Errorf("%v frames ahead of the first request", n)
	}
	ask(0, 3)
	if n := ahead(); n != 0 {
		t.Errorf("%v frames ahead of a jump", n)
	}
	ask(0, 4) // after the third
	if n := ahead(); n != 2 {
		t.Errorf("%v frames ahead", n)
	}
	misses := metricValue(t, a.server.metrics.frameMisses)
	ask(1, 1) // of the next instance
	ask(1, 2)
	if n := metricValue(t, a.server.metrics.frameMisses) - misses; n != 2 { // the frames 3 and 4, ahead
		t.Errorf("%v frames had to be decoded", n)
	}
}
