package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// encodings are the transfer syntaxes in which pixel data is encoded for a client that asks for them. Those that are the default of their
// media type (PS3.18 Table 8.7.3-5) are what the media type alone means. They come in the order in which a client that takes any
// of them gets them: quickly made and lossless first.
var encodings = []struct {
	transferSyntax dicom.UID
	preset         bool
}{
	{dicom.RLELossless, true},
	{dicom.JPEGLSLossless, true},
	{dicom.JPEGLosslessSV1, true},
	{dicom.HTJ2KLossless, true},
	{dicom.JPEG2000Lossless, true},
	{dicom.HTJ2KLosslessRPCL, false},
	{dicom.JPEGLossless, false},
	{dicom.JPEGBaseline8Bit, false},
	{dicom.JPEGExtended12Bit, false},
	{dicom.JPEGLSNearLossless, false},
	{dicom.JPEG2000, false},
	{dicom.HTJ2K, false},
}

// encodedPixels are the encodings of pixel data that is stored in another transfer syntax, as the whole body.
func encodedPixels(stored dicom.UID) []offer {
	offers := make([]offer, 0, len(encodings))
	for _, e := range encodings {
		if e.transferSyntax == stored || !codec.Encodable(e.transferSyntax) {
			continue
		}
		ts, _ := dicom.TransferSyntaxOf(e.transferSyntax)
		offers = append(offers, offer{mediaType: compressedType(ts), transferSyntax: e.transferSyntax, preset: e.preset, encoded: true})
	}
	return offers
}

// encodedFiles are the transfer syntaxes in which an instance with pixel data can be had that is encoded for it. A client has to name
// them: transfer-syntax=* means what is stored.
func encodedFiles(stored dicom.UID) []offer {
	offers := encodedPixels(stored)
	for i := range offers {
		offers[i].mediaType, offers[i].preset = mediaDICOM, false
	}
	return offers
}

// choosePixels selects the representation of an instance's pixel data among offers.
func (s *Server) choosePixels(ctx context.Context, a acceptance, e *store.Entry, offers []offer) (offer, error) {
	chosen, err := s.chooseEncodable(ctx, a, e, offers)
	if err != nil {
		return offer{}, undecodable(err, e.TransferSyntax)
	}
	return chosen, nil
}

// chooseEncodable selects among offers, some of which may need an encoder: whether that takes the pixel data of the instance is only
// looked up where it is wanted, since that needs the data set. The error is 406 and says why an encoder does not.
func (s *Server) chooseEncodable(ctx context.Context, a acceptance, e *store.Entry, offers []offer) (offer, error) {
	chosen, err := a.choose(offers...)
	var why error
	for err == nil && chosen.encoded {
		reason := s.encodable(ctx, e, chosen.transferSyntax)
		if reason == nil {
			return chosen, nil
		}
		if !errors.Is(reason, codec.ErrUnsupported) {
			return offer{}, reason
		}
		if why == nil {
			why = reason
		}
		refused := chosen.transferSyntax
		offers = slices.DeleteFunc(slices.Clone(offers), func(o offer) bool { return o.encoded && o.transferSyntax == refused })
		chosen, err = a.choose(offers...)
	}
	if err != nil && why != nil {
		return offer{}, because(err, fmt.Sprintf("this pixel data cannot be had in it: %v", why))
	}
	return chosen, err
}

// encodable is nil if frames of the instance can be encoded in the transfer syntax, as far as their description tells.
func (s *Server) encodable(ctx context.Context, e *store.Entry, ts dicom.UID) error {
	ds, err := s.dataSet(ctx, e)
	if err != nil {
		return err
	}
	d, err := pixel.Describe(ds)
	if err != nil {
		return damaged(e, 1, err)
	}
	if _, err = codec.Encoded(ts, decodedDescription(e, d)); err != nil {
		return err
	}
	return nil
}

// decodedDescription is how frames that are stored like d are described when they are decoded, as far as that is known before
// (codec.Decode): what is called YBR in JPEG and JPEG 2000 is RGB by then.
func decodedDescription(e *store.Entry, d pixel.Description) pixel.Description {
	ts, _ := dicom.TransferSyntaxOf(e.TransferSyntax)
	switch {
	case d.Photometric == "YBR_ICT", d.Photometric == "YBR_RCT", ts.Lossy && ts.MediaType == "image/jpeg" && d.Samples == 3:
		d.Photometric = "RGB"
	}
	return d
}

// encodedFrame is a frame in another transfer syntax than the stored one.
func (s *Server) encodedFrame(ctx context.Context, in *store.Instance, n int, ts dicom.UID) (content, error) {
	ds, err := s.dataSet(ctx, in.Entry)
	if err != nil {
		return content{}, err
	}
	var data []byte
	err = s.pictures.decode(ctx, func(ctx context.Context) error {
		f, err := s.decodedOnce(ctx, in, ds, n)
		if err != nil {
			return err
		}
		data, err = encodeFrame(ctx, in.Entry, n, ts, f.frame)
		return err
	})
	s.readAhead(in.Entry, n)
	return contentOf(data), err
}

// encodeFrame encodes a decoded frame. The caller holds a token of pictures.decode.
func encodeFrame(ctx context.Context, e *store.Entry, n int, ts dicom.UID, f *pixel.Frame) ([]byte, error) {
	data, err := codec.Encode(ctx, ts, f, codec.EncodeOptions{})
	if errors.Is(err, codec.ErrUnsupported) {
		return nil, &problem{status: http.StatusNotAcceptable, err: err, detail: fmt.Sprintf(
			"frame %d of instance %s cannot be had in %s: %v", n, e.Ref.Instance, syntaxName(ts), err)}
	}
	return data, err
}
