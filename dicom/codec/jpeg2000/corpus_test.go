package jpeg2000_test

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/internal/corpus/corpusimage"
)

// TestCorpus compares the first and last frame of each JPEG 2000 image of the corpus with its reference: exactly, or within
// 1 where the transform is irreversible.
func TestCorpus(t *testing.T) {
	for _, f := range corpus.Files(t) {
		ts := f.Row["transfer_syntax"]
		if !strings.HasPrefix(ts, "1.2.840.10008.1.2.4.9") && !strings.HasPrefix(ts, "1.2.840.10008.1.2.4.20") {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			img := corpusimage.Open(t, f)
			if img == nil {
				t.Skip("no reference")
			}
			for _, want := range img.Reference.Decoded {
				if want.Raw == "" {
					continue
				}
				data, err := img.Frame(want.Frame)
				if err != nil {
					t.Fatal(err)
				}
				got, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				compare(t, got, f.Reference(t, strings.TrimPrefix(want.Raw, f.ID+".")), want.DType)
			}
		})
	}
}

func compare(t *testing.T, got *jpeg2000.Image, want []byte, dtype string) {
	t.Helper()
	size := int(dtype[len(dtype)-1] - '0')
	n := len(got.Planes)
	if len(want) != n*len(got.Planes[0])*size {
		t.Fatalf("%d samples of %d components, want %d bytes", len(got.Planes[0]), n, len(want))
	}
	worst, bound, differing := int32(0), int32(0), 0
	if !got.Reversible {
		bound = 1
	}
	mask := uint32(1)<<(8*size) - 1
	for i := range len(want) / size {
		var v uint32
		switch size {
		case 1:
			v = uint32(want[i])
		case 2:
			v = uint32(binary.LittleEndian.Uint16(want[2*i:]))
		default:
			v = binary.LittleEndian.Uint32(want[4*i:])
		}
		d := int32(uint32(got.Planes[i%n][i/n])&mask) - int32(v)
		if d != 0 {
			differing++
		}
		worst = max(worst, d, -d)
	}
	if worst > bound {
		t.Errorf("%d samples differ, by up to %d (%+v)", differing, worst, got.Header)
	} else if differing > 0 {
		t.Logf("%d of %d samples differ by 1", differing, len(want)/size)
	}
}
