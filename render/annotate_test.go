package render

import (
	"image"
	"reflect"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

func TestAnnotation(t *testing.T) {
	ds := build(text(dicom.PatientName, dicom.PN, "Weiß^Jörg=山田^太郎"), text(dicom.PatientID, dicom.LO, "42"),
		text(dicom.PatientBirthDate, dicom.DA, "19700131"), text(dicom.PatientSex, dicom.CS, "M"), text(dicom.Modality, dicom.CS, "CT"),
		text(dicom.StudyDate, dicom.DA, "20240229"), text(dicom.SeriesNumber, dicom.IS, "3"), text(dicom.InstanceNumber, dicom.IS, "7"))
	want := Annotation{Patient: []string{"Weiß Jörg", "ID 42", "1970-01-31  M"}, Technique: []string{"CT  2024-02-29", "Se 3  Im 7"}}
	if got := Annotate(ds, 1, true, true); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Annotate(ds, 1, false, true); got.Patient != nil {
		t.Errorf("%q", got)
	}
	for _, a := range []Annotation{want, {Patient: []string{"山田"}}} {
		for _, side := range []int{1, 20, 400} {
			img := image.NewGray(image.Rect(0, 0, side, side))
			if err := a.Draw(img); err != nil {
				t.Fatal(err)
			}
			white := 0
			for _, v := range img.Pix {
				if v > 200 {
					white++
				}
			}
			if side == 400 && white < 50 {
				t.Errorf("%q: %d white pixels", a, white)
			}
		}
	}
}

// The position is that of the frame: the Slice Location, else the place in the patient; the thickness is that of the functional groups.
func TestAnnotationOfFrame(t *testing.T) {
	place := func(z string) *dicom.DataSet {
		return dicomtest.Item(dicom.PlanePositionSequence, dicomtest.Item(dicom.ImagePositionPatient, `-10.5\20\`+z))
	}
	many := dicomtest.Item(dicom.StudyDescription, "Thorax", dicom.InstanceNumber, "1",
		dicom.SharedFunctionalGroupsSequence, dicomtest.Item(dicom.PixelMeasuresSequence, dicomtest.Item(dicom.SliceThickness, "2.5")),
		dicom.PerFrameFunctionalGroupsSequence, []*dicom.DataSet{place("1"), place("3.5")})
	for _, test := range []struct {
		ds   *dicom.DataSet
		want []string
	}{
		{many, []string{"Thorax", "Im 1  Fr 2", "Pos -10.5, 20, 3.5 mm  Thk 2.5 mm"}},
		{dicomtest.Item(dicom.SliceLocation, "7", dicom.ImagePositionPatient, `1\2\3`), []string{"Fr 2", "Loc 7 mm"}},
		{dicomtest.Item(dicom.ImagePositionPatient, `1\x\3`), []string{"Fr 2"}},
	} {
		if got := Annotate(test.ds, 2, false, true).Technique; !slices.Equal(got, test.want) {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
