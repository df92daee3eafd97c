package readiness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/codestream"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
)

// pixels examines the frames of an instance.
func (x *examination) pixels(ctx context.Context, in *store.Instance, ds *dicom.DataSet, of int) error {
	e := in.Entry
	if e.Layout.Pixel == nil {
		return nil
	}
	d, err := pixel.Describe(ds)
	if err != nil {
		x.find(e.Ref, 0, Hidden, Description, "%v", err)
		return nil
	}
	x.series.Frames += d.Frames
	x.addPlanes(ds, d)
	x.values(e, ds, d)
	syntax, _ := dicom.TransferSyntaxOf(e.TransferSyntax)
	if strings.HasPrefix(syntax.MediaType, "video/") {
		return nil // it is played, not decoded
	}
	there := e.Layout.Pixel.NumberOfFrames
	if there < d.Frames {
		x.find(e.Ref, 0, Hidden, Frames, "Number of Frames (0028,0008) is %d, there are %d%s", d.Frames, there, tooShort(e))
	}
	if there > d.Frames {
		x.find(e.Ref, 0, Limited, Frames, "Number of Frames (0028,0008) is %d, there are %d: the others are not shown", d.Frames, there)
	}
	if groups := len(ds.Items(dicom.PerFrameFunctionalGroupsSequence)); groups > 0 && groups != d.Frames {
		x.find(e.Ref, 0, Limited, Frames, "there are %d items of Per-Frame Functional Groups for %d frames", groups, d.Frames)
	}
	for n := 1; n <= min(there, d.Frames); n++ {
		if x.options.None || !x.options.Deep && !x.chosen(n, d.Frames, of) {
			continue
		}
		if err := x.frame(ctx, in, ds, d, n); err != nil {
			return err
		}
	}
	return nil
}

// chosen reports whether the frame is one of a sample: the first, the middle and the last of the series.
func (x *examination) chosen(frame, frames, instances int) bool {
	ends := func(n, of int) bool { return n == 1 || n == of || n == (of+1)/2 }
	return ends(frame, frames) && ends(x.series.Instances, instances)
}

// frame decodes one frame and looks at what comes.
func (x *examination) frame(ctx context.Context, in *store.Instance, ds *dicom.DataSet, d pixel.Description, n int) error {
	ref := in.Entry.Ref
	x.series.Decoded++
	f, err := x.options.Decode(ctx, in, ds, n)
	var unread *fs.PathError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &unread):
		x.find(ref, n, Hidden, File, "it cannot be read: %v", unread.Err)
		return nil
	case err != nil:
		x.find(ref, n, Hidden, Undecodable, "%v%s", err, mislabelled(in, n))
		return nil
	}
	x.photometric(in, d, n)
	if f.Samples > 1 || d.Photometric == "PALETTE COLOR" {
		return nil
	}
	low, high := extent(f)
	if low == high {
		x.find(ref, n, Limited, Window, "all pixels have the same value")
		return nil
	}
	a, err := render.Describe(ds, n)
	if err != nil || a.ModalityLUT != nil || a.VOILUT != nil {
		return nil // a table that is bulk data, or says itself what is seen
	}
	if a.Rescale != nil {
		low, high = low*a.Rescale.Slope+a.Rescale.Intercept, high*a.Rescale.Slope+a.Rescale.Intercept
		low, high = min(low, high), max(low, high)
	}
	switch w := a.Window; {
	case w == nil && len(ds.Strings(dicom.WindowCenter))+len(ds.Strings(dicom.WindowWidth)) > 0:
		x.find(ref, n, Limited, Window, "Window Center (0028,1050) and Window Width (0028,1051) are no window: viewers guess, or show black")
	case w == nil && d.BitsAllocated > 8:
		x.find(ref, n, Limited, Window, "Window Center (0028,1050) and Window Width (0028,1051) are absent: viewers take the range of the pixels, from %g to %g, "+
			"in which few bright ones leave the others dark", low, high)
	case w == nil:
	case w.Center-w.Width/2 >= high, w.Center+w.Width/2 <= low:
		x.find(ref, n, Hidden, Window, "values are from %g to %g, the window from %g to %g: all is black, or all is white", low, high,
			w.Center-w.Width/2, w.Center+w.Width/2)
	}
	return nil
}

