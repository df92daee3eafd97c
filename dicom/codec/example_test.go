package codec_test

import (
	"context"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// A native frame of color becomes one of JPEG 2000; what the data set says of it changes with it.
func Example() {
	stored := pixel.Description{Rows: 1, Columns: 2, Samples: 3, BitsAllocated: 8, BitsStored: 8, HighBit: 7, Photometric: "RGB", Frames: 1}
	frame, err := codec.Decode(context.Background(), dicom.ExplicitVRLittleEndian, stored, []byte{1, 2, 3, 4, 5, 6})
	if err != nil {
		fmt.Println(err)
		return
	}
	encoding, err := codec.Encoded(dicom.JPEG2000Lossless, frame.Description)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := codec.Encode(context.Background(), dicom.JPEG2000Lossless, frame, codec.EncodeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := codec.Decode(context.Background(), dicom.JPEG2000Lossless, encoding.Image, data)
	fmt.Println(encoding.Image.Photometric, again.Photometric, again.U8, err)
	// Output: YBR_RCT RGB [1 2 3 4 5 6] <nil>
}
