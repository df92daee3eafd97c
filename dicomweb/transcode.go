package dicomweb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/deidentify"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// A file in another transfer syntax than the stored one is written anew from the data set that the index has and the values that
// lie in the stored file: value by value and frame by frame, so that no more than one of them is in memory. Its text is UTF-8
// (PS3.18 8.8 lets the server choose where the client does not), sequences with long values have undefined length, and the pixel
// description says what the decoded samples are (docs/adr/0005-pixels-in-other-syntaxes.md).

// fileOffers are the transfer syntaxes in which an instance can be had as a file, as the whole body. The stored one comes first:
// transfer-syntax=* means just that. A client that names none gets Explicit VR Little Endian, but for pixel data that only exists
// in a lossy form or cannot be decoded here, which comes as it is stored (PS3.18 8.7.3.4).
func fileOffers(e *store.Entry) []offer {
	stored := offer{mediaType: mediaDICOM, transferSyntax: e.TransferSyntax, stored: true}
	ts, _ := dicom.TransferSyntaxOf(e.TransferSyntax)
	native := offer{mediaType: mediaDICOM, transferSyntax: dicom.ExplicitVRLittleEndian}
	standard := native
	standard.preset, standard.standard = true, true
	switch own := e.TransferSyntax == dicom.ExplicitVRLittleEndian; {
	case !canTranscode(e) || own && isWellEncoded(e):
		stored.preset = true
		return []offer{stored}
	case ts.Lossy && e.Layout.Pixel != nil:
		stored.preset = true
		return []offer{stored, native}
	case own:
		stored.verbatim = true
	}
	return []offer{stored, native, standard}
}

// jpip are the transfer syntaxes whose pixel data is on a JPIP server (PS3.5 A.6, A.7): there is nothing to decode.
var jpip = []dicom.UID{
	"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205",
}

// canTranscode reports whether the instance can be written in Explicit VR Little Endian.
func canTranscode(e *store.Entry) bool {
	p := e.Layout.Pixel
	switch {
	case slices.Contains(jpip, e.TransferSyntax):
		return false
	case p == nil || !p.Encapsulated:
		return true
	}
	return p.NumberOfFrames > 0 && codec.Supported(e.TransferSyntax)
}

// isWellEncoded reports whether a file that says Explicit VR Little Endian is a Part 10 file in it: with the prefix and File Meta
// Information that make up at least 144 bytes before the data set (PS3.10 7.1).
func isWellEncoded(e *store.Entry) bool {
	p := e.Layout.Pixel
	return e.Layout.Encoding == part10.Encoding{} && e.Layout.DataSet > 144 && (p == nil || !p.Encapsulated)
}

// filePart is an instance as a file in the chosen transfer syntax.
func (s *Server) filePart(base string, e *store.Entry, chosen offer) part {
	p := part{partHeader: partHeader{contentType: chosen.contentType(), location: base + e.Ref.Path(), length: -1}}
	if chosen.stored {
		p.length = e.Size
		p.open = func(ctx context.Context) (content, error) { return s.storedFile(ctx, e) }
		return p
	}
	p.open = func(ctx context.Context) (content, error) {
		body, err := s.transcode(ctx, e, nil)
		if err == nil || !chosen.standard || !errors.As(err, new(*undecodableError)) {
			return body, err
		}
		// Nobody asked for a transfer syntax by name: what cannot be had in the default one comes as it is.
		body, err = s.storedFile(ctx, e)
		body.contentType = offer{mediaType: mediaDICOM, transferSyntax: e.TransferSyntax}.contentType()
		return body, err
	}
	return p
}

func (s *Server) storedFile(ctx context.Context, e *store.Entry) (content, error) {
	in, err := s.open(ctx, e)
	if err != nil {
		return content{}, err
	}
	file := in.File()
	if !s.options.KeepPreambles {
		file = harmless(file)
	}
	return content{SectionReader: file, close: in.Close}, nil
}

// undecodableError is why an instance cannot be had in Explicit VR Little Endian.
type undecodableError struct{ error }

func (e *undecodableError) Unwrap() error { return e.error }

// transcode opens an instance as a file in Explicit VR Little Endian, de-identified if there is a profile. Its first frame is decoded before anything is written, so
// that what cannot be decoded is known then; the error is an *undecodableError.
func (s *Server) transcode(ctx context.Context, slim *store.Entry, profile *deidentify.Profile) (content, error) {
	e, err := s.entry(ctx, slim.Ref) // with its layout
	if err != nil {
		return content{}, err
	}
	in, err := s.open(ctx, e)
	if err != nil {
		return content{}, err
	}
	t := &transcoding{server: s, ctx: ctx, in: in, profile: profile}
	if err := t.prepare(); err != nil {
		in.Close()
		return content{}, err
	}
	var n counter
	if err := t.write(&n, true); err != nil {
		in.Close()
		return content{}, err
	}
	return content{stream: func(w io.Writer) error { return t.write(w, false) }, size: int64(n), close: in.Close}, nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// transcoding is one instance on its way into Explicit VR Little Endian.
type transcoding struct {
	server  *Server
	ctx     context.Context
	in      *store.Instance
	profile *deidentify.Profile // nil: nothing is taken out
	ds      *dicom.DataSet      // as it is to be written
	stored  *dicom.DataSet      // as it is stored

	pixels pixel.Description // encapsulated pixel data: of the stored image
	frames int               // 0: the pixel data is not decoded
	first  *pixel.Frame      // the first frame, decoded
}

// prepare makes the data set that is to be written.
func (t *transcoding) prepare() error {
	var err error
	if t.stored, err = t.server.dataSet(t.ctx, t.in.Entry); err != nil {
		return err
	}
	t.ds = t.stored.Clone()
	t.ds.Delete(dicom.AvailableTransferSyntaxUID) // the index's own (PS3.18 10.6.3.3.3)
	if t.profile != nil {
		t.ds = t.profile.Apply(t.ds)
	}
	t.nativeIcons()
	p := t.in.Entry.Layout.Pixel
	if p == nil {
		return nil
	}
	if p.Encapsulated || t.profile != nil && p.Tag == dicom.PixelData && p.NumberOfFrames > 0 {
		return t.describePixels(p)
	}
	if p.Value.Length > maxNative {
		return &undecodableError{tooLong(t.in.Entry)}
	}
	return nil
}

// maxNative is the longest value of an element (PS3.5 7.1.1).
const maxNative = math.MaxUint32 - 1

func tooLong(e *store.Entry) error {
	return &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
		"the pixel data of instance %s is too long for Explicit VR Little Endian (PS3.18 8.7.3.4); it is available as stored, in %s",
		e.Ref.Instance, syntaxName(e.TransferSyntax))}
}

