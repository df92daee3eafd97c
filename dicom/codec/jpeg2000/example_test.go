package jpeg2000_test

import (
	"context"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

// An image of one component is encoded with HT code-blocks, decoded within limits, and made a file that others open.
func Example() {
	img := &jpeg2000.Image{
		Header: jpeg2000.Header{Width: 4, Height: 2, Components: []jpeg2000.Component{{Precision: 12}}},
		Planes: [][]int32{{9, 9, 9, 4095, 9, 9, 0, 1}},
	}
	data, err := jpeg2000.Encode(context.Background(), img, jpeg2000.EncodeOptions{HighThroughput: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	decoded, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{Samples: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := jpeg2000.File(data, jpeg2000.Gray, nil)
	fmt.Println(decoded.Planes[0], decoded.HighThroughput, string(file[20:23]), err)
	// Output: [9 9 9 4095 9 9 0 1] true jph <nil>
}
