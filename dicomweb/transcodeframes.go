package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

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
	t.describeFrames()
	if photometric := nativePhotometric(f.frame.Photometric); photometric != f.stored.Photometric {
		t.ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, photometric)
	}
	return nil
}

// describeFrames has the data set say how many frames there really are, and nothing of where they were.
func (t *transcoding) describeFrames() {
	t.ds.Delete(dicom.ExtendedOffsetTable)
	t.ds.Delete(dicom.ExtendedOffsetTableLengths)
	if t.frames != t.pixels.Frames { // some are missing
		t.ds.SetStrings(dicom.NumberOfFrames, dicom.IS, strconv.Itoa(t.frames))
	}
}

// keepPixels leaves the frames as they are stored.
func (t *transcoding) keepPixels(p *part10.PixelData) error {
	if !p.Encapsulated {
		return nil
	}
	for n := range p.NumberOfFrames {
		f, err := t.in.Frame(n + 1)
		if err != nil {
			return err
		}
		t.kept = append(t.kept, f)
	}
	return nil
}

// encodePixels encodes all frames, since a file begins with how long they are, and has the data set say what they are. They wait on
// the disk for their turn.
func (t *transcoding) encodePixels(p *part10.PixelData) error {
	f, err := t.frame(1)
	if err != nil {
		return &undecodableError{err}
	}
	t.first, t.pixels, t.frames = f.frame, f.stored, p.NumberOfFrames
	encoding, err := codec.Encoded(t.target, f.frame.Description)
	if err != nil {
		return &problem{status: http.StatusNotAcceptable, err: err, detail: fmt.Sprintf(
			"instance %s cannot be had in %s: %v", t.in.Entry.Ref.Instance, syntaxName(t.target), err)}
	}
	t.spool = spool{folder: t.server.options.SpoolFolder, limit: t.server.options.MaxSpool}
	for n := range t.frames {
		err := t.server.pictures.decode(t.ctx, func(ctx context.Context) error { return t.encodeFrame(ctx, n+1) })
		if err != nil {
			return err
		}
	}
	native := int64(t.pixels.Values()) * int64(t.frames) * int64(t.pixels.BitsAllocated) / 8
	encoding.Apply(t.ds, float64(native)/float64(max(t.spool.size, 1)))
	t.describeFrames()
	return nil
}

// encodeFrame encodes a frame into the spool. The caller holds a token of pictures.decode.
func (t *transcoding) encodeFrame(ctx context.Context, n int) error {
	f := t.first
	if n > 1 {
		next, err := t.server.decodeFrame(ctx, t.in, t.stored, n)
		if err != nil {
			return err
		}
		if f = next.frame; f.Photometric != t.first.Photometric {
			return otherColors(n, f, t.first)
		}
	}
	data, err := encodeFrame(ctx, t.in.Entry, n, t.target, f)
	if err != nil {
		return err
	}
	at, err := t.spool.add(bytes.NewReader(data))
	t.encoded = append(t.encoded, at)
	return err
}

func otherColors(n int, f, first *pixel.Frame) error {
	return fmt.Errorf("frame %d is %s, the first one %s", n, f.Photometric, first.Photometric)
}

// sources are the encoded frames, made or kept; nil where the target is native.
func (t *transcoding) sources(count bool) []part10.Source {
	var all []part10.Source
	for _, f := range t.kept {
		if count {
			all = append(all, unread(f.Size()))
			continue
		}
		all = append(all, io.NewSectionReader(f, 0, f.Size()))
	}
	for _, at := range t.encoded {
		if count {
			all = append(all, unread(at.length))
			continue
		}
		all = append(all, t.spool.open(at))
	}
	return all
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
	err = t.server.pictures.decode(t.ctx, func(ctx context.Context) (err error) {
		f, err = t.server.decodeFrame(ctx, t.in, t.stored, n)
		return err
	})
	return f, err
}

// nativeSize is the number of bytes of all frames.
func (t *transcoding) nativeSize() int64 {
	return (int64(t.pixels.Values())*int64(t.frames)*int64(t.pixels.BitsAllocated) + 7) / 8
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
			return nil, otherColors(r.next, next.frame, f)
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
