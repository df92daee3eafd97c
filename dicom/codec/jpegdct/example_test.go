package jpegdct_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/noctis-dicom/noctis/dicom/codec/jpegdct"
)

// The caller looks at the header before memory is taken for the planes.
func Example() {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 20, 10)), nil); err != nil {
		fmt.Println(err)
		return
	}
	planes, err := jpegdct.Decode(context.Background(), b.Bytes(), func(h jpegdct.Header) error {
		if h.Width*h.Height > 1<<20 {
			return errors.New("too large for this example")
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(planes), planes[0].Width, planes[0].Height, planes[0].U8[0])
	// Output: 1 20 10 0
}
