package rle_test

import (
	"context"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/codec/rle"
)

// An image of 4 by 2 pixels of one byte has one byte plane.
func Example() {
	image := []byte{7, 7, 7, 7, 1, 2, 3, 4}
	data, err := rle.Encode(context.Background(), [][]byte{image}, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	segments, err := rle.Segments(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	decoded := make([]byte, len(image))
	err = rle.Decode(decoded, segments[0])
	fmt.Println(decoded, err)
	// Output: [7 7 7 7 1 2 3 4] <nil>
}
