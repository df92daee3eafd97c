package render

import (
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// lying sets where an image lies: position, orientation, spacing, thickness.
func lying(ds *dicom.DataSet, x, y, z string, spacing ...string) *dicom.DataSet {
	ds.SetStrings(dicom.FrameOfReferenceUID, dicom.UI, "1.2.3")
	ds.SetStrings(dicom.ImagePositionPatient, dicom.DS, x, y, z)
	ds.SetStrings(dicom.ImageOrientationPatient, dicom.DS, "1", "0", "0", "0", "1", "0")
	ds.SetStrings(dicom.PixelSpacing, dicom.DS, spacing[0], spacing[0])
	ds.SetStrings(dicom.SliceThickness, dicom.DS, "2")
	return ds
}

func imageAt(uid, z string) *dicom.DataSet {
	ds := lying(&dicom.DataSet{}, "0", "0", z, "1")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, uid)
	return ds
}

// segmented is a segmentation of one segment, number 1, of red.
func segmented(kind string) *dicom.DataSet {
	ds, segment := lying(&dicom.DataSet{}, "0", "0", "0", "1"), &dicom.DataSet{}
	ds.SetStrings(dicom.SegmentationType, dicom.CS, kind)
	segment.SetInts(dicom.SegmentNumber, dicom.US, 1)
	segment.SetInts(dicom.RecommendedDisplayCIELabValue, dicom.US, 35579, 53662, 50860) // sRGB 255,0,0: L* 54.29, a* 80.80, b* 69.89 (D50)
	ds.SetItems(dicom.SegmentSequence, segment)
	ds.SetInts(dicom.MaximumFractionalValue, dicom.US, 200)
	return ds
}

func samples(columns, rows int, values ...uint8) *pixel.Frame {
	return &pixel.Frame{Description: pixel.Description{Rows: rows, Columns: columns, Samples: 1, BitsAllocated: 8, BitsStored: 8}, U8: values}
}

// painted is a picture of gray 100 with the mark on it, as the red of its pixels.
func painted(columns, rows int, m Mark) (reds []uint8) {
	img := image.NewRGBA(image.Rect(0, 0, columns, rows))
	for i := range columns * rows {
		img.SetRGBA(i%columns, i/columns, color.RGBA{100, 100, 100, 255})
	}
	m.mark(img)
	for i := range columns * rows {
		reds = append(reds, img.Pix[4*i])
	}
	return reds
}

