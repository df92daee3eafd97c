package codec

import (
	"github.com/noctis-dicom/noctis/dicom/codec/jpegdct"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// merge writes the pixels of three components, each brought to the size of the image, side by side, and makes R, G and B of Y, CB
// and CR where that is asked for.
func merge[T uint8 | uint16](dst []T, c [3]component[T], convert bool, precision int) {
	width := c[0].columns
	for y := range c[0].rows {
		row := dst[3*y*width:][:3*width]
		a, b, c := c[0].row(y)[:width], c[1].row(y), c[2].row(y)
		if convert {
			convertYCbCr(row, a, b, c, precision)
			continue
		}
		for x := range width {
			row[3*x], row[3*x+1], row[3*x+2] = a[x], b[x], c[x]
		}
	}
}

// component makes full rows of a plane that may be sub-sampled. Samples between are interpolated as the libjpeg family does it
// ("fancy upsampling": a triangle filter), because that is what other viewers show.
type component[T uint8 | uint16] struct {
	plane         []T
	stride        int
	columns, rows int // of the image
	width, height int // of the plane
	h, v          int // columns and rows of the image that share a sample, in units of hs and vs
	hs, vs        int
	out           []T // one row, with room for columns that are not shown
	sums          []int32
}

// upsampled describes a component of an image.
func upsampled[T uint8 | uint16](samples []T, p jpegdct.Plane, d pixel.Description, c jpegdct.Component,
	h jpegdct.Header) component[T] {
	u := component[T]{plane: samples, stride: p.Stride, columns: d.Columns, rows: d.Rows, width: p.Width, height: p.Height,
		h: h.HMax, v: h.VMax, hs: c.H, vs: c.V}
	if u.h%u.hs == 0 {
		u.h, u.hs = u.h/u.hs, 1
	}
	if u.v%u.vs == 0 {
		u.v, u.vs = u.v/u.vs, 1
	}
	u.out = make([]T, max(d.Columns, u.width*u.h/u.hs)+1)
	u.sums = make([]int32, u.width)
	return u
}

// row returns the y-th row of the image; it is valid until the next call.
func (u *component[T]) row(y int) []T {
	near := y * u.vs / u.v
	in := u.plane[near*u.stride:][:u.width]
	if u.h == u.hs && u.v == u.vs {
		return in
	}
	half := u.h == 2 && u.hs == 1 && u.width > 2
	twice := u.v == 2 && u.vs == 1
	if !half && !(u.h == u.hs && twice) || !twice && u.v != u.vs {
		for x := range u.columns {
			u.out[x] = in[x*u.hs/u.h]
		}
		return u.out
	}
	// Every second row lies nearer to the row above, the others to the one below; at the edges the row stands for its neighbor.
	far := near
	if twice {
		far = min(max(near-1+2*(y%2), 0), u.height-1)
	}
	other := u.plane[far*u.stride:][:u.width]
	switch {
	case !half:
		bias := int32(1 + y%2)
		for x, c := range in {
			u.out[x] = T((3*int32(c) + int32(other[x]) + bias) >> 2)
		}
	case !twice:
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
func (u *component[T]) double(left, right int32, shift int) {
	s, n := u.sums, len(u.sums)
	for x := range n {
		before, after := s[max(x-1, 0)], s[min(x+1, n-1)]
		u.out[2*x] = T((3*s[x] + before + left) >> shift)
		u.out[2*x+1] = T((3*s[x] + after + right) >> shift)
	}
}

// convertYCbCr is the conversion of JFIF, which is that of PS3.3 C.7.6.3.1.2 for YBR_FULL, in 16-bit fixed point as the libjpeg
// family computes it.
func convertYCbCr[T uint8 | uint16](dst, y, cb, cr []T, precision int) {
	const (
		half = 1 << 15
		crR  = 91881  // 1.402
		cbB  = 116130 // 1.772
		crG  = 46802  // 0.714136
		cbG  = 22554  // 0.344136
	)
	center, greatest := int32(1)<<(precision-1), int32(1)<<precision-1
	cb, cr, dst = cb[:len(y)], cr[:len(y)], dst[:3*len(y)]
	for x, luma := range y {
		l, b, r := int32(luma), int32(cb[x])-center, int32(cr[x])-center
		dst[3*x] = T(min(max(l+(crR*r+half)>>16, 0), greatest))
		dst[3*x+1] = T(min(max(l+(half-cbG*b-crG*r)>>16, 0), greatest))
		dst[3*x+2] = T(min(max(l+(cbB*b+half)>>16, 0), greatest))
	}
}
