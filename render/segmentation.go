package render

import (
	"image"
	"math"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// Segmentation is a segmentation instance (PS3.3 A.51, C.8.20): binary, fractional or a map of labels.
type Segmentation struct {
	ds       *dicom.DataSet
	frames   int
	labels   bool    // a pixel is the number of a segment
	whole    float64 // the value of a pixel that belongs to its segment wholly
	segments map[int][3]uint8
}

// ReadSegmentation reads what a segmentation of so many frames says of itself; ok is false if the data set is none.
func ReadSegmentation(ds *dicom.DataSet, frames int) (s *Segmentation, ok bool) {
	kind := keyword(ds, dicom.SegmentationType)
	if kind == "" || frames < 1 {
		return nil, false
	}
	s = &Segmentation{ds: ds, frames: frames, labels: kind == "LABELMAP", whole: 1, segments: map[int][3]uint8{}}
	if most, there := number(ds, dicom.MaximumFractionalValue); there && kind == "FRACTIONAL" && most > 0 {
		s.whole = most
	}
	for i, item := range ds.Items(dicom.SegmentSequence) {
		n, _ := number(item, dicom.SegmentNumber)
		color := markColor(i)
		if lab := numbers(item, dicom.RecommendedDisplayCIELabValue); len(lab) == 3 {
			color = fromLab(lab[0], lab[1], lab[2])
		}
		s.segments[int(n)] = color
	}
	return s, true
}

// Over returns the frames, counted from 1, that lie over a frame of an image: those that are derived from it, else those in its plane.
func (s *Segmentation) Over(img *dicom.DataSet, frame int) []int {
	instance := img.UID(dicom.SOPInstanceUID)
	var derived, near []int
	here, placed := planeOf(img, frame)
	for n := 1; n <= s.frames; n++ {
		if s.derived(n, instance, frame) {
			derived = append(derived, n)
		} else if there, ok := planeOf(s.ds, n); ok && placed && len(derived) == 0 && here.frameOfReference == there.frameOfReference &&
			math.Abs(here.normal().dot(there.normal())) > 0.999 && there.holds(here.origin) {
			near = append(near, n)
		}
	}
	if len(derived) > 0 {
		return derived
	}
	return near
}

// derived reports whether a frame says that it was made from the frame of the instance (PS3.3 C.7.6.16.2.6).
func (s *Segmentation) derived(n int, instance dicom.UID, frame int) bool {
	for _, group := range functionalGroups(s.ds, n) {
		if d := group.Items(dicom.DerivationImageSequence); len(d) > 0 {
			for _, item := range d {
				if names(item.Items(dicom.SourceImageSequence), instance, frame) {
					return true
				}
			}
			return false // the frame's own macro counts, not the shared one
		}
	}
	return false
}

// Mask is one decoded frame of the segmentation as a mark on a frame of an image of so many columns and rows.
func (s *Segmentation) Mask(f *pixel.Frame, n int, img *dicom.DataSet, frame, columns, rows int) Mark {
	m := mask{s: s, f: f, at: func(x, y int) (int, int) {
		return (2*x + 1) * f.Columns / (2 * columns), (2*y + 1) * f.Rows / (2 * rows)
	}}
	for _, group := range functionalGroups(s.ds, n) {
		if id := group.Items(dicom.SegmentIdentificationSequence); len(id) > 0 && m.segment == 0 {
			number, _ := number(id[0], dicom.ReferencedSegmentNumber)
			m.segment = int(number)
		}
	}
	here, ok1 := planeOf(img, frame)
	there, ok2 := planeOf(s.ds, n)
	if ok1 && ok2 && here.frameOfReference == there.frameOfReference {
		m.at = func(x, y int) (int, int) {
			u, v, _ := there.pixel(here.at(float64(x), float64(y)))
			return int(math.Floor(u + 0.5)), int(math.Floor(v + 0.5))
		}
	}
	return m
}

// mask is a frame of a segmentation.
type mask struct {
	s       *Segmentation
	f       *pixel.Frame
	segment int                       // of a frame that has only one
	at      func(x, y int) (u, v int) // which of its pixels lies over a pixel of the image
}

// maskOpacity is how much of the image a segment covers; its edge covers it wholly.
const maskOpacity = 0.4

// share is to which segment the pixel of the image belongs, and how much of it; 0 to none.
func (m mask) share(x, y int) (segment int, share float64) {
	u, v := m.at(x, y)
	if u < 0 || v < 0 || u >= m.f.Columns || v >= m.f.Rows {
		return 0, 0
	}
	value := storedAt(m.f, v*m.f.Columns+u)
	if !m.s.labels {
		return m.segment, min(max(value/m.s.whole, 0), 1)
	}
	if _, there := m.s.segments[int(value)]; !there {
		return 0, 0 // the background, or padding
	}
	return int(value), 1
}

func (m mask) mark(img *image.RGBA) {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	inside := func(x, y, segment int) bool {
		if x < 0 || y < 0 || x >= width || y >= height {
			return false
		}
		s, share := m.share(x, y)
		return s == segment && share >= 0.5
	}
	for y := range height {
		for x := range width {
			segment, share := m.share(x, y)
			if share == 0 {
				continue
			}
			opacity := maskOpacity * share
			if share >= 0.5 && !(inside(x-1, y, segment) && inside(x+1, y, segment) && inside(x, y-1, segment) && inside(x, y+1, segment)) {
				opacity = 1
			}
			color, known := m.s.segments[segment]
			if !known {
				color = markColor(segment)
			}
			p := img.Pix[y*img.Stride+4*x:]
			for i, c := range color {
				p[i] = uint8(float64(p[i])*(1-opacity) + float64(c)*opacity + 0.5)
			}
		}
	}
}

// IsSegmentation reports whether the SOP class is one of segmentations that are pixels.
func IsSegmentation(class dicom.UID) bool {
	return class == "1.2.840.10008.5.1.4.1.1.66.4" || class == "1.2.840.10008.5.1.4.1.1.66.7"
}

// roiColor reads ROI Display Color.
func roiColor(item *dicom.DataSet, i int) [3]uint8 {
	if rgb := numbers(item, dicom.ROIDisplayColor); len(rgb) == 3 {
		return [3]uint8{uint8(min(max(rgb[0], 0), 255)), uint8(min(max(rgb[1], 0), 255)), uint8(min(max(rgb[2], 0), 255))}
	}
	return markColor(i)
}

// isClosed reports whether a contour comes back to its first point.
func isClosed(contour *dicom.DataSet) bool {
	kind := keyword(contour, dicom.ContourGeometricType)
	return strings.HasPrefix(kind, "CLOSED") || kind == ""
}