// describePixels decodes the first frame and has the data set say what native frames are.
func (t *transcoding) describePixels(p *part10.PixelData) error {
	f, err := t.frame(1)
	if err != nil {
		return &undecodableError{err}
	}
	t.first, t.pixels, t.frames = f.frame, f.stored, p.NumberOfFrames
	if t.nativeSize() > maxNative {
		return &undecodableError{tooLong(t.in.Entry)}
	}
	vr := dicom.OW
	if f.stored.BitsAllocated <= 8 {
		vr = dicom.OB
	}
	t.ds.Set(dicom.Element{Tag: p.Tag, VR: vr, Value: dicom.Bulk{URI: bulkPrefix + p.Tag.String()}})
	t.ds.Delete(dicom.ExtendedOffsetTable)
	t.ds.Delete(dicom.ExtendedOffsetTableLengths)
	if photometric := nativePhotometric(f.frame.Photometric); photometric != f.stored.Photometric {
		t.ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, photometric)
	}
	if t.frames != f.stored.Frames { // some are missing
		t.ds.SetStrings(dicom.NumberOfFrames, dicom.IS, strconv.Itoa(t.frames))
	}
	return nil
}

// nativePhotometric is what decoded samples are called: each pixel has its own chroma by then (PS3.3 C.7.6.3.1.2).
func nativePhotometric(decoded string) string {
	if decoded == "YBR_FULL_422" {
		return "YBR_FULL"
	}
	return decoded
}

// frame decodes one frame.
func (t *transcoding) frame(n int) (f decoded, err error) {
	err = t.server.pictures.decode(t.ctx, func() (err error) {
		f, err = t.server.decodeFrame(t.ctx, t.in, t.stored, n)
		return err
	})
	return f, err
}

// nativeSize is the number of bytes of all frames.
func (t *transcoding) nativeSize() int64 {
	return (int64(t.pixels.Values())*int64(t.frames)*int64(t.pixels.BitsAllocated) + 7) / 8
}

// write writes the file, or as many bytes of no meaning if only their number is wanted.
func (t *transcoding) write(w io.Writer, count bool) error {
	return part10.Write(w, t.ds, part10.WriteOptions{
		TransferSyntax: dicom.ExplicitVRLittleEndian,
		Bulk: func(b dicom.Bulk) (part10.Source, error) {
			source, err := t.value(strings.TrimPrefix(b.URI, bulkPrefix))
			if err == nil && count {
				return unread(source.Size()), nil
			}
			return source, err
		},
	})
}

// bulkPrefix is how the BulkDataURI of a stored data set begins.
const bulkPrefix = "bulkdata/"

// value opens a value by its path.
func (t *transcoding) value(path string) (part10.Source, error) {
	if p := t.in.Entry.Layout.Pixel; t.frames > 0 && path == p.Tag.String() {
		return &frameStream{t: t, size: t.nativeSize()}, nil
	}
	value, _, err := t.in.Bulk(path)
	return value, err
}

// unread returns a value of which only the size counts.
func unread(size int64) part10.Source { return &sizeOnly{left: size} }

type sizeOnly struct{ left int64 }

func (s *sizeOnly) Size() int64 { return s.left }

func (s *sizeOnly) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), s.left)
	s.left -= n
	return int(n), nil
}

// frameStream reads the decoded frames one after the other, each decoded when its turn comes. Frames of single bits follow each
// other without a gap (PS3.5 8.1.1).
type frameStream struct {
	t     *transcoding
	size  int64
	next  int // frames decoded so far
	bytes bytes.Reader
	bits  []uint8 // samples of a byte that is not full yet
}

func (r *frameStream) Size() int64 { return r.size }

func (r *frameStream) Read(p []byte) (int, error) {
	for r.bytes.Len() == 0 {
		if r.next == r.t.frames {
			return 0, io.EOF
		}
		b, err := r.frame()
		if err != nil {
			return 0, err
		}
		r.bytes.Reset(b)
	}
	return r.bytes.Read(p)
}

// frame returns the bytes of the next frame.
func (r *frameStream) frame() ([]byte, error) {
	r.next++
	f := r.t.first
	if r.next > 1 {
		next, err := r.t.frame(r.next)
		if err != nil {
			return nil, err
		}
		if next.frame.Photometric != f.Photometric {
			return nil, fmt.Errorf("frame %d is %s, the first one %s", r.next, next.frame.Photometric, f.Photometric)
		}
		f = next.frame
	}
	if r.t.pixels.BitsAllocated != 1 {
		return codec.Native(f, r.t.pixels), nil
	}
	samples := append(r.bits, f.U8...)
	whole := len(samples)
	if r.next < r.t.frames {
		whole -= whole % 8
	}
	r.bits = slices.Clone(samples[whole:])
	return codec.PackBits(samples[:whole]), nil
}
