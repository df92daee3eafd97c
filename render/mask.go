package render

import (
	"errors"
	"fmt"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// Mask is what a presentation state subtracts from the frames of an image (PS3.3 C.11.13, C.7.6.10.1): the mean of some of them, or the one
// that lies so many before.
type Mask struct {
	frames      []int   // whose mean is the mask; nil: the difference to the frame that lies offset before
	average     int     // frames from the one that is shown on, from whose mean it is subtracted
	offset      int     // of the mask's frame, negative: after the one that is shown
	down, right float64 // pixels by which the mask is shifted before
}

// mostMaskFrames bounds how many frames are decoded for one picture.
const mostMaskFrames = 64

// readMask reads the Presentation State Mask Module, nil if there is none.
func readMask(state *dicom.DataSet) (*Mask, error) {
	items := state.Items(dicom.MaskSubtractionSequence)
	if len(items) == 0 {
		return nil, nil
	}
	item := items[0]
	m := &Mask{average: 1}
	if shift := numbers(item, dicom.MaskSubPixelShift); len(shift) == 2 && finite(shift[0]+shift[1]) {
		m.down, m.right = shift[0], shift[1]
	}
	switch operation := keyword(item, dicom.MaskOperation); operation {
	case "AVG_SUB":
		for _, n := range numbers(item, dicom.MaskFrameNumbers) {
			m.frames = append(m.frames, int(n))
		}
		if len(m.frames) == 0 {
			return nil, errors.New("Mask Operation (0028,6101) AVG_SUB without Mask Frame Numbers (0028,6110)")
		}
		if n, found := number(item, dicom.ContrastFrameAveraging); found && n >= 1 {
			m.average = int(min(n, mostMaskFrames))
		}
	case "TID":
		m.offset = 1
		if n, found := number(item, dicom.TIDOffset); found {
			m.offset = int(n)
		}
	default:
		return nil, fmt.Errorf("Mask Operation (0028,6101) is %.16q, want AVG_SUB or TID", operation)
	}
	if len(m.frames)+m.average > mostMaskFrames {
		return nil, fmt.Errorf("the mask is made of %d frames, the most is %d", len(m.frames), mostMaskFrames-m.average)
	}
	return m, nil
}

// operands are the frames from whose mean the mean of the others is subtracted. ok is false for a frame that the operation does not apply to,
// since some of them are not there (PS3.3 C.7.6.10.1).
func (m *Mask) operands(frame, last int) (contrast, mask []int, ok bool) {
	for i := range m.average {
		contrast = append(contrast, frame+i)
	}
	if mask = m.frames; mask == nil {
		mask = []int{frame - m.offset}
		ok = mask[0] >= 1 && mask[0] <= last
	} else {
		ok = frame+m.average-1 <= last
	}
	return contrast, mask, ok
}

// Subtract makes a frame, counted from 1, of the differences that the mask leaves (PS3.4 N.2.1.2), in the units of the modality
// transformation, and the attributes that show it. decode gives the frames of the image, each of them until the next call.
func (m *Mask) Subtract(a Attributes, frame, last int, decode func(n int) (*pixel.Frame, error)) (*pixel.Frame, Attributes, error) {
	contrast, mask, ok := m.operands(frame, last)
	if !ok {
		f, err := decode(frame)
		return f, a, err
	}
	from, _, err := a.mean(contrast, last, decode)
	if err != nil {
		return nil, a, err
	}
	by, d, err := a.mean(mask, last, decode)
	if err != nil {
		return nil, a, err
	}
	if len(from) != len(by) {
		return nil, a, errors.New("its frames are not of one size")
	}
	d.Float, d.BitsAllocated, d.BitsStored, d.HighBit, d.Signed = true, 32, 32, 31, false
	f := &pixel.Frame{Description: d, F32: from}
	shifted := m.down != 0 || m.right != 0
	at := func(x, y int) float64 { return float64(by[y*d.Columns+x]) }
	for i := range from {
		value := by[i]
		if shifted { // what comes from outside of the mask is what lies at its edge
			u := min(max(float64(i%d.Columns)-m.right, 0), float64(d.Columns-1))
			v := min(max(float64(i/d.Columns)-m.down, 0), float64(d.Rows-1))
			between, _ := bilinear(d.Columns, d.Rows, u, v, at)
			value = float32(between)
		}
		from[i] -= value
	}
	a.ModalityLUT, a.Rescale, a.Padding, a.Palette = nil, nil, nil, nil
	return f, a, nil
}

// mean is the mean of frames after the modality transformation, and what their samples are.
func (a Attributes) mean(frames []int, last int, decode func(n int) (*pixel.Frame, error)) ([]float32, pixel.Description, error) {
	var sums []float32
	var d pixel.Description
	for _, n := range frames {
		if n < 1 || n > last {
			return nil, d, fmt.Errorf("the mask is of frame %d, and the image has %d", n, last)
		}
		f, err := decode(n)
		if err != nil {
			return nil, d, err
		}
		if d = f.Description; sums == nil {
			sums = make([]float32, f.Pixels())
		}
		if f.Samples != 1 || len(sums) != f.Pixels() {
			return nil, d, errors.New("a mask is for frames of gray levels of one size")
		}
		for i := range sums {
			if v := a.modality(storedAt(f, i)); math.Abs(v) <= math.MaxFloat32 {
				sums[i] += float32(v / float64(len(frames)))
			}
		}
	}
	return sums, d, nil
}
