package jpeg2000

import (
	"context"
	"fmt"
)

// decode decodes the tiles one after the other, each by all workers, into the planes of the image.
func (cs *codestream) decode(ctx context.Context, limits Limits) (*Image, error) {
	img := &Image{Header: cs.header()}
	for i, c := range img.Components {
		if c.Precision > 28 {
			return nil, fmt.Errorf("component %d of %d bits, where 28 are decoded: %w", i, c.Precision, ErrUnsupported)
		}
	}
	d := &imageDecoder{codestream: cs, limits: limits, blocks: make([]blockDecoder, limits.Workers)}
	img.Planes = make([][]int32, len(img.Components))
	for i := range cs.tiles {
		t, err := d.tile(ctx, i)
		if err == nil {
			err = t.store(ctx, cs, i, limits.Workers, img)
		}
		if err != nil {
			return nil, fmt.Errorf("tile %d: %w", i, err)
		}
	}
	return img, nil
}

// imageDecoder is what the tiles of an image share.
type imageDecoder struct {
	*codestream
	limits Limits
	blocks []blockDecoder // of each worker
}

// tile decodes the samples of one tile, without the component transform.
func (d *imageDecoder) tile(ctx context.Context, index int) (*tile, error) {
	s := &d.tiles[index]
	data := s.parts[0]
	for _, part := range s.parts[1:] {
		data = append(data[:len(data):len(data)], part...)
	}
	headers := len(data)
	for _, h := range s.headers {
		headers += len(h)
	}
	for _, h := range s.packed.segments {
		headers += len(h.data)
	}
	if s.parameters.layers > d.limits.Layers {
		return nil, fmt.Errorf("%d layers, where %d are allowed: %w", s.parameters.layers, d.limits.Layers, ErrLimit)
	}
	t, err := newTile(d.codestream, index, headers, d.limits)
	if err != nil {
		return nil, err
	}
	t.data = data
	if err := t.readPackets(ctx, s.parameters, s); err != nil {
		return nil, err
	}
	for i := range t.components { // only now, when the packets are known to be there
		if c := &t.components[i]; c.reversible {
			c.ints = make([]int32, c.width()*c.height())
		} else {
			c.floats = make([]float32, c.width()*c.height())
		}
	}
	if err := d.decodeBlocks(ctx, t); err != nil {
		return nil, err
	}
	for i := range t.components {
		c := &t.components[i]
		if c.reversible {
			err = synthesize(ctx, d.limits.Workers, transform53{}, c, c.ints)
		} else {
			err = synthesize(ctx, d.limits.Workers, transform97{}, c, c.floats)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// blockTask is a code-block that holds something, and where it belongs.
type blockTask struct {
	component *tileComponent
	block     *block
}

func (d *imageDecoder) decodeBlocks(ctx context.Context, t *tile) error {
	var tasks []blockTask
	for i := range t.components {
		c := &t.components[i]
		for _, r := range c.resolutions {
			for _, p := range r.precincts {
				for _, part := range p.parts {
					for k := range part.blocks {
						if part.blocks[k].passes > 0 {
							tasks = append(tasks, blockTask{c, &part.blocks[k]})
						}
					}
				}
			}
		}
	}
	return parallel(ctx, d.limits.Workers, len(tasks), func(worker, i int) error {
		c, b := tasks[i].component, tasks[i].block
		if err := d.blocks[worker].decode(b, c, t.data); err != nil {
			return fmt.Errorf("sub-band %d, code-block at (%d,%d): %w", b.band.orientation, b.x0, b.y0, err)
		}
		d.blocks[worker].place(b, c)
		return nil
	})
}

// place puts the decoded coefficients where the wavelet transform wants them: with the shift of a region of interest undone
// (T.800 H.1), and dequantized (T.800 E.1).
func (d *blockDecoder) place(b *block, c *tileComponent) {
	if c.shift > 0 {
		for i, v := range d.samples {
			if magnitude := v &^ (1 << 31); magnitude>>1>>c.shift != 0 {
				d.samples[i] = v&(1<<31) | magnitude>>c.shift
			}
		}
	}
	x, y := b.band.x+b.x0-b.band.x0, b.band.y+b.y0-b.band.y0
	if c.reversible {
		for i := range d.height {
			from, to := d.samples[i*d.width:(i+1)*d.width], c.ints[(y+i)*c.stride+x:]
			to = to[:len(from)]
			for k, v := range from {
				sign := int32(v) >> 31
				to[k] = (int32(v&^(1<<31)>>1) ^ sign) - sign
			}
		}
		return
	}
	step := b.band.step / 2
	for i := range d.height {
		from, to := d.samples[i*d.width:(i+1)*d.width], c.floats[(y+i)*c.stride+x:]
		to = to[:len(from)]
		for k, v := range from {
			sign := int32(v) >> 31
			to[k] = float32((int32(v&^(1<<31))^sign)-sign) * step
		}
	}
}
