package jpeglossless_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeglossless"
)

// The caller looks at the header before memory is taken for the samples.
func Example() {
	img := jpeglossless.Image{Width: 4, Height: 2, Components: 1, Precision: 12, Samples: []uint16{9, 9, 9, 4095, 9, 9, 0, 1}}
	data, err := jpeglossless.Encode(context.Background(), img)
	if err != nil {
		fmt.Println(err)
		return
	}
	samples, err := jpeglossless.Decode(context.Background(), data, func(h jpeglossless.Header) error {
		if h.Width*h.Height > 1<<20 {
			return errors.New("too large for this example")
		}
		return nil
	})
	fmt.Println(samples, err)
	// Output: [9 9 9 4095 9 9 0 1] <nil>
}
