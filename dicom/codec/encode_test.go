package codec

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// randomFrame makes a frame of smooth rows with noise, edges and flat parts, within Bits Stored.
func randomFrame(d pixel.Description, seed uint64) *pixel.Frame {
	r := rand.New(rand.NewPCG(seed, 1))
	if d.Float {
		f := &pixel.Frame{Description: d, F32: make([]float32, d.Values())}
		for i := range f.F32 {
			f.F32[i] = r.Float32()
		}
		return f
	}
	f := newFrame(d)
	top := uint64(1)<<d.BitsStored - 1
	level := r.Uint64() & top
	for i := range d.Values() {
		switch x := i / d.Samples % d.Columns; {
		case x == 0:
			level = r.Uint64() & top
		case x < d.Columns/3: // flat
		case x < d.Columns*2/3:
			level = min(level+r.Uint64()%(top/32+1), top)
		default:
			level = r.Uint64() & top
		}
		v := int64(level)
		if d.Signed && v > int64(top/2) {
			v -= int64(top) + 1
		}
		switch {
		case f.U8 != nil:
			f.U8[i] = uint8(v)
		case f.U16 != nil:
			f.U16[i] = uint16(v)
		default:
			f.U32[i] = uint32(v)
		}
	}
	return f
}

func signed(d pixel.Description) pixel.Description {
	d.Signed = true
	return d
}

// images are descriptions of many kinds.
var images = []pixel.Description{
	gray(7, 5, 1, 1), gray(33, 40, 8, 8), gray(20, 30, 8, 5), signed(gray(20, 30, 8, 8)), signed(gray(21, 30, 8, 6)),
	gray(64, 70, 16, 16), gray(64, 70, 16, 12), signed(gray(64, 70, 16, 16)), signed(gray(50, 60, 16, 12)), gray(1, 1, 16, 10), gray(1, 300, 16, 12),
	gray(300, 1, 8, 8), gray(20, 20, 32, 20), gray(20, 20, 32, 32), signed(gray(20, 20, 32, 24)),
	color(40, 33, 8, "RGB"), color(40, 33, 8, "YBR_FULL"), color(20, 21, 16, "RGB"),
	with(gray(20, 30, 8, 8), func(d *pixel.Description) { d.Photometric = "PALETTE COLOR" }),
	with(gray(20, 30, 8, 1), func(d *pixel.Description) { d.Photometric = "MONOCHROME1" }),
	with(gray(20, 30, 32, 32), func(d *pixel.Description) { d.Float = true }),
}

// TestEncode gives every image to every syntax: it comes back as it was, or within what the syntax may lose, or is refused.
func TestEncode(t *testing.T) {
	for ts, e := range encoders {
		taken := 0
		for i, d := range images {
			name := fmt.Sprintf("%s, %+v", syntaxName(ts), d)
			f := randomFrame(d, uint64(i))
			encoding, err := Encoded(ts, d)
			data, encodeErr := Encode(context.Background(), ts, f, EncodeOptions{Workers: 1})
			if err != nil {
				if !errors.Is(err, ErrUnsupported) || !errors.Is(encodeErr, ErrUnsupported) {
					t.Errorf("%s: %v, %v", name, err, encodeErr)
				}
				continue
			}
			taken++
			if encodeErr != nil {
				t.Errorf("%s: %v", name, encodeErr)
				continue
			}
			got, err := Decode(context.Background(), ts, encoding.Image, data)
			if err != nil {
				t.Errorf("%s: decoding: %v", name, err)
				continue
			}
			if got.BitsStored != encoding.Image.BitsStored || got.Signed != d.Signed {
				t.Errorf("%s: decoded as %+v", name, got.Description)
			}
			if e.method == "" && (!reflect.DeepEqual(samples(got), samples(f)) || got.Photometric != d.Photometric) {
				t.Errorf("%s: other samples, %s", name, got.Photometric)
			}
			if e.method == "ISO_14495_1" && !within(got, f, 2) {
				t.Errorf("%s: samples differ by more than 2", name)
			}
		}
		if taken < 4 {
			t.Errorf("%s takes %d of %d images", syntaxName(ts), taken, len(images))
		}
	}
}

// TestEncodeRetired wants native pixel data whose colors no codestream can say to be left as it is.
func TestEncodeRetired(t *testing.T) {
	for _, photometric := range retired {
		d := color(4, 4, 8, photometric)
		for ts, e := range encoders {
			_, err := Encoded(ts, d)
			if _, native := e.image(pixel.Description{Float: true}); native == nil {
				if err != nil {
					t.Errorf("%s in %s: %v", photometric, syntaxName(ts), err)
				}
			} else if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), photometric) {
				t.Errorf("%s in %s: %v", photometric, syntaxName(ts), err)
			}
		}
	}
}

// within compares unsigned samples.
func within(a, b *pixel.Frame, bound int) bool {
	for i := range a.Values() {
		var d int
		if a.U8 != nil {
			d = int(a.U8[i]) - int(b.U8[i])
		} else {
			d = int(a.U16[i]) - int(b.U16[i])
		}
		if d > bound || -d > bound {
			return false
		}
	}
	return true
}

