package render

import (
	"context"
	"errors"
	"fmt"
	"image"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/internal/corpus/corpusimage"
)

// TestCorpus renders the first frame of every image of the corpus that can be decoded. Where the reference is usable the picture
// is within one gray level of it; else it must only be made without an error.
func TestCorpus(t *testing.T) {
	compared := 0
	for _, f := range corpus.Files(t) {
		t.Run(f.Name, func(t *testing.T) {
			img := corpusimage.Open(t, f)
			if img == nil {
				t.Skip("no image")
			}
			picture, err := renderFrame(img, 1, Options{})
			if errors.Is(err, codec.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			want := f.Reference(t, "render8.gz")
			if want == nil || img.Reference.Rendered == nil {
				return
			}
			worst, mean, err := difference(picture, want)
			if !img.Reference.Rendered.Usable {
				t.Logf("not usable as a reference: %d levels at most, %.3f in the mean, %v", worst, mean, err)
				return
			}
			compared++
			if err != nil || worst > 1 {
				t.Errorf("differs by up to %d levels, %.3f in the mean, %v", worst, mean, err)
			}
		})
	}
	t.Logf("%d pictures compared", compared)
}

func renderFrame(img *corpusimage.Image, frame int, o Options) (image.Image, error) {
	d, err := pixel.Describe(img.DataSet)
	if err != nil {
		return nil, err
	}
	data, err := img.Frame(frame)
	if err != nil {
		return nil, err
	}
	f, err := codec.Decode(context.Background(), img.TransferSyntax, d, data)
	if err != nil {
		return nil, err
	}
	a, err := DescribeWithBulk(img.DataSet, frame, img.Bulk)
	if err != nil {
		return nil, err
	}
	return Render(f, a, o)
}

// difference compares a picture with gray levels or interleaved RGB.
func difference(img image.Image, want []byte) (worst int, mean float64, err error) {
	var got []byte
	switch img := img.(type) {
	case *image.Gray:
		got = img.Pix
	case *image.RGBA:
		for i := 0; i < len(img.Pix); i += 4 {
			got = append(got, img.Pix[i:i+3]...)
		}
	}
	if len(got) != len(want) {
		return 0, 0, fmt.Errorf("%d samples, want %d", len(got), len(want))
	}
	sum := 0
	for i := range got {
		d := int(got[i]) - int(want[i])
		if d < 0 {
			d = -d
		}
		worst, sum = max(worst, d), sum+d
	}
	return worst, float64(sum) / float64(len(got)), nil
}
