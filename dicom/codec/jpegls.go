package codec

import (
	"context"
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom/codec/jpegls"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// decodeJPEGLS reads JPEG-LS, lossless and near-lossless (PS3.5 8.2.3). Its components, too, are what the data set says.
func decodeJPEGLS(ctx context.Context, d pixel.Description, data []byte) (*pixel.Frame, error) {
	precision := 0
	samples, err := jpegls.Decode(ctx, data, func(h jpegls.Header) error {
		precision = h.Precision
		return accept(d, h.Height, h.Width, h.Components, h.Precision)
	})
	if errors.Is(err, jpegls.ErrFeature) {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	return fromStream(ctx, d, precision, samples)
}
