package codec

import "image"

// copyYCbCr writes the pixels of a decoded JPEG to dst, 3 samples each. Chroma that was sub-sampled is interpolated as the
// libjpeg family does it ("fancy upsampling": a triangle filter), because that is what other viewers show.
func copyYCbCr(dst []uint8, img *image.YCbCr, write func(dst, y, cb, cr []uint8)) {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	h, v := subsampling(img.SubsampleRatio)
	cb := newUpsampler(img.Cb, img.CStride, width, height, h, v)
	cr := newUpsampler(img.Cr, img.CStride, width, height, h, v)
	for y := range height {
		write(dst[3*y*width:][:3*width], img.Y[y*img.YStride:][:width], cb.row(y), cr.row(y))
	}
}

// subsampling returns how many columns and rows share a chroma sample.
func subsampling(r image.YCbCrSubsampleRatio) (h, v int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// upsampler makes full rows of a sub-sampled plane.
type upsampler struct {
	plane         []uint8
	stride        int
	width, height int // of the plane
	h, v          int
	out           []uint8 // one row, with room for a last column that is not shown
	sums          []int32
}

func newUpsampler(plane []uint8, stride, width, height, h, v int) *upsampler {
	u := &upsampler{plane: plane, stride: stride, width: (width + h - 1) / h, height: (height + v - 1) / v, h: h, v: v}
	u.out = make([]uint8, u.width*h)
	u.sums = make([]int32, u.width)
	return u
}

// row returns the y-th row of the image; it is valid until the next call.
func (u *upsampler) row(y int) []uint8 {
	near := y / u.v
	in := u.plane[near*u.stride:][:u.width]
	switch {
	case u.h == 1 && u.v == 1:
		return in
	case u.h == 2 && u.width <= 2 || u.h == 4:
		for x := range u.out {
			u.out[x] = in[x/u.h]
		}
		return u.out
	}
	// Every second row lies nearer to the row above, the others to the one below; at the edges the row stands for its neighbor.
	far := near - 1 + 2*(y%2)
	if u.v == 1 {
		far = near
	}
	far = min(max(far, 0), u.height-1)
	other := u.plane[far*u.stride:][:u.width]
	switch {
	case u.h == 1:
		bias := uint32(1 + y%2)
		for x := range u.out {
			u.out[x] = uint8((3*uint32(in[x]) + uint32(other[x]) + bias) >> 2)
		}
	case u.v == 1:
		for x, c := range in {
			u.sums[x] = int32(c)
		}
		u.double(1, 2, 2)
	default:
		for x, c := range in {
			u.sums[x] = 3*int32(c) + int32(other[x])
		}
		u.double(8, 7, 4)
	}
	return u.out
}

// double makes two columns of each: three parts of the nearer one and one of the other, with alternating rounding.
func (u *upsampler) double(left, right int32, shift int) {
	s, n := u.sums, len(u.sums)
	for x := range n {
		before, after := s[max(x-1, 0)], s[min(x+1, n-1)]
		u.out[2*x] = uint8((3*s[x] + before + left) >> shift)
		u.out[2*x+1] = uint8((3*s[x] + after + right) >> shift)
	}
}

func interleaveYCbCr(dst, y, cb, cr []uint8) {
	for x := range y {
		dst[3*x], dst[3*x+1], dst[3*x+2] = y[x], cb[x], cr[x]
	}
}

// convertYCbCr is the conversion of JFIF, which is that of PS3.3 C.7.6.3.1.2 for YBR_FULL, in 16-bit fixed point as the libjpeg
// family computes it.
func convertYCbCr(dst, y, cb, cr []uint8) {
	const (
		half = 1 << 15
		crR  = 91881  // 1.402
		cbB  = 116130 // 1.772
		crG  = 46802  // 0.714136
		cbG  = 22554  // 0.344136
	)
	for x := range y {
		l, b, r := int32(y[x]), int32(cb[x])-128, int32(cr[x])-128
		dst[3*x] = clamp(l + (crR*r+half)>>16)
		dst[3*x+1] = clamp(l + (half-cbG*b-crG*r)>>16)
		dst[3*x+2] = clamp(l + (cbB*b+half)>>16)
	}
}

func clamp(v int32) uint8 { return uint8(min(max(v, 0), 255)) }
