package render

import (
	"cmp"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// Place is where a frame lies among others.
type Place struct {
	dimensions, position, orientation []float64
}

// PlaceOf reads the place of a frame: Dimension Index Values, and Image Position (Patient) or Image Position (Volume).
func PlaceOf(ds *dicom.DataSet, frame int) Place {
	groups := functionalGroups(ds, frame)
	var p Place
	for _, place := range macros(groups, dicom.FrameContentSequence, ds) {
		p.dimensions = firstOf(p.dimensions, numbers(place, dicom.DimensionIndexValues))
	}
	for _, m := range []struct{ sequence, position dicom.Tag }{
		{dicom.PlanePositionSequence, dicom.ImagePositionPatient}, {dicom.PlanePositionVolumeSequence, dicom.ImagePositionVolume},
	} {
		for _, place := range macros(groups, m.sequence, ds) {
			p.position = firstOf(p.position, numbers(place, m.position))
		}
	}
	for _, place := range macros(groups, dicom.PlaneOrientationSequence, ds) {
		p.orientation = firstOf(p.orientation, numbers(place, dicom.ImageOrientationPatient))
	}
	return p
}

func firstOf(a, b []float64) []float64 {
	if len(a) > 0 {
		return a
	}
	return b
}

// Arrange returns the indexes of frames in the order of PS3.18 8.3.5.1.6: by dimensions, then by position, then as they come. What
// not all of them have decides nothing. Positions count along the normal of the first image, upwards in the patient where the
// images do not say how they lie.
func Arrange(places []Place) []int {
	order := make([]int, len(places))
	dimensions, positions := true, true
	for i, p := range places {
		order[i] = i
		dimensions = dimensions && len(p.dimensions) > 0
		positions = positions && len(p.position) == 3
	}
	if len(places) == 0 {
		return order
	}
	normal := [3]float64{0, 0, 1}
	if o := places[0].orientation; len(o) == 6 {
		normal = [3]float64{o[1]*o[5] - o[2]*o[4], o[2]*o[3] - o[0]*o[5], o[0]*o[4] - o[1]*o[3]}
	}
	along := func(p Place) float64 {
		return p.position[0]*normal[0] + p.position[1]*normal[1] + p.position[2]*normal[2]
	}
	slices.SortStableFunc(order, func(i, j int) int {
		c := 0
		if dimensions {
			c = slices.Compare(places[i].dimensions, places[j].dimensions)
		}
		if c == 0 && positions {
			c = cmp.Compare(along(places[i]), along(places[j]))
		}
		return c
	})
	return order
}
