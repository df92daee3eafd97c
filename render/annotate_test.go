package render

import (
	"image"
	"reflect"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
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
