package render

import (
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// vector is a place or a direction in the patient, in mm.
type vector [3]float64

func (a vector) minus(b vector) vector { return vector{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func (a vector) dot(b vector) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func (a vector) cross(b vector) vector {
	return vector{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// plane is where a frame lies in the patient (PS3.3 C.7.6.2.1.1): the middle of its first pixel, the directions of its rows and columns,
// and the distances of pixels along them.
type plane struct {
	frameOfReference dicom.UID
	origin           vector
	along, down      vector
	dx, dy           float64
	thickness        float64 // 0: not known
}

// planeOf reads the plane of a frame, functional groups resolved; false if it does not lie in the patient.
func planeOf(ds *dicom.DataSet, frame int) (p plane, ok bool) {
	groups := functionalGroups(ds, frame)
	first := func(sequence, t dicom.Tag, n int) []float64 {
		for _, place := range macros(groups, sequence, ds) {
			if v := numbers(place, t); len(v) == n {
				return v
			}
		}
		return nil
	}
	position := first(dicom.PlanePositionSequence, dicom.ImagePositionPatient, 3)
	orientation := first(dicom.PlaneOrientationSequence, dicom.ImageOrientationPatient, 6)
	spacing := first(dicom.PixelMeasuresSequence, dicom.PixelSpacing, 2)
	if position == nil || orientation == nil || spacing == nil || !(spacing[0] > 0) || !(spacing[1] > 0) {
		return p, false
	}
	p = plane{frameOfReference: ds.UID(dicom.FrameOfReferenceUID), origin: vector(position), along: vector(orientation[:3]),
		down: vector(orientation[3:]), dx: spacing[1], dy: spacing[0]}
	for _, t := range []dicom.Tag{dicom.SliceThickness, dicom.SpacingBetweenSlices} {
		if v := first(dicom.PixelMeasuresSequence, t, 1); v != nil && v[0] > 0 {
			p.thickness = v[0]
		}
	}
	return p, math.Abs(p.normal().dot(p.normal())-1) < 0.01 && finite(p.origin.dot(p.origin))
}

func (p plane) normal() vector { return p.along.cross(p.down) }

// at is where the middle of a pixel lies.
func (p plane) at(x, y float64) vector {
	v := p.origin
	for i := range v {
		v[i] += p.along[i]*x*p.dx + p.down[i]*y*p.dy
	}
	return v
}

// pixel is the pixel that a place projects to, its middle at whole numbers, and how far off the plane the place is.
func (p plane) pixel(v vector) (x, y, off float64) {
	d := v.minus(p.origin)
	return d.dot(p.along) / p.dx, d.dot(p.down) / p.dy, d.dot(p.normal())
}

// defaultThickness is how thick a slice is taken for that does not say so, in mm.
const defaultThickness = 1.0

// reach is how far, in mm, the slice reaches from the middle of its plane.
func (p plane) reach() float64 {
	if p.thickness == 0 {
		return defaultThickness / 2
	}
	return p.thickness / 2
}

// holds reports whether a place lies in the slice.
func (p plane) holds(v vector) bool {
	_, _, off := p.pixel(v)
	return math.Abs(off) <= p.reach()
}
