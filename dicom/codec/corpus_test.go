package codec

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/internal/corpus/corpusimage"
)

// mislabelled are files whose reference is not what PS3.5 8.1.1 says.
var mislabelled = map[string]string{
	"files/ot_evle_mlut_18_9c65b39d.dcm": "12 bits stored, signed, written without extending the sign: the reference takes all 16 bits",
}

// TestCorpus decodes the first and last frame of every image of the corpus whose syntax is supported: exactly, for JPEG too, since
// the transforms are those of the decoders that made the references. Only irreversible JPEG 2000 leaves room for rounding.
func TestCorpus(t *testing.T) {
	decoded := map[string]int{}
	for _, f := range corpus.Files(t) {
		t.Run(f.Name, func(t *testing.T) {
			if why := mislabelled[f.Name]; why != "" {
				t.Skip(why)
			}
			img := corpusimage.Open(t, f)
			if img == nil {
				t.Skip("no image")
			}
			d, err := pixel.Describe(img.DataSet)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range img.Reference.Decoded {
				if want.Samples == "" {
					continue
				}
				data, err := img.Frame(want.Frame)
				if err != nil {
					t.Fatal(err)
				}
				frame, err := Decode(context.Background(), img.TransferSyntax, d, data)
				if errors.Is(err, ErrUnsupported) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatalf("frame %d: %v", want.Frame, err)
				}
				decoded[string(img.TransferSyntax)]++
				var raw []byte
				if want.Raw != "" {
					raw = f.Reference(t, strings.TrimPrefix(want.Raw, f.ID+"."))
				} else if want.Frame == 1 && want.ColorSpace == "RGB" {
					raw = f.Reference(t, "render8.gz") // 8-bit RGB is its own rendering
				}
				if err := compareSamples(frame, want, raw, irreversible(img.TransferSyntax)); err != nil {
					t.Errorf("frame %d: %v", want.Frame, err)
				}
			}
		})
	}
	t.Log(decoded)
}

// irreversible reports whether frames of the transfer syntax may use the 9-7 transform of JPEG 2000, whose rounding is not fixed.
func irreversible(ts dicom.UID) bool { return ts == dicom.JPEG2000 || ts == dicom.HTJ2K }

// compareSamples compares the digest, and, if that is another, sample by sample.
func compareSamples(f *pixel.Frame, want corpusimage.Decoded, raw []byte, irreversible bool) error {
	got := encodeSamples(f, want.DType)
	sum := sha256.Sum256(got)
	if hex.EncodeToString(sum[:]) == want.Samples {
		return nil
	}
	if raw == nil && irreversible {
		return nil // rounding may differ, and the samples to compare with are not there
	}
	if raw == nil || len(raw) != len(got) {
		return fmt.Errorf("%d bytes with another digest, want %d", len(got), len(raw))
	}
	worst, differing, at := 0.0, 0, 0
	size := int(want.DType[len(want.DType)-1] - '0')
	for i := 0; i < len(raw); i += size {
		d := math.Abs(sampleAt(got[i:], want.DType) - sampleAt(raw[i:], want.DType))
		if d > 0 {
			differing++
		}
		if d > worst {
			worst, at = d, i/size
		}
	}
	bound := 0.0
	if irreversible {
		bound = 1
	}
	if worst > bound {
		return fmt.Errorf("%d of %d samples differ, by up to %g (sample %d)", differing, len(raw)/size, worst, at)
	}
	return nil
}

// encodeSamples writes the samples in the reference's type.
func encodeSamples(f *pixel.Frame, dtype string) []byte {
	var b []byte
	switch {
	case f.U8 != nil && strings.HasSuffix(dtype, "1"):
		b = f.U8
	case f.U8 != nil:
		for _, v := range f.U8 {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
	case f.U16 != nil:
		for _, v := range f.U16 {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
	case f.U32 != nil:
		for _, v := range f.U32 {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	case f.F32 != nil:
		for _, v := range f.F32 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	default:
		for _, v := range f.F64 {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return b
}

func sampleAt(b []byte, dtype string) float64 {
	switch dtype {
	case "u1":
		return float64(b[0])
	case "<u2":
		return float64(binary.LittleEndian.Uint16(b))
	case "<i2":
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case "<u4":
		return float64(binary.LittleEndian.Uint32(b))
	case "<f4":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case "<f8":
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return math.NaN()
}
