package jpeg2000

// htRefine decodes the significance propagation pass and, if it is there, the magnitude refinement pass (T.814 7.4, 7.5).
// They share one segment, from its begin and from its end, and refine the highest of the bit-planes that the cleanup pass
// left out.
func (d *blockDecoder) htRefine(data []byte, below uint, refine, causal bool) {
	h := d.ht
	stride := d.width + 2
	h.significant = cleared(h.significant, stride*(d.height+2))
	for y := range d.height {
		for x, v := range d.samples[y*d.width : (y+1)*d.width] {
			if v != 0 {
				h.significant[(y+1)*stride+x+1] = 1
			}
		}
	}
	if refine {
		d.htRefineMagnitudes(data, 1<<below)
	}
	d.htPropagate(data, 3<<below>>1, causal)
}

// htPropagate decodes, in stripes of four rows and four columns of them at a time, first the significance of the samples
// beside significant ones, then their signs.
func (d *blockDecoder) htPropagate(data []byte, value uint32, causal bool) {
	significant, stride := d.ht.significant, d.width+2
	stream := forwardBits{data: data}
	for y := 0; y < d.height; y += 4 {
		for x := 0; x < d.width; x += 4 {
			var found [16]int // the samples that become significant
			n := 0
			for cx := x; cx < min(x+4, d.width); cx++ {
				for cy := y; cy < min(y+4, d.height); cy++ {
					at := (cy+1)*stride + cx + 1
					if significant[at] != 0 {
						continue
					}
					s := significant[at-stride-1 : at+stride+2]
					around := s[0] | s[1] | s[2] | s[stride] | s[stride+2]
					if !causal || cy < y+3 {
						around |= s[2*stride] | s[2*stride+1] | s[2*stride+2]
					}
					if around != 0 && stream.bit() != 0 {
						significant[at] = 1
						found[n] = cy*d.width + cx
						n++
					}
				}
			}
			for _, at := range found[:n] {
				d.samples[at] = value | stream.bit()<<31
			}
		}
	}
}

// htRefineMagnitudes decodes one more bit of the samples that the cleanup pass found significant.
func (d *blockDecoder) htRefineMagnitudes(data []byte, bit uint32) {
	stream := backwardBits{data: data, above: true}
	for y := 0; y < d.height; y += 4 {
		for x := range d.width {
			for at := y*d.width + x; at < min(y+4, d.height)*d.width; at += d.width {
				if d.samples[at] == 0 {
					continue
				}
				stream.fill()
				d.samples[at] ^= bit>>1 | bit&(uint32(stream.value)&1-1)
				stream.take(1)
			}
		}
	}
}