// TestEncodeBaseline wants smooth pictures to come back nearly as they were, in gray and in color.
func TestEncodeBaseline(t *testing.T) {
	for _, d := range []pixel.Description{gray(40, 50, 8, 8), gray(40, 50, 16, 8), color(40, 50, 8, "RGB"), color(31, 33, 8, "YBR_FULL")} {
		f := newFrame(d)
		for i := range d.Values() {
			v := 60 + i/d.Samples%d.Columns + i/d.Samples/d.Columns + 10*(i%d.Samples)
			if f.U8 != nil {
				f.U8[i] = uint8(v)
			} else {
				f.U16[i] = uint16(v)
			}
		}
		data, err := Encode(context.Background(), dicom.JPEGBaseline8Bit, f, EncodeOptions{Quality: 95})
		if err != nil {
			t.Fatal(err)
		}
		encoding, _ := Encoded(dicom.JPEGBaseline8Bit, d)
		got, err := Decode(context.Background(), dicom.JPEGBaseline8Bit, encoding.Image, data)
		if err != nil {
			t.Fatal(err)
		}
		samples, _ := unsigned8(context.Background(), f)
		want := &pixel.Frame{Description: got.Description, U8: samples}
		if d.Photometric == "YBR_FULL" { // decoded as RGB
			want.U8 = make([]uint8, len(samples))
			convertYCbCr(want.U8, plane(samples, 0), plane(samples, 1), plane(samples, 2), 8)
		}
		if !within(got, want, 6) {
			t.Errorf("%+v: samples differ by more than 6", d)
		}
	}
}

// plane is one sample of each pixel.
func plane(samples []uint8, k int) (p []uint8) {
	for i := k; i < len(samples); i += 3 {
		p = append(p, samples[i])
	}
	return p
}

func TestEncodeErrors(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	f := randomFrame(gray(8, 8, 8, 8), 1)
	for ts := range encoders {
		if !Encodable(ts) {
			t.Errorf("%s is not encodable", ts)
		}
		if _, err := Encode(canceled, ts, f, EncodeOptions{}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), syntaxName(ts)) {
			t.Errorf("%s, canceled: %v", ts, err)
		}
		for _, o := range []EncodeOptions{{Quality: 101}, {Near: 256}, {Ratio: 1}, {Quality: -1}} {
			if _, err := Encode(context.Background(), ts, f, o); err == nil {
				t.Errorf("%s: no error with %+v", ts, o)
			}
		}
	}
	if _, err := Encoded("1.2.840.10008.1.2.4.102", f.Description); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "H.264") {
		t.Errorf("video: %v", err)
	}
}

func TestApply(t *testing.T) {
	encoding := Encoding{TransferSyntax: "1.2.3", Image: color(2, 2, 8, "YBR_FULL_422"), Method: "ISO_10918_1"}
	ds := new(dicom.DataSet)
	ds.SetStrings(dicom.LossyImageCompressionRatio, dicom.DS, "3")
	ds.SetInts(dicom.PlanarConfiguration, dicom.US, 1)
	ds.SetInts(dicom.BitsAllocated, dicom.US, 16)
	encoding.Apply(ds, 12.3456)
	want := new(dicom.DataSet)
	want.SetStrings(dicom.PhotometricInterpretation, dicom.CS, "YBR_FULL_422")
	want.SetInts(dicom.PlanarConfiguration, dicom.US, 0)
	want.SetInts(dicom.BitsAllocated, dicom.US, 8)
	want.SetInts(dicom.BitsStored, dicom.US, 8)
	want.SetInts(dicom.HighBit, dicom.US, 7)
	want.SetStrings(dicom.LossyImageCompression, dicom.CS, "01")
	want.SetStrings(dicom.LossyImageCompressionRatio, dicom.DS, "3", "12.35")
	want.SetStrings(dicom.LossyImageCompressionMethod, dicom.CS, "", "ISO_10918_1")
	if !ds.Equal(want) {
		got, _ := ds.MarshalJSON()
		t.Errorf("%s", got)
	}
	lossless, _ := Encoded(dicom.RLELossless, color(2, 2, 8, "RGB"))
	ds = new(dicom.DataSet)
	lossless.Apply(ds, 2)
	if v, _ := ds.Get(dicom.PlanarConfiguration); ds.Has(dicom.LossyImageCompression) || !reflect.DeepEqual(v.Value, dicom.Ints{1}) {
		t.Errorf("lossless: %+v", ds)
	}
}

// TestNative lays frames out and reads them again.
func TestNative(t *testing.T) {
	for i, d := range images {
		for _, layout := range []pixel.Description{d, with(d, func(d *pixel.Description) { d.Planar = d.Samples > 1 }),
			with(d, func(d *pixel.Description) { d.HighBit = d.BitsAllocated - 1 })} {
			f := randomFrame(d, uint64(i))
			got, err := Decode(context.Background(), dicom.ExplicitVRLittleEndian, layout, Native(f, layout))
			if err != nil || !reflect.DeepEqual(samples(got), samples(f)) {
				t.Errorf("%+v: %v", layout, err)
			}
		}
	}
}
