package render

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// presented renders a frame of a native image by a presentation state.
func presented(t *testing.T, in dicomtest.Instance, state *dicom.DataSet, frame int, o Options) (image.Image, error) {
	t.Helper()
	d, err := pixel.Describe(in.DataSet)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := in.DataSet.Get(dicom.PixelData)
	data := []byte(e.Value.(dicom.Bytes))
	size := len(data) / d.Frames
	f, err := codec.Decode(context.Background(), in.TransferSyntax, d, data[(frame-1)*size:][:size])
	if err != nil {
		t.Fatal(err)
	}
	a, err := Describe(in.DataSet, frame)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = a.Present(state, uid(in.DataSet, dicom.SOPInstanceUID), frame, nil); err != nil {
		return nil, err
	}
	return Render(f, a, o)
}

// curve16 is a table of entries that fall from the greatest value of so many bits, or rise to it, along a power.
func curve16(first, entries, bits int, power float64, falling bool) []any {
	table := make([]int64, entries)
	for i := range table {
		x := math.Pow(float64(i)/float64(entries-1), power)
		if falling {
			x = 1 - x
		}
		table[i] = int64(x * float64(int(1)<<bits-1))
	}
	return []any{dicom.LUTDescriptor, []int64{int64(entries), int64(first), int64(bits)}, dicom.LUTData, table}
}

func curveItem(first, entries, bits int, power float64, falling bool) *dicom.DataSet {
	return dicomtest.Item(curve16(first, entries, bits, power, falling)...)
}

func rescaled(slope, intercept string) []any {
	return []any{dicom.RescaleSlope, slope, dicom.RescaleIntercept, intercept, dicom.RescaleType, "US"}
}

func windowed(center, width string, more ...any) []any {
	return []any{dicom.SoftcopyVOILUTSequence, dicomtest.Item(append([]any{dicom.WindowCenter, center, dicom.WindowWidth, width}, more...)...)}
}

func all(parts ...[]any) []any {
	var pairs []any
	for _, p := range parts {
		pairs = append(pairs, p...)
	}
	return pairs
}

func turned(degrees int, flip string) []any {
	return []any{dicom.ImageRotation, degrees, dicom.ImageHorizontalFlip, flip}
}

// voiOf makes windows that are each for some frames of the image: frames, center and width in turn.
func voiOf(values ...string) []any {
	var items []*dicom.DataSet
	for i := 0; i < len(values); i += 3 {
		items = append(items, dicomtest.Item(dicom.WindowCenter, values[i+1], dicom.WindowWidth, values[i+2],
			dicom.ReferencedImageSequence, dicomtest.Item(dicom.ReferencedSOPClassUID, "1.2.840.10008.5.1.4.1.1.7",
				dicom.ReferencedSOPInstanceUID, dicomtest.Image{Frames: 3}.Instance().DataSet.String(dicom.SOPInstanceUID),
				dicom.ReferencedFrameNumber, values[i])))
	}
	return []any{dicom.SoftcopyVOILUTSequence, items}
}

