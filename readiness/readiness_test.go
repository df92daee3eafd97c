package readiness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/readiness"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// examine stores the files and examines their study.
func examine(t *testing.T, o readiness.Options, files ...[]byte) *readiness.Report {
	t.Helper()
	st := store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{})
	var study dicom.UID
	for _, f := range files {
		receipt, err := st.Ingest(t.Context(), bytes.NewReader(f), "")
		if err != nil {
			t.Fatal(err)
		}
		study = receipt.Ref.Study
	}
	r, err := readiness.Of(t.Context(), st, study, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// slice is an image of a CT at a place along the body, with what is to be different.
func slice(n int, z float64, with ...any) dicomtest.Image {
	return dicomtest.Image{Number: n, Signed: true, With: append([]any{
		dicom.Modality, "CT", dicom.FrameOfReferenceUID, string(dicomtest.UID("frame")),
		dicom.ImagePositionPatient, []float64{0, 0, z}, dicom.ImageOrientationPatient, []float64{1, 0, 0, 0, 1, 0},
		dicom.PixelSpacing, []float64{0.5, 0.5},
	}, with...)}
}

// inItem is an item with one element.
func inItem(t dicom.Tag, value any) *dicom.DataSet {
	item := &dicom.DataSet{}
	switch v := value.(type) {
	case string:
		item.SetStrings(t, dicom.DS, v)
	case *dicom.DataSet:
		item.SetItems(t, v)
	}
	return item
}

// TestVolume: which series can be reconstructed, and why others cannot.
func TestVolume(t *testing.T) {
	at := func(places ...float64) (files [][]byte) {
		for i, z := range places {
			files = append(files, slice(i+1, z).File())
		}
		return files
	}
	without := func(tag dicom.Tag) []byte {
		in := slice(4, 6).Instance()
		in.DataSet.Delete(tag)
		b, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	even := at(0, 2, 4)
	for _, test := range []struct {
		name  string
		files [][]byte
		why   string
	}{
		{"even", even, ""},
		{"in any order", at(4, 0, 6, 2), ""},
		{"rounded", at(0, 2.001, 3.999), ""},
		{"a gap", at(0, 2, 4, 8, 10), "frames are missing"},
		{"twice", at(0, 2, 2, 4), "same place"},
		{"two", at(0, 2), "fewer than three"},
		{"no position", append(slices.Clone(even), without(dicom.ImagePositionPatient)), "1 of 4 frames have no position"},
		{"no spacing", append(slices.Clone(even), without(dicom.PixelSpacing)), "1 of 4"},
		{"localizer", append(slices.Clone(even), slice(4, 6, dicom.ImageOrientationPatient, []float64{0, 1, 0, 0, 0, -1}).File()), "several orientations"},
		{"other spacing", append(slices.Clone(even), slice(4, 6, dicom.PixelSpacing, []float64{1, 1}).File()), "several pixel spacings"},
		{"other frame", append(slices.Clone(even), slice(4, 6, dicom.FrameOfReferenceUID, "1.2.3").File()), "several frames of reference"},
		{"tilted", append(slices.Clone(even), slice(4, 6, dicom.ImagePositionPatient, []float64{0, 1, 6}).File()), "gantry"},
		{"no places", [][]byte{dicomtest.Image{}.File()}, "have no Image Position"},
	} {
		s := examine(t, readiness.Options{}, test.files...).Series[0]
		if s.MPR != (test.why == "") || !strings.Contains(s.NoMPR, test.why) {
			t.Errorf("%s: MPR %v, %q; want %q", test.name, s.MPR, s.NoMPR, test.why)
		}
	}
}

// TestFindings: each fault is found, named and weighed, and what is sound has none.
func TestFindings(t *testing.T) {
	for _, test := range []struct {
		name     string
		image    dicomtest.Image
		severity readiness.Severity
		kind     string
		says     string
	}{
		{"sound", slice(1, 0, dicom.WindowCenter, 0, dicom.WindowWidth, 40000), "", "", ""},
		{"window elsewhere", slice(1, 0, dicom.WindowCenter, 1e6, dicom.WindowWidth, 10), readiness.Hidden, readiness.Window, "all is black"},
		{"no window", slice(1, 0, dicom.WindowCenter, 40, dicom.WindowWidth, 0), readiness.Limited, readiness.Window, "are no window"},
		{"rescaled elsewhere", slice(1, 0, dicom.WindowCenter, 0, dicom.WindowWidth, 100, dicom.RescaleSlope, 1, dicom.RescaleIntercept, 1e6),
			readiness.Hidden, readiness.Window, "all is black"},
		{"frames missing", slice(1, 0, dicom.NumberOfFrames, 5), readiness.Hidden, readiness.Frames, "is 5, there are 1"},
		{"no bits", slice(1, 0, dicom.BitsStored, 33), readiness.Hidden, readiness.Description, "Bits Stored (0028,0101)"},
		{"no frame of reference", slice(1, 0, dicom.FrameOfReferenceUID, ""), readiness.Limited, readiness.Missing, "FrameOfReferenceUID"},
		{"no spacing", slice(1, 0, dicom.PixelSpacing, ""), readiness.Limited, readiness.Missing, "lengths cannot be measured"},
		{"characters", slice(1, 0, dicom.StudyDescription, "caf\uFFFD"), readiness.Limited, readiness.CharacterSets, "StudyDescription"},
		{"slope", slice(1, 0, dicom.RescaleSlope, 0, dicom.RescaleIntercept, -1024), readiness.Hidden, readiness.Window, "Rescale Slope (0028,1053) is 0"},
		{"high bit", slice(1, 0, dicom.BitsStored, 12, dicom.HighBit, 15), readiness.Limited, readiness.Description, "High Bit (0028,0102) is 15"},
		{"negative width", slice(1, 0, dicom.WindowCenter, 40, dicom.WindowWidth, -5), readiness.Limited, readiness.Window, "are no window"},
		{"negative spacing", slice(1, 0, dicom.PixelSpacing, []float64{0, -1}), readiness.Limited, readiness.Description, "not two numbers above 0"},
		{"no palette", slice(1, 0, dicom.PhotometricInterpretation, "PALETTE COLOR"), readiness.Hidden, readiness.Missing, "RedPaletteColor"},
		{"no such colors", slice(1, 0, dicom.PhotometricInterpretation, "MONOCHROME3"), readiness.Limited, readiness.Photometric, "is none"},
		{"planes of colors", dicomtest.Image{BitsAllocated: 8, Samples: 3, Photometric: "RGB", With: []any{dicom.PlanarConfiguration, ""}}, readiness.Limited, readiness.Missing, "PlanarConfiguration"},
		{"slope that is none", slice(1, 0, dicom.RescaleSlope, "steep"), readiness.Hidden, readiness.Window, "RescaleSlope 00281053 is no number"},
		{"intercept of all frames that is none", slice(1, 0, dicom.SharedFunctionalGroupsSequence, inItem(dicom.PixelValueTransformationSequence,
			inItem(dicom.RescaleIntercept, "low"))), readiness.Hidden, readiness.Window, "RescaleIntercept 00281052 is no number"},
		{"no window at all", slice(1, 0), readiness.Limited, readiness.Window, "are absent: viewers take the range of the pixels"},
		{"fewer than no frames", slice(1, 0, dicom.NumberOfFrames, -3), readiness.Limited, readiness.Description, "is no number above 0: here it is taken for 1"},
		{"no high bit", slice(1, 0, dicom.HighBit, ""), readiness.Limited, readiness.Missing, "HighBit 00280102: viewers guess"},
		{"too large", slice(1, 0, dicom.Rows, 60000), readiness.Hidden, readiness.Frames, "The file was cut off"},
		{"segmentation", slice(1, 0, dicom.SOPClassUID, "1.2.840.10008.5.1.4.1.1.66.4"), readiness.Hidden, readiness.Missing, "SegmentSequence"},
	} {
		r := examine(t, readiness.Options{Deep: true}, test.image.File())
		if test.kind == "" {
			if !r.Ready || len(r.Findings) > 0 || r.Series[0].Decoded != 1 {
				t.Errorf("%s: %+v", test.name, r)
			}
			continue
		}
		i := slices.IndexFunc(r.Findings, func(f readiness.Finding) bool {
			return f.Kind == test.kind && f.Severity == test.severity && strings.Contains(f.Detail, test.says)
		})
		if i < 0 || test.severity == readiness.Hidden && r.Ready {
			t.Errorf("%s: ready %v, %+v", test.name, r.Ready, r.Findings)
		}
	}
}

// TestCharset: a term that nobody knows is named, in whatever way the file is written; one that is known is not.
func TestCharset(t *testing.T) {
	for _, syntax := range []dicom.UID{dicom.ExplicitVRLittleEndian, dicom.ImplicitVRLittleEndian, dicom.ExplicitVRBigEndian} {
		for term, unknown := range map[string]bool{"ISO_IR 999": true, "ISO_IR 100": false, "GB18030   ": false, "KLINGON   ": true, `\ISO_IR 87`: false} {
			im := slice(1, 0, dicom.WindowCenter, 0, dicom.WindowWidth, 40000)
			im.TransferSyntax = syntax
			file := bytes.Replace(im.File(), []byte("ISO_IR 192"), []byte(term), 1)
			r := examine(t, readiness.Options{}, file)
			found := slices.ContainsFunc(r.Findings, func(f readiness.Finding) bool { return f.Kind == readiness.CharacterSets })
			if found != unknown || !r.Ready {
				t.Errorf("%s, %q: %+v", syntax, term, r.Findings)
			}
		}
	}
}

// TestUndecodable: a frame that cannot be decoded is one finding, however many instances have it; a sample finds it at the ends.
func TestUndecodable(t *testing.T) {
	var files [][]byte
	for n := range 9 {
		files = append(files, slice(n+1, float64(n)).File())
	}
	tried := 0
	o := readiness.Options{Decode: func(ctx context.Context, in *store.Instance, ds *dicom.DataSet, n int) (*pixel.Frame, error) {
		tried++
		return nil, fmt.Errorf("cut: %w", errors.ErrUnsupported)
	}}
	for deep, want := range map[bool]int{false: 3, true: 9} {
		tried, o.Deep = 0, deep
		r := examine(t, o, files...)
		if tried != want || r.Ready || len(r.Findings) != 1 || r.Findings[0].Instances != want || r.Findings[0].Frame != 1 || r.Series[0].Decoded != want {
			t.Errorf("deep %v: %d tried, %+v", deep, tried, r)
		}
	}
}

// TestPhotometric: a JPEG of YCbCr that is declared as RGB is named, one that is declared as what it is is not.
func TestPhotometric(t *testing.T) {
	picture := image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio444)
	for i := range picture.Y {
		picture.Y[i] = uint8(i)
	}
	var encoded bytes.Buffer
	if err := jpeg.Encode(&encoded, picture, nil); err != nil {
		t.Fatal(err)
	}
	for declared, found := range map[string]bool{"RGB": true, "YBR_FULL_422": false} {
		in := dicomtest.Image{TransferSyntax: dicom.JPEGBaseline8Bit, BitsAllocated: 8, Samples: 3, Photometric: declared}.Instance()
		in.Frames = [][]byte{encoded.Bytes()}
		file, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		r := examine(t, readiness.Options{}, file)
		got := slices.ContainsFunc(r.Findings, func(f readiness.Finding) bool { return f.Kind == readiness.Photometric })
		if got != found || !r.Ready || r.Series[0].Decoded != 1 {
			t.Errorf("%s: %+v", declared, r)
		}
	}
}

// TestNotForViewers: what is decoded here, but not by viewers.
func TestNotForViewers(t *testing.T) {
	called := func(syntax dicom.UID) []byte {
		var encoded bytes.Buffer
		if err := jpeg.Encode(&encoded, image.NewGray(image.Rect(0, 0, 16, 16)), nil); err != nil {
			t.Fatal(err)
		}
		in := dicomtest.Image{TransferSyntax: syntax, BitsAllocated: 8}.Instance()
		in.Frames = [][]byte{encoded.Bytes()}
		file, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, test := range []struct {
		name string
		file []byte
		kind string // "": nothing is found
		says string
	}{
		{"native in pairs", dicomtest.Image{BitsAllocated: 8, Samples: 3, Photometric: "YBR_FULL_422"}.File(), readiness.Photometric, "in pairs"},
		{"native", dicomtest.Image{BitsAllocated: 8, Samples: 3, Photometric: "YBR_FULL"}.File(), "", ""},
		{"progressive", called("1.2.840.10008.1.2.4.55"), readiness.Description, "is retired"},
		{"called JPEG 2000", called("1.2.840.10008.1.2.4.90"), readiness.Undecodable, "It is one of JPEG Baseline (Process 1) (1.2.840.10008.1.2.4.50)"},
		{"called JPEG-LS", called("1.2.840.10008.1.2.4.80"), readiness.Undecodable, "store it again with that as Transfer Syntax UID"},
	} {
		r := examine(t, readiness.Options{}, test.file)
		if r.Ready != (test.kind == "") || test.kind != "" && !slices.ContainsFunc(r.Findings, func(f readiness.Finding) bool {
			return f.Kind == test.kind && f.Severity == readiness.Hidden && strings.Contains(f.Detail, test.says)
		}) {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
}

func TestNotStored(t *testing.T) {
	st := store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{})
	if _, err := readiness.Of(t.Context(), st, "1.2", readiness.Options{}); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// TestDemo: the synthetic study set, which has one of most kinds, is ready.
func TestDemo(t *testing.T) {
	st := store.New(memstore.NewIndex(), memstore.NewBlobs(), store.Options{})
	studies := map[dicom.UID]bool{}
	for in := range dicomtest.Demo() {
		b, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := st.Ingest(t.Context(), bytes.NewReader(b), "")
		if err != nil {
			t.Fatal(err)
		}
		studies[receipt.Ref.Study] = true
	}
	volumes := 0
	for study := range studies {
		r, err := readiness.Of(t.Context(), st, study, readiness.Options{})
		if err != nil || !r.Ready {
			t.Errorf("%v: %+v", err, r)
		}
		for _, s := range r.Series {
			if s.MPR {
				volumes++
			}
		}
	}
	if volumes == 0 {
		t.Error("no volume among the demo studies")
	}
}
