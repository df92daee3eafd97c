package dicomweb

import (
	"bytes"
	"fmt"
	"image"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// fused are n slices of 16 x 16 pixels, 10 mm apart, and as many of 8 x 8 over the same place; 4 mm thick.
func fused(n int) (under, over []dicomtest.Instance) {
	for i := range n {
		place := func(spacing, corner string) []any {
			return []any{dicom.ImagePositionPatient, fmt.Sprintf(`%s\%s\%d`, corner, corner, 10*i), dicom.ImageOrientationPatient, `1\0\0\0\1\0`,
				dicom.PixelSpacing, spacing + `\` + spacing, dicom.SliceThickness, "4", dicom.FrameOfReferenceUID, "1.2.3"}
		}
		under = append(under, dicomtest.Image{Study: "fused", Series: "under", Number: i + 1, Rows: 16, Columns: 16, BitsAllocated: 8, With: place("1", "0")}.Instance())
		over = append(over, dicomtest.Image{Study: "fused", Series: "over", Number: i + 1, Rows: 8, Columns: 8, BitsAllocated: 8, With: place("2", "0.5")}.Instance())
	}
	return under, over
}

func TestRenderedBlending(t *testing.T) {
	under, over := fused(3)
	state := dicomtest.State{Class: dicomtest.BlendingState, Images: under, With: dicomtest.Blended(under, over[:2])}
	a := newArchive(t, append(filesOf(t, append(under, over...)...), state.File())...)
	ref := a.refs[6]
	parts := partsOf(t, a.get(ref, "/rendered", `multipart/related; type="image/png"`))
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, p := range parts {
		if want := string(a.refs[i].Instance) + "/frames/1"; !strings.HasSuffix(p.location, want) {
			t.Errorf("part %d is %s, want %s", i+1, p.location, want)
		}
		// Green is half of what lies below where something lies over it, and all of it in the slice that nothing lies over.
		below := pictureIn(t, a.get(a.refs[i], "/rendered?window=127.5,255,linear-exact", "image/png")).(*image.Gray)
		img := pictureOf(t, p.contentType, p.body)
		for at, gray := range below.Pix {
			_, green, _, _ := img.At(at%16, at/16).RGBA()
			want := gray
			if i < 2 {
				want = uint8(float64(gray)/2 + 0.5)
			}
			if uint8(green>>8) != want {
				t.Fatalf("part %d, pixel %d: green %d, want %d", i+1, at, green>>8, want)
			}
		}
	}
	single := a.get(ref, "/rendered", "image/png")
	checkStatus(t, a.get(ref, "/rendered", "image/png", "If-None-Match", single.Header().Get("ETag")), 304)
	named := "&contentType=image/png&presentationUID=" + string(ref.Instance) + "&presentationSeriesUID=" + string(ref.Series)
	if img := pictureIn(t, a.request("GET", wado(a.refs[0], named))); img.Bounds() != image.Rect(0, 0, 16, 16) {
		t.Errorf("WADO-URI: %v", img.Bounds())
	}
}

func TestBlendingIncomplete(t *testing.T) {
	under, over := fused(2)
	state := dicomtest.State{Class: dicomtest.BlendingState, Images: under, With: dicomtest.Blended(under, over)}
	a := newArchive(t, append(filesOf(t, under[0], under[1], over[0]), state.File())...)
	w := a.get(a.refs[3], "/rendered", "multipart/related")
	if w.Code != http.StatusPartialContent || !strings.Contains(w.Header().Get("Warning"), "1 of the referenced images") {
		t.Errorf("%d, %q", w.Code, w.Header().Get("Warning"))
	}
	before := w.Header().Get("ETag")
	if _, err := a.server.store.Ingest(t.Context(), bytes.NewReader(filesOf(t, over[1])[0]), ""); err != nil {
		t.Fatal(err)
	}
	if w = a.get(a.refs[3], "/rendered", "multipart/related"); w.Code != 200 || w.Header().Get("ETag") == before {
		t.Errorf("with all of them: %d, the entity tag is the same: %v", w.Code, w.Header().Get("ETag") == before)
	}
	a = newArchive(t, append(filesOf(t, under...), state.File())...)
	checkStatus(t, a.get(a.refs[2], "/rendered", ""), 404, "superimposes")

	for i := range over {
		over[i].DataSet.SetStrings(dicom.FrameOfReferenceUID, dicom.UI, "9.9")
	}
	a = newArchive(t, append(filesOf(t, append(under, over...)...), state.File())...)
	checkStatus(t, a.get(a.refs[4], "/rendered", "image/png"), 406, "Frame of Reference")
	state.With = append(state.With, dicom.RelativeOpacity, []float64{2})
	a = newArchive(t, append(filesOf(t, append(under, over...)...), state.File())...)
	checkStatus(t, a.get(a.refs[4], "/rendered", "image/png"), 406, "Relative Opacity")
}

// A state may lay images of another study over its own: who may not see these gets none, and the audit names both.
func TestBlendingOfAnotherStudy(t *testing.T) {
	under, over := fused(1)
	elsewhere := over[0].DataSet
	elsewhere.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2.826.0.1.77")
	elsewhere.SetStrings(dicom.PatientID, dicom.LO, "ANOTHER")
	state := dicomtest.State{Class: dicomtest.BlendingState, Images: under, With: dicomtest.Blended(under, over)}
	read := access.RolesOf(access.Read, access.Store)
	patient := under[0].DataSet.String(dicom.PatientID)
	a := newAudited(t, 0, byName{"all": {Name: "all", Kind: access.Key, Roles: read},
		"one": {Name: "one", Kind: access.Key, Roles: read, Scope: access.Scope{Patients: []string{patient}}}})
	for _, file := range append(filesOf(t, under[0], over[0]), state.File()) {
		if w := a.ask("POST", BasePath+"/studies", "all", file); w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
	}
	a.events()
	path := BasePath + state.Instance().DataSet.Ref().Path() + "/rendered"
	if w := a.ask("GET", path, "all", nil); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	var patients []string
	for _, e := range a.events() {
		patients = append(patients, e.Patient)
	}
	slices.Sort(patients)
	if want := []string{"ANOTHER", patient}; !slices.Equal(patients, want) {
		t.Errorf("the audit names %q, want %q", patients, want)
	}
	if w := a.ask("GET", path, "one", nil); w.Code != 404 { // although the picture is in the cache
		t.Errorf("who may not see the other study: %d", w.Code)
	}
}