// stateCases are states that dcmtk's dcmp2pgm renders too: it makes the gray levels
// of a state, turns and flips, but draws nothing over them, and shows the whole image.
func stateCases() []struct {
	name  string
	image dicomtest.Image
	with  []any
} {
	twelve := dicomtest.Image{Rows: 48, Columns: 64, BitsStored: 12}
	eight := dicomtest.Image{Rows: 32, Columns: 40, BitsAllocated: 8}
	ct := dicomtest.Image{Rows: 64, Columns: 64, Signed: true, BitsStored: 12}
	frames := dicomtest.Image{Rows: 48, Columns: 64, BitsStored: 12, Frames: 3}
	return []struct {
		name  string
		image dicomtest.Image
		with  []any
	}{
		{"nothing", twelve, nil},
		{"nothing, 8 bits", eight, nil},
		{"nothing, signed", ct, nil},
		{"nothing, MONOCHROME1", dicomtest.Image{Photometric: "MONOCHROME1", BitsStored: 12}, nil},
		{"the image's own window is not used", dicomtest.Image{BitsStored: 12, With: []any{dicom.WindowCenter, "100", dicom.WindowWidth, "20"}}, nil},
		{"inverse", twelve, []any{dicom.PresentationLUTShape, "INVERSE"}},
		{"inverse of MONOCHROME1", dicomtest.Image{Photometric: "MONOCHROME1", BitsStored: 12}, []any{dicom.PresentationLUTShape, "INVERSE"}},
		{"rescale", twelve, rescaled("2", "-1024")},
		{"window", twelve, windowed("1000", "800")},
		{"window of width 1", twelve, windowed("1500", "1")},
		{"rescale and window", ct, all(rescaled("1", "-1024"), windowed("-1000", "500"))},
		{"VOI LUT of 8 bits", eight, []any{dicom.SoftcopyVOILUTSequence, dicomtest.Item(dicom.VOILUTSequence, curveItem(0, 256, 8, 2, false))}},
		{"VOI LUT of 12 bits", twelve, []any{dicom.SoftcopyVOILUTSequence, dicomtest.Item(dicom.VOILUTSequence, curveItem(100, 2000, 12, 0.5, false))}},
		{"modality LUT", twelve, []any{dicom.ModalityLUTSequence, dicomtest.Item(append(curve16(0, 4096, 12, 1.5, true), dicom.ModalityLUTType, "OD")...)}},
		{"modality LUT and window", twelve, all([]any{dicom.ModalityLUTSequence,
			dicomtest.Item(append(curve16(0, 4096, 16, 1, true), dicom.ModalityLUTType, "OD")...)}, windowed("30000", "20000"))},
		{"presentation LUT of 1024 entries", twelve, append(windowed("1500", "3000"), dicom.PresentationLUTShape, "", dicom.PresentationLUTSequence, curveItem(0, 1024, 12, 1.2, true))},
		{"presentation LUT that brightens", twelve, append(windowed("1500", "3000"), dicom.PresentationLUTShape, "",
			dicom.PresentationLUTSequence, curveItem(0, 4096, 12, 0.7, false))},
		{"presentation LUT of 4096 entries", twelve, append(windowed("1500", "3000"), dicom.PresentationLUTShape, "",
			dicom.PresentationLUTSequence, curveItem(0, 4096, 12, 2.2, true))},
		{"rotation 90", twelve, turned(90, "N")},
		{"rotation 180", twelve, turned(180, "N")},
		{"rotation 270", twelve, turned(270, "N")},
		{"flip", twelve, turned(0, "Y")},
		{"rotation 90 and flip", twelve, turned(90, "Y")},
		{"rotation 270 and flip", twelve, turned(270, "Y")},
		{"window of other frames", frames, voiOf("1", "500", "200", "2\\3", "1500", "600")},
		{"window of another image", twelve, []any{dicom.SoftcopyVOILUTSequence, dicomtest.Item(dicom.WindowCenter, "100", dicom.WindowWidth, "20",
			dicom.ReferencedImageSequence, dicomtest.Item(dicom.ReferencedSOPClassUID, "1.2.840.10008.5.1.4.1.1.7", dicom.ReferencedSOPInstanceUID, "1.2.3"))}},
		{"all of it", ct, all(rescaled("2", "100"), windowed("0", "4000"), turned(90, "Y"), []any{dicom.PresentationLUTShape, "INVERSE"})},
	}
}

// TestStatesLikeDCMTK renders presentation states beside a second implementation, dcmp2pgm, whose gray levels are the same within 1.
func TestStatesLikeDCMTK(t *testing.T) {
	program, err := exec.LookPath("dcmp2pgm")
	if err != nil {
		t.Skip("dcmp2pgm, of Debian's dcmtk, is not installed")
	}
	for _, test := range stateCases() {
		t.Run(test.name, func(t *testing.T) {
			in := test.image.Instance()
			state := dicomtest.State{Images: []dicomtest.Instance{in}, With: test.with}
			for frame := 1; frame <= max(test.image.Frames, 1); frame++ {
				compareWithDCMTK(t, program, test.image, state, frame)
			}
		})
	}
}

func compareWithDCMTK(t *testing.T, program string, im dicomtest.Image, state dicomtest.State, frame int) {
	t.Helper()
	got, err := presented(t, im.Instance(), state.Instance().DataSet, frame, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := dcmp2pgm(t, program, im.File(), state.File(), frame)
	if got.Bounds() != want.Bounds() {
		t.Fatalf("a %T of %v, want gray levels of %v", got, got.Bounds(), want.Bounds())
	}
	if worst, mean, err := difference(got, want.Pix); err != nil || worst > 1 {
		t.Errorf("frame %d differs by up to %d levels, %.3f in the mean, %v", frame, worst, mean, err)
	}
}

// dcmp2pgm has the other implementation render the image by the state.
func dcmp2pgm(t *testing.T, program string, file, state []byte, frame int) *image.Gray {
	t.Helper()
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	for name, b := range map[string][]byte{"image": file, "state": state} {
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(program, "-f", strconv.Itoa(frame), "-p", path("state"), path("image"), path("pgm")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(path("pgm"))
	if err != nil {
		t.Fatal(err)
	}
	var columns, rows, most int
	if _, err := fmt.Fscanf(bytes.NewReader(b), "P5\n%d %d %d\n", &columns, &rows, &most); err != nil || most != 255 {
		t.Fatalf("%v in %.40q", err, b)
	}
	img := image.NewGray(image.Rect(0, 0, columns, rows))
	copy(img.Pix, b[len(b)-len(img.Pix):])
	return img
}
