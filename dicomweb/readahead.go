package dicomweb

import (
	"context"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

const (
	aheadFrames = 2                // decoded before they are asked for
	aheadTime   = 30 * time.Second // that this may take
)

// readAhead is called when a client has got a decoded frame. Where it seems to go through a stack, frame by frame, the next ones are decoded
// beside it, as long as a processor has nothing else to do: those of the instance, or of the next instances of the series.
func (s *Server) readAhead(e *store.Entry, n int) {
	if e.Layout.Pixel == nil || !e.Layout.Pixel.Encapsulated || s.options.FrameCache < 0 {
		return
	}
	_, goesOn := s.frames.expected.get(frameKey(e, n))
	s.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), aheadTime)
		defer cancel()
		at, frame := e, n
		for i := range aheadFrames {
			if at, frame = s.following(ctx, at, frame); at == nil {
				return
			}
			s.frames.expected.add(frameKey(at, frame), struct{}{}, 0)
			if i == 0 && !goesOn || !s.decodeIdly(ctx, at, frame) {
				return
			}
		}
	})
}

// following is the frame after a frame: in the instance, or in the next one of the series; nil if there is none, or no more.
func (s *Server) following(ctx context.Context, e *store.Entry, n int) (*store.Entry, int) {
	if n < e.Layout.Pixel.NumberOfFrames {
		return e, n + 1
	}
	stack, err := s.stack(ctx, e.Ref)
	if err != nil {
		return nil, 0
	}
	for i, other := range stack[:len(stack)-1] {
		if other.Ref == e.Ref {
			next, err := s.entry(ctx, stack[i+1].Ref)
			if err != nil || next.Layout.Pixel == nil || !next.Layout.Pixel.Encapsulated || next.Layout.Pixel.NumberOfFrames == 0 {
				return nil, 0
			}
			return next, 1
		}
	}
	return nil, 0
}

// stack is the series of an instance: its entries, in their order.
func (s *Server) stack(ctx context.Context, ref dicom.Ref) ([]*store.Entry, error) {
	ref.Instance = ""
	key := s.generationKey(ctx, ref)
	if stack, found := s.stacks.get(key); found {
		return stack, nil
	}
	stack, err := s.entries(ctx, ref)
	if err == nil {
		s.stacks.add(key, stack, 500*int64(len(stack)))
	}
	return stack, err
}

// decodeIdly decodes a frame into the cache if a processor is free. Its errors are those of whoever asks for the frame.
func (s *Server) decodeIdly(ctx context.Context, e *store.Entry, n int) bool {
	if _, there := s.frames.kept.get(frameKey(e, n)); there {
		return true
	}
	err := s.pictures.decodeIfIdle(ctx, func(ctx context.Context) error {
		in, err := s.open(ctx, e)
		if err != nil {
			return err
		}
		defer in.Close()
		ds, err := s.dataSet(ctx, e)
		if err != nil {
			return err
		}
		_, err = s.decodedOnce(ctx, in, ds, n)
		return err
	})
	if err == nil {
		s.metrics.framesAhead.Inc()
	}
	return err == nil
}
