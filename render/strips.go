package render

import (
	"fmt"
	"image"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// Strips reads n rows of a frame from row y on, or more that follow, as a frame of its own, whose samples hold until the next call. In the
// bits above those stored may be anything.
type Strips func(y, n int) (*pixel.Frame, error)

// ByStrips reports whether the picture needs each row of samples but once and in order, so that RenderStrips can make it: one of gray
// levels with a window, and nothing drawn on it.
func ByStrips(d pixel.Description, a Attributes, o Options) bool {
	windowed := o.Window != nil || o.VOI != nil || a.VOILUT != nil || a.Window != nil && a.Window.valid() ||
		o.Automatic != nil && o.Automatic.Low < o.Automatic.High
	return windowed && !d.Float && (d.BitsAllocated == 8 || d.BitsAllocated == 16) && a.plainGray(d, o)
}

// RenderStrips is Render of a frame that is never in memory as a whole, for what ByStrips allows: what of it is just looked at stays in the
// caches of a processor, and the rows that lie outside of the viewport's region are not read. The first error of strips is returned.
func RenderStrips(d pixel.Description, strips Strips, a Attributes, o Options) (image.Image, error) {
	if !ByStrips(d, a, o) {
		return nil, fmt.Errorf("a picture of %d samples of %d bits that needs the whole frame", d.Samples, d.BitsAllocated)
	}
	crop, err := a.checked(d, o)
	if err != nil {
		return nil, err
	}
	gray, err := grayscale(&pixel.Frame{Description: d}, a, o)
	if err != nil {
		return nil, err
	}
	if d.BitsAllocated == 8 {
		from := &source[uint8]{stride: d.Columns, read: strips, samples: func(f *pixel.Frame) []uint8 { return f.U8 }}
		return throughTable(d, from, gray, crop), from.err
	}
	from := &source[uint16]{stride: d.Columns, read: strips, samples: func(f *pixel.Frame) []uint16 { return f.U16 }}
	return throughTable(d, from, gray, crop), from.err
}

// source is the samples of an image, so many a row: all of them in memory, or those of the strip that was read last.
type source[T uint8 | uint16] struct {
	stride int
	first  int // row that strip begins with
	strip  []T

	read    Strips                 // nil: strip is the whole image
	samples func(*pixel.Frame) []T // those of what is read
	err     error                  // of read; what follows it is zeros
}

func inMemory[T uint8 | uint16](samples []T, stride int) *source[T] {
	return &source[T]{stride: stride, strip: samples}
}

// lines returns the samples from row y on, n rows at least.
func (s *source[T]) lines(y, n int) []T {
	if s.read != nil && (y < s.first || (y+n-s.first)*s.stride > len(s.strip)) {
		s.next(y, n)
	}
	return s.strip[(y-s.first)*s.stride:]
}

func (s *source[T]) next(y, n int) {
	s.first = y
	if s.err == nil {
		var f *pixel.Frame
		if f, s.err = s.read(y, n); s.err == nil {
			s.strip = s.samples(f)
			return
		}
	}
	s.strip = make([]T, n*s.stride)
}
