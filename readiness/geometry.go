package readiness

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// plane is where a frame lies (PS3.3 C.7.6.2).
type plane struct {
	position      [3]float64
	row, column   [3]float64 // directions
	spacing       [2]float64
	rows, columns int
	frame         string // of reference
}

// addPlanes notes where the frames of an instance lie; those that do not say are not among them.
func (x *examination) addPlanes(ds *dicom.DataSet, d pixel.Description) {
	frame := strings.Clone(ds.String(dicom.FrameOfReferenceUID)) // and no more of the data set
	for n := 1; n <= d.Frames; n++ {
		position := located(ds, n, dicom.PlanePositionSequence, dicom.ImagePositionPatient)
		orientation := located(ds, n, dicom.PlaneOrientationSequence, dicom.ImageOrientationPatient)
		spacing := located(ds, n, dicom.PixelMeasuresSequence, dicom.PixelSpacing)
		if len(position) != 3 || len(orientation) != 6 || len(spacing) != 2 {
			if n == 1 && d.Frames > 1 && len(ds.Items(dicom.PerFrameFunctionalGroupsSequence)) == 0 {
				return // a cine: none of its frames says
			}
			continue
		}
		x.planes = append(x.planes, plane{[3]float64(position), [3]float64(orientation[:3]), [3]float64(orientation[3:]),
			[2]float64(spacing), d.Rows, d.Columns, frame})
	}
}

// located are the numbers of an attribute of a frame: in its functional groups (PS3.3 C.7.6.16), or in the data set.
func located(ds *dicom.DataSet, frame int, macro, t dicom.Tag) []float64 {
	var groups []*dicom.DataSet
	if own := ds.Items(dicom.PerFrameFunctionalGroupsSequence); frame <= len(own) {
		groups = append(groups, own[frame-1])
	}
	groups = append(groups, ds.Items(dicom.SharedFunctionalGroupsSequence)...)
	for _, g := range groups {
		for _, item := range g.Items(macro) {
			if n := numbers(item, t); n != nil {
				return n
			}
		}
	}
	return numbers(ds, t)
}

// spacingOf is the distance of pixels, in the patient or at the detector; nil if it is not known.
func spacingOf(ds *dicom.DataSet, frame int) []float64 {
	if s := located(ds, frame, dicom.PixelMeasuresSequence, dicom.PixelSpacing); s != nil {
		return s
	}
	return numbers(ds, dicom.ImagerPixelSpacing)
}

// numbers are the values of a DS or a binary number; nil if there are none, or one is no number.
func numbers(ds *dicom.DataSet, t dicom.Tag) []float64 {
	e, _ := ds.Get(t)
	switch v := e.Value.(type) {
	case dicom.Floats:
		return v
	case dicom.Strings:
		var n []float64
		for _, s := range v {
			f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
				return nil
			}
			n = append(n, f)
		}
		return n
	}
	return nil
}

// Tolerances: of directions, and of the distance of slices as a part of it, which is that of rounded positions.
const (
	sameDirection = 1e-3
	sameDistance  = 0.02
)

// noVolume says why frames are no volume; "" if they are one: at least three of the same size, orientation and frame of reference, at
// equal distances along their normal, and square to it.
func noVolume(planes []plane, frames int) string {
	switch {
	case len(planes) == 0:
		return "the frames have no Image Position (0020,0032), Image Orientation (0020,0037) and Pixel Spacing (0028,0030)"
	case len(planes) < frames:
		return fmt.Sprintf("%d of %d frames have no position, orientation or spacing", frames-len(planes), frames)
	case frames < 3:
		return "there are fewer than three frames"
	}
	first := planes[0]
	if !near(dot(first.row, first.row), 1) || !near(dot(first.column, first.column), 1) || !near(dot(first.row, first.column), 0) {
		return "Image Orientation (0020,0037) is not two directions at right angles"
	}
	if first.spacing[0] <= 0 || first.spacing[1] <= 0 {
		return "Pixel Spacing (0028,0030) is not positive"
	}
	normal := cross(first.row, first.column)
	for _, p := range planes[1:] {
		switch {
		case p.frame != first.frame:
			return "the frames are in several frames of reference"
		case p.rows != first.rows || p.columns != first.columns:
			return "the frames have several sizes"
		case p.spacing != first.spacing:
			return "the frames have several pixel spacings"
		case !near(dot(p.row, first.row), 1) || !near(dot(p.column, first.column), 1):
			return "the frames have several orientations"
		}
	}
	slices.SortFunc(planes, func(a, b plane) int {
		return cmp.Compare(dot(a.position, normal), dot(b.position, normal))
	})
	return uneven(planes, normal)
}

// uneven says where sorted frames are not at equal distances, or not above each other.
func uneven(planes []plane, normal [3]float64) string {
	var steps []float64
	for i := 1; i < len(planes); i++ {
		between := minus(planes[i].position, planes[i-1].position)
		step := dot(between, normal)
		if step < sameDirection {
			return "several frames are at the same place: the series is more than one volume"
		}
		if aside := math.Sqrt(max(0, dot(between, between)-step*step)); aside > step*sameDistance {
			return "the frames are not square to their normal: the gantry was tilted"
		}
		steps = append(steps, step)
	}
	sorted := slices.Sorted(slices.Values(steps))
	usual, gaps, where := sorted[len(sorted)/2], 0, 0
	for i, s := range steps {
		if math.Abs(s-usual) > usual*sameDistance {
			if gaps++; gaps == 1 {
				where = i
			}
		}
	}
	if gaps > 0 {
		return fmt.Sprintf("the distance of frames is %.4g mm, but at %d places another one, first %.4g mm behind frame %d: frames are missing",
			usual, gaps, steps[where], where+1)
	}
	return ""
}

func near(a, b float64) bool { return math.Abs(a-b) < sameDirection }

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func minus(a, b [3]float64) [3]float64 { return [3]float64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func cross(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}
