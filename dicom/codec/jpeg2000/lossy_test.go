package jpeg2000_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

// psnr is the ratio of the greatest sample to the mean error, in decibels.
func psnr(got, want []int32, precision int) float64 {
	sum := 0.0
	for i := range got {
		d := float64(got[i] - want[i])
		sum += d * d
	}
	return 20*math.Log10(float64(int(1)<<precision-1)) - 10*math.Log10(sum/float64(len(got))+1e-9)
}

// TestEncodeLossy wants the size that was asked for, or nearly, and a picture about as good as OpenJPEG makes of as many bytes.
func TestEncodeLossy(t *testing.T) {
	for _, p := range []picture{anatomy(256, 300, 1, 12), anatomy(256, 256, 3, 8), anatomy(300, 200, 1, 16), anatomy(150, 200, 1, 8)} {
		for _, ratio := range []float64{3, 10, 40} {
			t.Run(fmt.Sprintf("%dx%dx%d, %d bits, ratio %g", p.width, p.height, p.components, p.precision, ratio), func(t *testing.T) {
				data, err := jpeg2000.Encode(context.Background(), p.image(false), jpeg2000.EncodeOptions{Ratio: ratio})
				if err != nil {
					t.Fatal(err)
				}
				native := float64(len(p.samples) * ((p.precision + 7) / 8))
				if found := native / float64(len(data)); found < ratio || found > 1.1*ratio {
					t.Errorf("ratio %.2f", found)
				}
				img := mustDecode(t, data)
				if img.Reversible {
					t.Error("reversible")
				}
				ours := psnr(interleaved(img), p.samples, p.precision)
				if d := worst(t, interleaved(img), decodeByReference(t, data, p.components)); d > int32(1+p.precision/16) {
					t.Errorf("OpenJPEG decodes samples that differ by up to %d", d)
				}
				reference := encode(t, p, fmt.Sprintf("-I -r %g", ratio)) // of the bits, where ours is of whole bytes
				theirs := psnr(decodeByReference(t, reference, p.components), p.samples, p.precision)
				t.Logf("%d bytes, %.2f dB; OpenJPEG %d bytes, %.2f dB", len(data), ours, len(reference), theirs)
				if ours < theirs-1.5 && len(data) >= len(reference) {
					t.Errorf("%.2f dB in %d bytes, OpenJPEG %.2f dB in %d", ours, len(data), theirs, len(reference))
				}
				if ours < 25 {
					t.Errorf("%.2f dB", ours)
				}
			})
		}
	}
}

// TestEncodeLossySmall: the ratio leaves no room for a picture in images whose header is as long as their samples.
func TestEncodeLossySmall(t *testing.T) {
	for _, p := range []picture{anatomy(8, 8, 1, 12), anatomy(10, 10, 3, 8), anatomy(10, 10, 1, 16), anatomy(1, 1, 1, 8)} {
		data, err := jpeg2000.Encode(context.Background(), p.image(false), jpeg2000.EncodeOptions{Ratio: 10})
		if err != nil {
			t.Fatal(err)
		}
		if db := psnr(interleaved(mustDecode(t, data)), p.samples, p.precision); db < 45 {
			t.Errorf("%dx%dx%d, %d bits: %.2f dB", p.width, p.height, p.components, p.precision, db)
		}
	}
}
