package codec

import (
	"context"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// integer is a sample that is not a floating point number.
type integer interface{ uint8 | uint16 | uint32 }

// step is how many samples are worked on between two looks at the context.
const step = 1 << 19

// inSteps calls f for consecutive runs [from, to) of n samples until the context ends.
func inSteps(ctx context.Context, n int, f func(from, to int)) error {
	for from := 0; from < n; from += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		f(from, min(from+step, n))
	}
	return nil
}

// newFrame allocates integer samples of the width that Bits Allocated asks for; the samples of a 1-bit image take a byte each.
func newFrame(d pixel.Description) *pixel.Frame {
	f := &pixel.Frame{Description: d}
	switch d.BitsAllocated {
	case 1, 8:
		f.U8 = make([]uint8, d.Values())
	case 16:
		f.U16 = make([]uint16, d.Values())
	default:
		f.U32 = make([]uint32, d.Values())
	}
	return f
}

// settle brings samples into the form of pixel.Frame: those of a pixel side by side, and nothing in them but the bits stored,
// aligned right and sign-extended. What lies above or below the bits stored is not part of the sample (PS3.5 8.1.1): overlays of
// old files, or rubbish.
func settle(ctx context.Context, f *pixel.Frame) error {
	switch {
	case f.U8 != nil:
		return settleSamples(ctx, f, &f.U8)
	case f.U16 != nil:
		return settleSamples(ctx, f, &f.U16)
	}
	return settleSamples(ctx, f, &f.U32)
}

func settleSamples[T integer](ctx context.Context, f *pixel.Frame, samples *[]T) error {
	if f.Planar {
		interleaved := make([]T, len(*samples))
		if err := interleave(ctx, interleaved, *samples, f.Samples); err != nil {
			return err
		}
		*samples, f.Planar = interleaved, false
	}
	shift := f.HighBit - (f.BitsStored - 1)
	f.HighBit = f.BitsStored - 1
	if f.BitsAllocated == 1 || f.BitsStored == f.BitsAllocated {
		return nil
	}
	mask := T(1)<<f.BitsStored - 1
	sign := T(0)
	if f.Signed {
		sign = T(1) << (f.BitsStored - 1)
	}
	return inSteps(ctx, len(*samples), func(from, to int) {
		s := (*samples)[from:to]
		for i, v := range s {
			s[i] = (v>>shift&mask ^ sign) - sign
		}
	})
}

// interleave turns planes into pixels (PS3.3 C.7.6.3.1.3).
func interleave[T integer](ctx context.Context, dst, planes []T, samples int) error {
	n := len(dst) / samples
	return inSteps(ctx, n, func(from, to int) {
		for k := range samples {
			plane := planes[k*n+from : k*n+to]
			for i, v := range plane {
				dst[(from+i)*samples+k] = v
			}
		}
	})
}

// put gives the samples the width that Bits Allocated asks for: 8-bit JPEG in 16 bits allocated is met.
func put[T integer](f *pixel.Frame, samples []T) {
	switch s := any(samples).(type) {
	case []uint8:
		if f.BitsAllocated == 8 {
			f.U8 = s
			return
		}
	case []uint16:
		if f.BitsAllocated == 16 {
			f.U16 = s
			return
		}
	}
	*f = *newFrame(f.Description)
	for i, v := range samples {
		switch {
		case f.U8 != nil:
			f.U8[i] = uint8(v)
		case f.U16 != nil:
			f.U16[i] = uint16(v)
		default:
			f.U32[i] = uint32(v)
		}
	}
}
