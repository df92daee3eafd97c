package render

import (
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// DoseClass is the SOP class of RT doses.
const DoseClass dicom.UID = "1.2.840.10008.5.1.4.1.1.481.2"

// Dose is an RT dose (PS3.3 C.8.8.3): a grid of parallel planes, one a frame.
type Dose struct {
	units   string
	scaling float64
	first   plane
	offsets []float64 // of the planes along the normal of the first, in mm
}

// ReadDose reads what a dose of so many frames says of itself.
func ReadDose(ds *dicom.DataSet, frames int) (*Dose, error) {
	d := &Dose{units: map[string]string{"GY": "Gy"}[keyword(ds, dicom.DoseUnits)]}
	var ok bool
	if d.scaling, ok = number(ds, dicom.DoseGridScaling); !ok || !(d.scaling > 0) {
		return nil, errors.New("it has no Dose Grid Scaling (3004,000E)")
	}
	if d.first, ok = planeOf(ds, 1); !ok {
		return nil, errors.New("it does not say where it lies")
	}
	if frames < 1 {
		return nil, errors.New("it has no frame")
	}
	if d.offsets = numbers(ds, dicom.GridFrameOffsetVector); frames == 1 {
		d.offsets = []float64{0}
	}
	if len(d.offsets) != frames {
		return nil, fmt.Errorf("Grid Frame Offset Vector (3004,000C) has %d values for %d frames", len(d.offsets), frames)
	}
	// Offsets begin with 0, or are places along the patient's axis (PS3.3 C.8.8.3.2).
	start, along := d.offsets[0], 1.0
	if start != 0 && d.first.normal()[2] < 0 {
		along = -1
	}
	offsets := make([]float64, frames)
	for i, o := range d.offsets {
		if offsets[i] = (o - start) * along; !finite(offsets[i]) {
			return nil, errors.New("Grid Frame Offset Vector (3004,000C) has a value that is no number")
		}
	}
	d.offsets = offsets
	return d, nil
}

// Highest is the highest dose of a frame.
func (d *Dose) Highest(f *pixel.Frame) float64 {
	highest := 0.0
	for i := range f.Pixels() {
		highest = max(highest, storedAt(f, i))
	}
	return highest * d.scaling
}

// parallelDose is the least cosine between the normals of an image and of a dose over it: a quarter of a degree.
const parallelDose = 0.99999

// Between are the frames, counted from 1, before and behind the plane of a frame of an image, and how much the second of them counts; both are
// the same where the image lies in a plane, or just outside of the grid, and 0 where it lies further outside.
func (d *Dose) Between(img *dicom.DataSet, frame int) (before, behind int, share float64, err error) {
	here, ok := planeOf(img, frame)
	if !ok || here.frameOfReference == "" || here.frameOfReference != d.first.frameOfReference || math.Abs(here.normal().dot(d.first.normal())) < parallelDose {
		return 0, 0, 0, errors.New("it does not lie parallel to the image in the same Frame of Reference")
	}
	_, _, at := d.first.pixel(here.origin)
	for i, o := range d.offsets {
		if o <= at && (before == 0 || o > d.offsets[before-1]) {
			before = i + 1
		}
		if o >= at && (behind == 0 || o < d.offsets[behind-1]) {
			behind = i + 1
		}
	}
	switch reach := max(here.reach(), d.first.reach()); {
	case before == 0 && d.offsets[behind-1]-at <= reach:
		return behind, behind, 0, nil
	case behind == 0 && at-d.offsets[before-1] <= reach:
		return before, before, 0, nil
	case before == 0 || behind == 0:
		return 0, 0, 0, nil
	}
	if low, high := d.offsets[before-1], d.offsets[behind-1]; high > low {
		share = (at - low) / (high - low)
	}
	return before, behind, share, nil
}

// Wash is the dose between two decoded frames, as Between has them, over a frame of an image: from the lower end of the range, in blue, to the
// upper, in red. Less than the lower end is not shown.
func (d *Dose) Wash(before, behind *pixel.Frame, share float64, img *dicom.DataSet, frame int, shown Range) (Mark, error) {
	here, ok := planeOf(img, frame)
	if !ok || before.Samples != 1 || behind.Samples != 1 {
		return nil, errors.New("it has no single doses in its pixels, or the image lies nowhere")
	}
	return wash{d, before, behind, share, shown, func(x, y int) (u, v float64) {
		u, v, _ = d.first.pixel(here.at(float64(x), float64(y)))
		return u, v
	}}, nil
}

// wash is the dose over an image.
type wash struct {
	*Dose
	before, behind *pixel.Frame
	share          float64
	shown          Range
	at             func(x, y int) (u, v float64) // where a pixel of the image lies in the grid
}

// dose is that at a pixel of the image, false outside of the grid.
func (w wash) dose(x, y int) (float64, bool) {
	u, v := w.at(x, y)
	stored := func(f *pixel.Frame) (float64, bool) {
		return bilinear(f.Columns, f.Rows, u, v, func(x, y int) float64 { return storedAt(f, y*f.Columns+x) })
	}
	low, ok1 := stored(w.before)
	high, ok2 := low, ok1
	if w.behind != w.before {
		high, ok2 = stored(w.behind)
	}
	return (low + (high-low)*w.share) * w.scaling, ok1 && ok2
}

// The colors of a dose, from the lower to the upper end of its range, and how much of the image they cover.
var doseColors = [][3]float64{{0, 0, 255}, {0, 255, 255}, {0, 255, 0}, {255, 255, 0}, {255, 0, 0}}

const washOpacity = 0.4

func (w wash) mark(img *image.RGBA) {
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			dose, there := w.dose(x, y)
			if !there || dose < w.shown.Low {
				continue
			}
			at := min((dose-w.shown.Low)/(w.shown.High-w.shown.Low), 1) * float64(len(doseColors)-1)
			i := min(int(at), len(doseColors)-2)
			p := img.Pix[y*img.Stride+4*x:]
			for k := range 3 {
				c := doseColors[i][k] + (doseColors[i+1][k]-doseColors[i][k])*(at-float64(i))
				p[k] = uint8(float64(p[k])*(1-washOpacity) + c*washOpacity + 0.5)
			}
		}
	}
}

// Legends say of those marks whose colors stand for numbers which these are.
func Legends(marks []Mark) (texts []string) {
	for _, m := range marks {
		if w, ok := m.(wash); ok {
			texts = append(texts, joined(fmt.Sprintf("Dose %.4g to %.4g", w.shown.Low, w.shown.High), w.units))
		}
	}
	return texts
}
