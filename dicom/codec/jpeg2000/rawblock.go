package jpeg2000

// rawBits reads the bits of a segment that bypasses the arithmetic decoder: after a byte FF the next one has seven. At the end
// it reads ones, since an encoder may leave out bytes FF that end a segment, as in those of the arithmetic decoder (T.800 D.6).
type rawBits struct {
	data    []byte
	at      int
	current byte
	left    uint8
}

func (b *rawBits) bit() uint32 {
	if b.left == 0 {
		b.left = 8
		if b.current == 0xFF {
			b.left = 7
		}
		b.current = 0xFF
		if b.at < len(b.data) {
			b.current = b.data[b.at]
			b.at++
		}
	}
	b.left--
	return uint32(b.current>>b.left) & 1
}

// propagateRaw is the significance propagation pass with raw bits.
func (d *blockDecoder) propagateRaw(bit uint32, causal bool) {
	value := bit | bit>>1
	for y := 0; y < d.height; y += 4 {
		rows := uint(min(4, d.height-y)) * 3
		at := (y/4+1)*d.stride + 1
		flags, samples := d.flags[at:at+d.width], d.samples[y*d.width:]
		for x := range flags {
			f := flags[x]
			if f == 0 {
				continue
			}
			for shift, k := uint(0), x; shift < rows; shift, k = shift+3, k+d.width {
				g := f >> shift
				if g&flagSelf != 0 || g&flagNeighbors == 0 {
					continue
				}
				if d.raw.bit() != 0 {
					negative := d.raw.bit()
					samples[k] = value | negative<<31
					f |= (flagSelf | negative<<19) << shift
					d.significant(at+x, shift, negative, causal)
				}
				f |= flagVisited << shift
			}
			flags[x] = f
		}
	}
}

// refineRaw is the magnitude refinement pass with raw bits.
func (d *blockDecoder) refineRaw(bit uint32) {
	for y := 0; y < d.height; y += 4 {
		rows := uint(min(4, d.height-y)) * 3
		at := (y/4+1)*d.stride + 1
		flags, samples := d.flags[at:at+d.width], d.samples[y*d.width:]
		for x := range flags {
			f := flags[x]
			for shift, k := uint(0), x; shift < rows; shift, k = shift+3, k+d.width {
				if f>>shift&(flagSelf|flagVisited) == flagSelf {
					samples[k] ^= bit>>1 | bit&(d.raw.bit()-1)
					f |= flagRefined << shift
				}
			}
			flags[x] = f
		}
	}
}