func TestMask(t *testing.T) {
	withSegment := func(ds *dicom.DataSet) *dicom.DataSet {
		group, id := &dicom.DataSet{}, &dicom.DataSet{}
		id.SetInts(dicom.ReferencedSegmentNumber, dicom.US, 1)
		group.SetItems(dicom.SegmentIdentificationSequence, id)
		ds.SetItems(dicom.SharedFunctionalGroupsSequence, group)
		return ds
	}
	img := imageAt("1.1", "0")
	// An edge covers the image; the middle of 3 x 3 is 100 * 0.6 + 255 * 0.4 = 162.
	const full, inner = 255, 162
	for name, test := range map[string]struct {
		ds   *dicom.DataSet
		f    *pixel.Frame
		want []uint8
	}{
		"binary": {withSegment(segmented("BINARY")), samples(3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1),
			[]uint8{full, full, full, full, inner, full, full, full, full}},
		// A quarter of the segment: 100 * 0.9 + 255 * 0.1 = 115.5.
		"fractional": {withSegment(segmented("FRACTIONAL")), samples(3, 1, 0, 50, 200), []uint8{100, 116, full}},
		"labels":     {segmented("LABELMAP"), samples(3, 1, 0, 1, 7), []uint8{100, full, 100}}, // there is no segment 7
		// Pixels of 2 mm, the first over the places -0.5 to 1.5: pixels 0 and 1 of the image, the second over 2 (PS3.3 C.7.6.2.1.1).
		"coarser": {lying(withSegment(segmented("BINARY")), "0.5", "0", "0", "2"), samples(2, 1, 0, 1), []uint8{100, 100, full}},
		"moved":   {lying(withSegment(segmented("BINARY")), "1", "0", "0", "1"), samples(3, 1, 1, 0, 0), []uint8{100, full, 100}},
	} {
		s, ok := ReadSegmentation(test.ds, 1)
		if !ok {
			t.Fatal(name)
		}
		rows := len(test.want) / 3
		if got := painted(3, rows, s.Mask(test.f, 1, img, 1, 3, rows)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if _, ok := ReadSegmentation(img, 1); ok {
		t.Error("an image is no segmentation")
	}
	// Without a place in the patient, the same size or not, a mask covers the image as a whole.
	s, _ := ReadSegmentation(withSegment(segmented("BINARY")), 1)
	if got := painted(4, 1, s.Mask(samples(2, 1, 0, 1), 1, &dicom.DataSet{}, 1, 4, 1)); !slices.Equal(got, []uint8{100, 100, full, full}) {
		t.Errorf("%v", got)
	}
}

// The frames that are derived from an image lie over it; where none is, those in its plane.
func TestOver(t *testing.T) {
	ds := segmented("BINARY")
	var groups []*dicom.DataSet
	for _, z := range []string{"0", "2", "4", "2.4"} {
		g, p := &dicom.DataSet{}, &dicom.DataSet{}
		p.SetStrings(dicom.ImagePositionPatient, dicom.DS, "0", "0", z)
		g.SetItems(dicom.PlanePositionSequence, p)
		groups = append(groups, g)
	}
	ds.SetItems(dicom.PerFrameFunctionalGroupsSequence, groups...)
	over := func(img *dicom.DataSet, frame int) []int {
		s, _ := ReadSegmentation(ds, 4)
		return s.Over(img, frame)
	}
	if got := over(imageAt("1.1", "2"), 1); !slices.Equal(got, []int{2, 4}) { // slices of 2 mm
		t.Errorf("in the plane: %v, want 2 and 4", got)
	}
	if got := over(imageAt("1.1", "50"), 1); got != nil {
		t.Errorf("far away: %v", got)
	}
	elsewhere := imageAt("1.1", "2")
	elsewhere.SetStrings(dicom.FrameOfReferenceUID, dicom.UI, "9.9")
	if got := over(elsewhere, 1); got != nil {
		t.Errorf("in another frame of reference: %v", got)
	}
	derivation, source := &dicom.DataSet{}, &dicom.DataSet{}
	source.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, "1.1")
	source.SetStrings(dicom.ReferencedFrameNumber, dicom.IS, "2")
	derivation.SetItems(dicom.SourceImageSequence, source)
	groups[2].SetItems(dicom.DerivationImageSequence, derivation)
	if got := over(imageAt("1.1", "2"), 2); !slices.Equal(got, []int{3}) {
		t.Errorf("derived from frame 2: %v, want 3", got)
	}
	if got := over(imageAt("1.1", "2"), 1); !slices.Equal(got, []int{2, 4}) {
		t.Errorf("not derived from frame 1: %v, want 2 and 4", got)
	}
}

// A contour that names the image lies on it, wherever; one that names none, where it lies.
func TestContours(t *testing.T) {
	structures := func(z, named, space string) *dicom.DataSet {
		ds, roi, contour, set := &dicom.DataSet{}, &dicom.DataSet{}, &dicom.DataSet{}, &dicom.DataSet{}
		contour.SetStrings(dicom.ContourGeometricType, dicom.CS, "CLOSED_PLANAR")
		contour.SetStrings(dicom.ContourData, dicom.DS, "2", "2", z, "8", "2", z, "8", "8", z, "2", "8", z)
		if named != "" {
			ref := &dicom.DataSet{}
			ref.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, named)
			contour.SetItems(dicom.ContourImageSequence, ref)
		}
		roi.SetStrings(dicom.ROIDisplayColor, dicom.IS, "255", "0", "0")
		roi.SetStrings(dicom.ReferencedROINumber, dicom.IS, "1")
		roi.SetItems(dicom.ContourSequence, contour)
		set.SetStrings(dicom.ROINumber, dicom.IS, "1")
		set.SetStrings(dicom.ReferencedFrameOfReferenceUID, dicom.UI, space)
		ds.SetItems(dicom.StructureSetROISequence, set)
		ds.SetItems(dicom.ROIContourSequence, roi)
		return ds
	}
	img := imageAt("1.1", "10")
	for name, test := range map[string]struct {
		ds *dicom.DataSet
		on bool
	}{
		"named": {structures("10", "1.1", "1.2.3"), true}, "another is named": {structures("10", "1.2", "1.2.3"), false},
		"in the plane": {structures("10.9", "", "1.2.3"), true}, "out of it": {structures("11.1", "", "1.2.3"), false},
		"elsewhere": {structures("10", "", "9.9"), false},
	} {
		m := Contours(test.ds, img, 1)
		if (m != nil) != test.on {
			t.Errorf("%s: %v", name, m)
			continue
		}
		if m == nil {
			continue
		}
		// The line goes through the middles of the pixels 2,2 to 8,8, all of its four sides, and is 1.25 wide.
		reds := painted(12, 12, m)
		for _, p := range []int{2*12 + 5, 8*12 + 5, 5*12 + 2, 5*12 + 8} {
			if reds[p] != 255 {
				t.Errorf("%s: pixel %d,%d is %d", name, p%12, p/12, reds[p])
			}
		}
		if reds[5*12+5] != 100 || reds[0] != 100 {
			t.Errorf("%s: there is color off the line", name)
		}
	}
	if images := ContouredImages(structures("1", "1.1", ""), 10); !slices.Equal(images, []dicom.UID{"1.1"}) {
		t.Errorf("%v", images)
	}
}
