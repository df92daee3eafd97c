package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/noctis-dicom/noctis/internal/giveway"
	"github.com/noctis-dicom/noctis/internal/limit"
	"github.com/noctis-dicom/noctis/internal/lowly"
)

// pictures makes each picture once, however many requests want it at the same time, lets only so many be made at the same time,
// and keeps those that were asked for last. It is safe for concurrent use. The pictures it returns must not be changed.
type pictures struct {
	decodes *limit.Gate
	kept    *boundedCache[[]byte]
	metrics *metrics

	mu     sync.Mutex
	making map[string]*making // what is being made, by key
}

// making is a picture that is being made for all who wait for it. When nobody waits any more it is given up.
type making struct {
	cancel  context.CancelFunc
	waiting int           // guarded by pictures.mu
	done    chan struct{} // closed when picture and err are set
	picture []byte
	err     error
}

// newPictures keeps up to most bytes and decodes frames as the gate lets it.
func newPictures(most int64, decodes *limit.Gate, m *metrics) *pictures {
	return &pictures{decodes: decodes, kept: newBoundedCache[[]byte](most), metrics: m, making: map[string]*making{}}
}

// picture returns the picture of the key: one that is kept, one that another request is just having made, or what draw makes.
// The context of draw is the request's but for its end: that comes when all who wait have gone. An error is not kept. Pictures of one frame, if
// it is named, follow each other where many wait, so that it is decoded for all of them.
func (p *pictures) picture(ctx context.Context, frame, key string, draw func(context.Context) ([]byte, error)) ([]byte, error) {
	p.mu.Lock()
	m := p.making[key]
	if m == nil { // finish keeps a picture before it stops being made, so that it is found here or there
		if picture, found := p.kept.get(key); found {
			p.mu.Unlock()
			p.metrics.renderHits.Inc()
			return picture, nil
		}
		m = p.start(ctx, frame, key, draw)
		p.metrics.renderMisses.Inc()
	} else {
		p.metrics.renderHits.Inc()
	}
	m.waiting++
	p.mu.Unlock()

	select {
	case <-m.done:
		return m.picture, m.err
	case <-ctx.Done():
		p.leave(key, m)
		return nil, ctx.Err()
	}
}

// start has the picture made. The caller holds the lock.
func (p *pictures) start(ctx context.Context, frame, key string, draw func(context.Context) ([]byte, error)) *making {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &making{cancel: cancel, done: make(chan struct{})}
	p.making[key] = m
	go func() {
		defer cancel()
		m.err = p.decodeFor(ctx, frame, func(ctx context.Context) (err error) {
			m.picture, err = draw(ctx)
			return err
		})
		p.finish(key, m)
		close(m.done)
	}()
	return m
}

// finish keeps what was made.
func (p *pictures) finish(key string, m *making) {
	if m.err == nil {
		p.metrics.renderBytes.Set(float64(p.kept.add(key, m.picture, int64(len(m.picture)))))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.making[key] == m {
		delete(p.making, key)
	}
}

// leave takes one from those who wait, and gives the picture up when none is left.
func (p *pictures) leave(key string, m *making) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.waiting--; m.waiting > 0 {
		return
	}
	m.cancel()
	if p.making[key] == m {
		delete(p.making, key)
	}
}

// decode runs f when fewer than the permitted number of decodes are running, on a thread that gives way to other requests: to those that
// wake up by its low priority, and to those that have had more than their share by that f asks its context now and then. A panic in f
// becomes an error: it runs where the server's recovery does not reach.
func (p *pictures) decode(ctx context.Context, f func(context.Context) error) error {
	return p.decodeFor(ctx, "", f)
}

// decodeFor is decode for something of a frame, which may be decoded already when others have been there for it just before.
func (p *pictures) decodeFor(ctx context.Context, frame string, f func(context.Context) error) error {
	who := limit.Payer(ctx)
	if err := within(ctx, "wait to decode", func() error { return p.decodes.EnterFor(ctx, who, frame) }); err != nil {
		return named("decodes", err)
	}
	defer p.decodes.LeaveFrom(who, frame)
	return within(ctx, "decode", func() error { return survive(ctx, f) })
}

// errBusy is the error of decodeIfIdle where no token is free.
var errBusy = errors.New("all decoders are busy")

// decodeIfIdle is decode for what nobody waits for: it does not wait for a token.
func (p *pictures) decodeIfIdle(ctx context.Context, f func(context.Context) error) error {
	if !p.decodes.TryEnter("") {
		return errBusy
	}
	defer p.decodes.Leave("")
	return survive(ctx, f)
}

// survive turns a panic of f into an error.
func survive(ctx context.Context, f func(context.Context) error) (err error) {
	lowly.Run(func() {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		err = f(giveway.Context(ctx))
	})
	return err
}
