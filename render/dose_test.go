package render

import (
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// dosed is a dose of hundredths of a gray in planes at 0, 4 and 2 mm, of pixels of 2 mm.
func dosed() *dicom.DataSet {
	ds := lying(&dicom.DataSet{}, "0", "0", "10", "2")
	ds.SetStrings(dicom.DoseUnits, dicom.CS, "GY")
	ds.SetStrings(dicom.DoseGridScaling, dicom.DS, "0.01")
	ds.SetStrings(dicom.GridFrameOffsetVector, dicom.DS, "0", "4", "2")
	return ds
}

// TestDoseBetween: the planes lie at 10, 14 and 12 mm, and the slice of an image reaches 1 mm.
func TestDoseBetween(t *testing.T) {
	absolute, upsideDown, below := dosed(), dosed(), dosed()
	absolute.SetStrings(dicom.GridFrameOffsetVector, dicom.DS, "10", "14", "12")
	upsideDown.SetStrings(dicom.ImageOrientationPatient, dicom.DS, "1", "0", "0", "0", "-1", "0")
	below.SetStrings(dicom.ImageOrientationPatient, dicom.DS, "1", "0", "0", "0", "-1", "0")
	below.SetStrings(dicom.GridFrameOffsetVector, dicom.DS, "10", "6", "8")
	for _, test := range []struct {
		name           string
		dose           *dicom.DataSet
		z              string
		before, behind int
		share          float64
	}{
		{"in a plane", dosed(), "12", 3, 3, 0},
		{"between", dosed(), "12.5", 3, 2, 0.25},
		{"just before", dosed(), "9.5", 1, 1, 0},
		{"before", dosed(), "8.5", 0, 0, 0},
		{"just behind", dosed(), "15", 2, 2, 0},
		{"behind", dosed(), "15.5", 0, 0, 0},
		{"places of planes", absolute, "12.5", 3, 2, 0.25},
		{"downwards", upsideDown, "7.5", 3, 2, 0.25},
		{"places downwards", below, "7.5", 3, 2, 0.25},
	} {
		d, err := ReadDose(test.dose, 3)
		if err != nil {
			t.Fatal(err)
		}
		before, behind, share, err := d.Between(imageAt("1", test.z), 1)
		if err != nil || before != test.before || behind != test.behind || share != test.share {
			t.Errorf("%s: %d, %d, %g, %v; want %d, %d, %g", test.name, before, behind, share, err, test.before, test.behind, test.share)
		}
	}
	d, _ := ReadDose(dosed(), 3)
	elsewhere, oblique := imageAt("1", "12"), imageAt("1", "12")
	elsewhere.SetStrings(dicom.FrameOfReferenceUID, dicom.UI, "1.2.4")
	oblique.SetStrings(dicom.ImageOrientationPatient, dicom.DS, "1", "0", "0", "0", "0.995", "0.1")
	unreadable := imageAt("1", "x")
	for name, img := range map[string]*dicom.DataSet{"elsewhere": elsewhere, "oblique": oblique, "unreadable": unreadable, "nowhere": {}} {
		if _, _, _, err := d.Between(img, 1); err == nil {
			t.Errorf("an image %s has a dose", name)
		}
	}
	spaceless, under := dosed(), imageAt("1", "12")
	for _, ds := range []*dicom.DataSet{spaceless, under} {
		ds.Delete(dicom.FrameOfReferenceUID)
	}
	if d, err := ReadDose(spaceless, 3); err != nil {
		t.Error(err)
	} else if _, _, _, err := d.Between(under, 1); err == nil {
		t.Error("neither names a Frame of Reference, and they lie in one")
	}
}

func TestReadDose(t *testing.T) {
	for name, change := range map[string]func(*dicom.DataSet){
		"no scaling":       func(ds *dicom.DataSet) { ds.Delete(dicom.DoseGridScaling) },
		"an unread place":  func(ds *dicom.DataSet) { ds.SetStrings(dicom.ImagePositionPatient, dicom.DS, "0", "x", "0") },
		"no place":         func(ds *dicom.DataSet) { ds.Delete(dicom.ImagePositionPatient) },
		"two offsets":      func(ds *dicom.DataSet) { ds.SetStrings(dicom.GridFrameOffsetVector, dicom.DS, "0", "1") },
		"an offset of NaN": func(ds *dicom.DataSet) { ds.SetStrings(dicom.GridFrameOffsetVector, dicom.DS, "0", "1", "x") },
	} {
		ds := dosed()
		change(ds)
		if _, err := ReadDose(ds, 3); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := ReadDose(dosed(), 0); err == nil {
		t.Error("a dose of no frame is read")
	}
}

// TestWash: of pixels of 1 mm over those of 2 mm, between frames of 1000 and 2000 hundredths, a quarter of the way, lie 12.5 Gy. Of a range
// from 10 to 20 Gy that is the color after the first quarter, cyan, which covers 0.4 of a gray of 100: no red but the rest of it, 60.
func TestWash(t *testing.T) {
	d, err := ReadDose(dosed(), 3)
	if err != nil {
		t.Fatal(err)
	}
	of := func(values ...uint16) *pixel.Frame {
		return &pixel.Frame{Description: pixel.Description{Rows: 1, Columns: 2, Samples: 1, BitsAllocated: 16, BitsStored: 16}, U16: values}
	}
	shown := Range{Low: 10, High: 20}
	for _, test := range []struct {
		name           string
		before, behind *pixel.Frame
		reds           []uint8
	}{
		{"a quarter", of(1000, 1000), of(2000, 2000), []uint8{60, 60, 60, 100}},         // the fourth pixel lies beside the grid
		{"below", of(900, 900), of(900, 900), []uint8{100, 100, 100, 100}},              // less than the range
		{"above", of(5000, 5000), of(5000, 5000), []uint8{162, 162, 162, 100}},          // red: 60 + 0.4 * 255
		{"across", of(1500, 2000), of(1500, 2000), []uint8{60, 162, 162, 100}},          // 15 Gy is green; 17.5 yellow; 20 red
		{"within a color", of(1125, 1125), of(1125, 1125), []uint8{60, 60, 60, 100}},    // half way from blue to cyan
		{"between colors", of(1625, 1625), of(1625, 1625), []uint8{111, 111, 111, 100}}, // half way from green to yellow: 60 + 0.4 * 127.5
	} {
		m, err := d.Wash(test.before, test.behind, 0.25, imageAt("1", "12.5"), 1, shown)
		if err != nil {
			t.Fatal(err)
		}
		if got := painted(4, 1, m); string(got) != string(test.reds) {
			t.Errorf("%s: %v, want %v", test.name, got, test.reds)
		}
		if texts := Legends([]Mark{m}); len(texts) != 1 || texts[0] != "Dose 10 to 20  Gy" {
			t.Errorf("%q", texts)
		}
	}
	if got := d.Highest(of(7, 300)); got != 3 {
		t.Errorf("the highest of 3 Gy is %g", got)
	}
}
