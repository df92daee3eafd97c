package codec

import (
	"context"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// accept compares what a codestream says of the image with what the data set says.
func accept(d pixel.Description, rows, columns, components, precision int) error {
	if rows != d.Rows || columns != d.Columns {
		return fmt.Errorf("expected %d columns and %d rows, found %d and %d", d.Columns, d.Rows, columns, rows)
	}
	if components != d.Samples {
		return fmt.Errorf("expected %d components, found %d", d.Samples, components)
	}
	if d.Float || d.BitsAllocated < precision {
		return fmt.Errorf("expected at most %d bits per sample, found %d", d.BitsAllocated, precision)
	}
	return nil
}

// fromStream makes a frame of the interleaved samples of a codestream. Where the stream's samples have no more than the bits stored,
// they are nothing but those, wherever High Bit says they were in memory.
func fromStream[T integer](ctx context.Context, d pixel.Description, precision int, samples []T) (*pixel.Frame, error) {
	f := &pixel.Frame{Description: d}
	f.Planar = false
	if precision <= f.BitsStored {
		f.HighBit = f.BitsStored - 1
	}
	put(f, samples)
	return f, settle(ctx, f)
}
