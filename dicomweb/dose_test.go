package dicomweb

import (
	"fmt"
	"image"
	"net/http"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/internal/golden"
	"github.com/noctis-dicom/noctis/render"
)

// chestDose is a dose over the chest: three planes of a coarse grid, downwards from its slice 11, that rise from left to right and from top to bottom.
func chestDose(with ...any) dicomtest.Instance {
	slice := chest()[10].DataSet
	position := slice.Strings(dicom.ImagePositionPatient)
	in := dicomtest.Image{Name: "dose", Rows: 40, Columns: 40, Frames: 3, BitsAllocated: 16, BitsStored: 16, With: append([]any{
		dicom.SOPClassUID, render.DoseClass, dicom.Modality, "RTDOSE", dicom.StudyInstanceUID, slice.Ref().Study,
		dicom.FrameOfReferenceUID, slice.String(dicom.FrameOfReferenceUID),
		dicom.ImagePositionPatient, position[0] + `\` + position[1] + `\` + position[2], dicom.ImageOrientationPatient, `1\0\0\0\1\0`,
		dicom.PixelSpacing, `5\5`, dicom.DoseUnits, "GY", dicom.DoseGridScaling, "0.001", dicom.GridFrameOffsetVector, `0\-5\-10`}, with...)}.Instance()
	in.DataSet.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(slopes(40, 3))})
	return in
}

// slopes are frames of 0 to 60000 in 16 bits.
func slopes(side, frames int) []byte {
	var b []byte
	for range frames {
		for i := range side * side {
			v := 60000 * (i%side + i/side) / (2*side - 2)
			b = append(b, byte(v), byte(v>>8))
		}
	}
	return b
}

// A dose lies over the images of its Frame of Reference, in a range that is its own or that is asked for.
func TestDose(t *testing.T) {
	a := newArchive(t, append(chestFiles()[:3:3], fileOf(t, chestDose()))...)
	slice, dose := a.refs[1], "&dose="+string(a.refs[3].Instance)
	show := func(query string) image.Image {
		t.Helper()
		return pictureIn(t, a.get(slice, "/rendered?window=40,400,linear&viewport=256,256"+query, "image/png"))
	}
	golden.Picture(t, "dose.png", show(dose+"&annotation=technique"))
	if all, part := colored(show(dose)), colored(show(dose+"&doserange=30,50")); part == 0 || all <= part {
		t.Errorf("%d pixels are colored, and %d from 30 Gy on", all, part)
	}
	if w := a.request("GET", uriOf(slice, "&contentType=image/png&doserange=1,2"+dose), "Accept", "*/*"); colored(pictureIn(t, w)) == 0 {
		t.Error("the URI service shows no dose")
	}
	one, other := a.get(slice, "/rendered?doserange=1,2"+dose, "image/png"), a.get(slice, "/rendered?doserange=1,3"+dose, "image/png")
	if one.Header().Get("ETag") == other.Header().Get("ETag") {
		t.Error("another range has the same entity tag")
	}
	for query, status := range map[string]int{
		"dose=" + string(slice.Instance): 400, "dose=1.2.3": 404, "doserange=5": 400, "doserange=5,5": 400, "doserange=-1,5": 400, "doserange=a,b": 400,
	} {
		checkStatus(t, a.get(slice, "/rendered?"+query, "image/png"), status)
	}
}

// A dose that cannot lie over the image says why.
func TestDoseElsewhere(t *testing.T) {
	for name, with := range map[string][]any{
		"same Frame of Reference": {dicom.FrameOfReferenceUID, dicom.UID("1.2.3")}, "Dose Grid Scaling": {dicom.DoseGridScaling, ""}, "2 values for 3 frames": {dicom.GridFrameOffsetVector, `0\1`},
	} {
		a := newArchive(t, chestFiles()[1], fileOf(t, chestDose(with...)))
		checkStatus(t, a.get(a.refs[0], fmt.Sprintf("/rendered?dose=%s", a.refs[1].Instance), ""), http.StatusNotAcceptable, name, string(a.refs[1].Instance))
	}
}