// tooShort says how much of native pixels there is, where that is not enough for a frame.
func tooShort(e *store.Entry) string {
	p := e.Layout.Pixel
	if p.Encapsulated || p.FrameBits <= 8*p.Value.Length {
		return ""
	}
	return fmt.Sprintf(": a frame of these Rows, Columns and bits takes %d bytes, and all pixels have %d. The file was cut off, or its description is not its own", (p.FrameBits+7)/8, p.Value.Length)
}

// mislabelled says which codestream a frame is that is not that of its transfer syntax.
func mislabelled(in *store.Instance, n int) string {
	declared, _ := dicom.TransferSyntaxOf(in.Entry.TransferSyntax)
	for _, media := range []string{"image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/jxl"} {
		r, err := in.Frame(n)
		if err != nil || !declared.Encapsulated || media == declared.MediaType {
			continue
		}
		if s, err := codestream.Inspect(media, r); err == nil && s.TransferSyntax != "" {
			is, _ := dicom.TransferSyntaxOf(s.TransferSyntax)
			return fmt.Sprintf(". It is one of %s (%s): store it again with that as Transfer Syntax UID (0002,0010)", is.Name, is.UID)
		}
	}
	return ""
}

// photometric compares what the codestream says of its colors with the data set.
func (x *examination) photometric(in *store.Instance, d pixel.Description, n int) {
	syntax, _ := dicom.TransferSyntaxOf(in.Entry.TransferSyntax)
	if !syntax.Encapsulated || !codestream.Known(syntax.MediaType) {
		return
	}
	r, err := in.Frame(n)
	if err != nil {
		return // it has been decoded: this is not what keeps it from being shown
	}
	s, err := codestream.Inspect(syntax.MediaType, r)
	if err != nil || s.Samples != 3 || d.Samples != 3 {
		return
	}
	// JPEG-LS and JPEG Lossless may be YBR without saying so: of them only an explicit marker counts, which Inspect has read.
	if coded, declared := strings.HasPrefix(s.Photometric, "YBR"), strings.HasPrefix(d.Photometric, "YBR"); syntax.MediaType == "image/jpeg" && coded != declared {
		x.find(in.Entry.Ref, n, Limited, Photometric, "Photometric Interpretation (0028,0004) is %s, the codestream says %s: viewers show other colors",
			d.Photometric, s.Photometric)
	}
}

// mostEncoded is the longest frame that DecodeFrame reads.
const mostEncoded = 1 << 29

// DecodeFrame decodes a frame without a cache.
func DecodeFrame(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int) (*pixel.Frame, error) {
	d, err := pixel.Describe(ds)
	if err != nil {
		return nil, err
	}
	r, err := in.Frame(n)
	if err != nil {
		return nil, err
	}
	if r.Size() > mostEncoded {
		return nil, fmt.Errorf("%d bytes: at most %d are read", r.Size(), mostEncoded)
	}
	data := make([]byte, r.Size())
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	f, err := codec.Decode(ctx, in.Entry.TransferSyntax, d, data)
	if errors.Is(err, codec.ErrUnsupported) {
		return nil, fmt.Errorf("nothing here decodes it: %w", err)
	}
	return f, err
}

// extent is the least and the greatest stored value of a frame.
func extent(f *pixel.Frame) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	see := func(v float64) { low, high = min(low, v), max(high, v) }
	for _, v := range f.U8 {
		if f.Signed {
			see(float64(int8(v)))
		} else {
			see(float64(v))
		}
	}
	for _, v := range f.U16 {
		if f.Signed {
			see(float64(int16(v)))
		} else {
			see(float64(v))
		}
	}
	for _, v := range f.U32 {
		if f.Signed {
			see(float64(int32(v)))
		} else {
			see(float64(v))
		}
	}
	for _, v := range f.F32 {
		see(float64(v))
	}
	for _, v := range f.F64 {
		see(v)
	}
	return low, high
}
