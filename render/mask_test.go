package render

import (
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// The differences by hand: of frames of three pixels, after a rescale of 2 x - 1 whose intercept cancels itself out.
func TestMaskSubtraction(t *testing.T) {
	frames := [][]uint16{{10, 20, 30}, {14, 24, 34}, {100, 50, 0}, {200, 150, 100}}
	decode := func(n int) (*pixel.Frame, error) {
		f := monochrome(16, frames[n-1]...)
		f.Frames = len(frames)
		return f, nil
	}
	for _, test := range []struct {
		name  string
		item  []any
		frame int
		want  []float32 // nil: not subtracted
		err   string
	}{
		{"one frame", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{1}}, 3, []float32{180, 60, -60}, ""},
		// The mean of 10 and 14 is 12.
		{"mean of two", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{1, 2}}, 3, []float32{176, 56, -64}, ""},
		// The mean of 100 and 200 is 150.
		{"contrast too", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{1, 2}, dicom.ContrastFrameAveraging, 2},
			3, []float32{276, 156, 36}, ""},
		{"contrast beyond the last", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{1}, dicom.ContrastFrameAveraging, 2}, 4, nil, ""},
		// To the right by 1: 10, 10, 20; by a half: 10, 15, 25.
		{"shifted", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{1}, dicom.MaskSubPixelShift, []float64{0, 1}}, 3, []float32{180, 80, -40}, ""},
		{"shifted by half", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{1}, dicom.MaskSubPixelShift, []float64{0, 0.5}}, 3, []float32{180, 70, -50}, ""},
		{"the one before", []any{dicom.MaskOperation, "TID"}, 2, []float32{8, 8, 8}, ""},
		{"two before", []any{dicom.MaskOperation, "TID", dicom.TIDOffset, 2}, 3, []float32{180, 60, -60}, ""},
		{"one after", []any{dicom.MaskOperation, "TID", dicom.TIDOffset, -1}, 1, []float32{-8, -8, -8}, ""},
		{"none before", []any{dicom.MaskOperation, "TID"}, 1, nil, ""},
		{"no such frame", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, []int64{9}}, 3, nil, "frame 9, and the image has 4"},
		{"no frames", []any{dicom.MaskOperation, "AVG_SUB"}, 3, nil, "without Mask Frame Numbers"},
		{"too many", []any{dicom.MaskOperation, "AVG_SUB", dicom.MaskFrameNumbers, make([]int64, 64)}, 3, nil, "64 frames"},
		{"unknown", []any{dicom.MaskOperation, "REV_TID"}, 3, nil, `"REV_TID"`},
	} {
		mask, err := readMask(dicomtest.Item(dicom.MaskSubtractionSequence, dicomtest.Item(test.item...)))
		var f *pixel.Frame
		a := Attributes{Rescale: &Rescale{2, -1}}
		if err == nil {
			f, a, err = mask.Subtract(a, test.frame, len(frames), decode)
		}
		switch {
		case err != nil:
			if test.err == "" || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v, want %q", test.name, err, test.err)
			}
		case test.err != "":
			t.Errorf("%s: no error", test.name)
		case test.want == nil:
			if !slices.Equal(f.U16, frames[test.frame-1]) || a.Rescale == nil {
				t.Errorf("%s: %v", test.name, f)
			}
		case !slices.Equal(f.F32, test.want) || a.Rescale != nil:
			t.Errorf("%s: %v, want %v", test.name, f.F32, test.want)
		}
	}
}

// A state of gray levels does not change the colors of a supplemental palette; one with a modality transformation for each image has that of the image.
func TestStatesOfPalettesAndVariableLUTs(t *testing.T) {
	const variable dicom.UID = "1.2.840.10008.5.1.4.1.1.11.12"
	f := monochrome[uint16](16, 0, 50, 100, 101)
	a := Attributes{Palette: &Palette{First: 100, Colors: [][3]uint8{{1, 2, 3}, {4, 5, 6}}}}
	one := dicomtest.Image{Rows: 1, Columns: 4}.Instance()
	rescale := func(instance, slope string) *dicom.DataSet {
		return dicomtest.Item(dicom.RescaleSlope, slope, dicom.RescaleIntercept, "0",
			dicom.ReferencedImageSequence, dicomtest.Item(dicom.ReferencedSOPInstanceUID, instance))
	}
	state := dicomtest.State{Class: variable, Images: []dicomtest.Instance{one}, With: append(windowed("50", "100", dicom.VOILUTFunction, "LINEAR_EXACT"),
		dicom.VariableModalityLUTSequence, []*dicom.DataSet{rescale("1.2.3", "7"), rescale(one.DataSet.String(dicom.SOPInstanceUID), "0.4")})}
	a, err := a.Present(state.Instance().DataSet, uid(one.DataSet, dicom.SOPInstanceUID), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Render(f, a, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// 50 becomes 20, a fifth of white; 100 and 101 are colors.
	want := []uint8{0, 0, 0, 255, 51, 51, 51, 255, 1, 2, 3, 255, 4, 5, 6, 255}
	if got := Colored(img).Pix; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
