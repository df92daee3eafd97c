package render

import (
	"math/rand/v2"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// What a survey finds in several frames is what it finds in one that has all their pixels.
func TestSurvey(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		most := []int{1, 5, 300, 60000}[random.IntN(4)]
		a := Attributes{Rescale: &Rescale{-2, 10}}
		if random.IntN(2) == 0 {
			a.Padding = &Range{0, float64(random.IntN(most + 1))}
		}
		several := Survey{Frames: 4}
		var whole []uint16
		for range 4 {
			samples := make([]uint16, 1+random.IntN(400))
			for i := range samples {
				samples[i] = uint16(random.IntN(most))
			}
			several.Add(monochrome(16, samples...), a)
			whole = append(whole, samples...)
		}
		var one Survey
		one.Add(monochrome(16, whole...), a)
		if got, want := several.Range(), one.Range(); *got != *want {
			t.Fatalf("%v, want %v", *got, *want)
		}
	}
}

// Frames of nothing but padding do not count beside others, nor does what is no number; alone they are all there is to see.
func TestSurveyPadding(t *testing.T) {
	a := Attributes{Padding: &Range{500, 600}}
	var s Survey
	if s.Range() != nil {
		t.Error("a range of nothing")
	}
	s.Add(monochrome[uint16](16, 500, 600), a)
	if r := s.Range(); r == nil || *r != (Range{500, 600}) {
		t.Errorf("of padding: %v", r)
	}
	s.Add(monochrome[uint16](16, 10, 20, 550), a)
	if r := s.Range(); *r != (Range{10, 20}) {
		t.Errorf("beside padding: %v", r)
	}
}

// The range of several frames replaces that of the frame; where it is of one value, a frame of others is not made one gray.
func TestRenderAutomaticRange(t *testing.T) {
	f := monochrome[uint16](16, 0, 100, 200)
	for _, test := range []struct {
		of   *Range
		want [3]int
	}{
		{nil, [3]int{0, 128, 255}},
		{&Range{0, 400}, [3]int{0, 64, 128}}, // 100/400*255 = 63.75, 200/400*255 = 127.5
		{&Range{100, 101}, [3]int{0, 0, 255}},
		{&Range{7, 7}, [3]int{0, 128, 255}},
	} {
		img, err := Render(f, Attributes{}, Options{Automatic: test.of})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range test.want {
			if got, _, _, _ := img.At(i, 0).RGBA(); int(got>>8) != want {
				t.Errorf("%v: pixel %d is %d, want %d", test.of, i, got>>8, want)
			}
		}
	}
}

func TestWindowless(t *testing.T) {
	set := func(ds *dicom.DataSet, center, width string) *dicom.DataSet {
		ds.SetStrings(dicom.WindowCenter, dicom.DS, center)
		ds.SetStrings(dicom.WindowWidth, dicom.DS, width)
		return ds
	}
	image := func(photometric string, bits int64) *dicom.DataSet {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, photometric)
		ds.SetInts(dicom.BitsAllocated, dicom.US, bits)
		return ds
	}
	second, group, none, table, item := image("MONOCHROME2", 16), &dicom.DataSet{}, &dicom.DataSet{}, image("MONOCHROME2", 16), &dicom.DataSet{}
	group.SetItems(dicom.FrameVOILUTSequence, set(&dicom.DataSet{}, "1", "2"))
	second.SetItems(dicom.PerFrameFunctionalGroupsSequence, none, group)
	item.SetInts(dicom.LUTDescriptor, dicom.US, 1, 0, 8)
	table.SetItems(dicom.VOILUTSequence, item)
	for _, test := range []struct {
		name  string
		ds    *dicom.DataSet
		frame int
		want  bool
	}{
		{"nothing", image("MONOCHROME2", 16), 1, true},
		{"inverse", image("MONOCHROME1", 8), 1, true},
		{"window", set(image("MONOCHROME2", 16), "1", "2"), 1, false},
		{"unusable window", set(image("MONOCHROME2", 16), "1", "0"), 1, true},
		{"table", table, 1, false},
		{"first frame without", second, 1, true},
		{"second frame with", second, 2, false},
		{"bits", image("MONOCHROME2", 1), 1, false},
		{"color", image("RGB", 8), 1, false},
		{"palette", image("PALETTE COLOR", 8), 1, false},
	} {
		if got := Windowless(test.ds, test.frame); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
