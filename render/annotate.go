package render

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/render/lettering"
)

// Annotation is the text that is burned into a picture (PS3.18 8.3.5.1.1): Patient from its top, Technique up from its bottom.
type Annotation struct{ Patient, Technique []string }

// Annotate collects the texts of a frame: patient name, ID, birth date and sex; study date and description, modality, series, image and
// frame number, position and technique. Attributes that are absent have no text.
func Annotate(ds *dicom.DataSet, frame int, patient, technique bool) Annotation {
	var a Annotation
	value := func(prefix string, t dicom.Tag, suffix string) string { return labeled(prefix, ds.String(t), suffix) }
	if patient {
		a.Patient = lines(legibleName(ds.String(dicom.PatientName)),
			value("ID ", dicom.PatientID, ""),
			joined(isoDate(ds.String(dicom.PatientBirthDate)), value("", dicom.PatientSex, "")))
	}
	if technique {
		image := value("Im ", dicom.InstanceNumber, "")
		if len(ds.Items(dicom.PerFrameFunctionalGroupsSequence)) > 1 || frame > 1 {
			image = joined(image, "Fr "+strconv.Itoa(frame))
		}
		a.Technique = lines(joined(value("", dicom.Modality, ""), isoDate(ds.String(dicom.StudyDate))),
			value("", dicom.StudyDescription, ""), value("", dicom.SeriesDescription, ""), joined(value("Se ", dicom.SeriesNumber, ""), image),
			joined(position(ds, frame), labeled("Thk ", ofFrame(ds, frame, dicom.PixelMeasuresSequence, dicom.SliceThickness), " mm"), value("", dicom.KVP, " kV")))
	}
	return a
}

// legibleName is the first of the component groups of a name (alphabetic, ideographic, phonetic; PS3.5 6.2.1.1) that can be written, else the
// first that there is.
func legibleName(pn string) string {
	first := ""
	for _, group := range dicom.PersonNameGroups(pn) {
		name := strings.Join(strings.FieldsFunc(group, func(c rune) bool { return c == '^' || c == ' ' }), " ")
		if name != "" && lettering.Covers(name) {
			return name
		}
		first = cmp.Or(first, name)
	}
	return first
}

// position is where a frame lies: its Slice Location, else where its first pixel is in the patient.
func position(ds *dicom.DataSet, frame int) string {
	if location := labeled("Loc ", ds.String(dicom.SliceLocation), " mm"); location != "" {
		return location
	}
	for _, place := range macros(functionalGroups(ds, frame), dicom.PlanePositionSequence, ds) {
		if p := numbers(place, dicom.ImagePositionPatient); len(p) == 3 && finite(p[0]+p[1]+p[2]) {
			return fmt.Sprintf("Pos %.5g, %.5g, %.5g mm", p[0], p[1], p[2])
		}
	}
	return ""
}

// ofFrame is the text of an attribute of a macro, functional groups resolved.
func ofFrame(ds *dicom.DataSet, frame int, sequence, t dicom.Tag) string {
	for _, place := range macros(functionalGroups(ds, frame), sequence, ds) {
		if v := place.String(t); v != "" {
			return v
		}
	}
	return ""
}

// labeled puts a text between others, if there is any.
func labeled(prefix, text, suffix string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return prefix + text + suffix
}

// lines leaves empty lines out, joined joins what is not empty.
func lines(texts ...string) []string {
	var kept []string
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

func joined(texts ...string) string { return strings.Join(lines(texts...), "  ") }

// isoDate writes a DA with hyphens; what is no DA stays as it is.
func isoDate(da string) string {
	if da = strings.TrimSpace(da); len(da) == 8 {
		return da[:4] + "-" + da[4:6] + "-" + da[6:]
	}
	return da
}

// The height of the text is a share of the picture's shorter side, within bounds.
const (
	textShare    = 36
	smallestText = 7
	largestText  = 48
)

// Draw burns the annotation into the picture, white with a black edge, as small as it must be to fit the width. Characters that the
// fonts of lettering do not have are boxes, and a line says of which scripts they are.
func (a Annotation) Draw(img image.Image) error {
	dst, ok := img.(draw.Image)
	if !ok || len(a.Patient)+len(a.Technique) == 0 {
		return nil
	}
	patient, technique := lettering.Readable(a.Patient), lettering.Readable(a.Technique)
	bounds := dst.Bounds()
	size := min(max(float64(min(bounds.Dx(), bounds.Dy()))/textShare, 11), largestText)
	face, err := fitting(slices.Concat(patient, technique), size, bounds.Dx())
	if err != nil {
		return err
	}
	defer face.Close()
	height := face.Metrics().Height.Ceil()
	left, y := bounds.Min.X+height/3, bounds.Min.Y+height
	for i, text := range patient {
		burn(dst, face, text, left, y+i*height, color.White)
	}
	y = bounds.Max.Y - height/2 - (len(technique)-1)*height
	for i, text := range technique {
		burn(dst, face, text, left, y+i*height, color.White)
	}
	return nil
}

// fitting is the face of the size, or of a smaller one in which the longest of the arranged texts fits the width.
func fitting(texts []string, size float64, width int) (*lettering.Face, error) {
	for {
		face, err := lettering.NewFace(size, font.HintingFull)
		if err != nil || size <= smallestText {
			return face, err
		}
		longest := 0
		for _, t := range texts {
			longest = max(longest, face.Width(t))
		}
		if longest <= width*19/20 {
			return face, nil
		}
		face.Close()
		size = max(smallestText, size*0.9)
	}
}

// burn writes an arranged text with a black edge around it, so that it can be read on any ground.
func burn(dst draw.Image, face *lettering.Face, text string, x, y int, ink color.Color) {
	for _, p := range [][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		face.Draw(dst, image.Black, text, fixed.P(x+p[0], y+p[1]))
	}
	face.Draw(dst, image.NewUniform(ink), text, fixed.P(x, y))
}
