package render

import (
	"encoding/binary"
	"errors"
	"image"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// The values of Blending Position (0070,0405).
const (
	underlying   = "UNDERLYING"
	superimposed = "SUPERIMPOSED"
)

var errNoBlending = errors.New("Blending Sequence (0070,0402) has not one item that is underlying and one that is superimposed")

// blended is the item of the Blending Sequence at the position, nil if there is not just one.
func blended(state *dicom.DataSet, position string) (found *dicom.DataSet) {
	for _, item := range state.Items(dicom.BlendingSequence) {
		if keyword(item, dicom.BlendingPosition) == position {
			if found != nil {
				return nil
			}
			found = item
		}
	}
	return found
}

// Blending is what a blending presentation state lays over its images (PS3.3 A.33.4, C.11.14): others, of gray levels that a palette gives
// colors, so that they cover a part of what lies under them.
type Blending struct {
	Study  dicom.UID // of Images
	Images []Reference

	item    *dicom.DataSet
	palette *Palette
	opacity float64
	bulk    Bulk
}

// ReadBlending reads the blending of a presentation state, nil if it is of another kind. bulk gives those values of the state that its data
// set only names.
func ReadBlending(state *dicom.DataSet, bulk Bulk) (*Blending, error) {
	if stateKinds[uid(state, dicom.SOPClassUID)] != blendingState {
		return nil, nil
	}
	b := &Blending{item: blended(state, superimposed), bulk: bulk}
	if b.item == nil || blended(state, underlying) == nil {
		return nil, errNoBlending
	}
	b.Study, b.Images = uid(b.item, dicom.StudyInstanceUID), referencesOf(b.item)
	var there bool
	if b.opacity, there = number(state, dicom.RelativeOpacity); !there || b.opacity < 0 || b.opacity > 1 {
		return nil, errors.New("Relative Opacity (0070,0403) is no number from 0 to 1")
	}
	var err error
	b.palette, err = reader{bulk: bulk}.palette(state)
	return b, err
}

// Distance is how far from a frame of an image, in mm, a frame of another lies, in a plane that is parallel; ok is false if it is not, if it
// lies in another Frame of Reference, or if one of them does not say where it lies.
func Distance(img *dicom.DataSet, frame int, other *dicom.DataSet, n int) (distance float64, ok bool) {
	here, ok1 := planeOf(img, frame)
	there, ok2 := planeOf(other, n)
	if !ok1 || !ok2 || here.frameOfReference != there.frameOfReference || math.Abs(here.normal().dot(there.normal())) < 0.999 {
		return 0, false
	}
	_, _, off := here.pixel(there.origin)
	return math.Abs(off), true
}

// Reach is how far, in mm, a frame reaches from the middle of its plane.
func Reach(ds *dicom.DataSet, frame int) float64 {
	p, _ := planeOf(ds, frame)
	return p.reach()
}

// Over is a decoded frame of the images that lie above, as a mark on a frame of those below, between whose pixels it is interpolated.
func (b *Blending) Over(f *pixel.Frame, over *dicom.DataSet, n int, img *dicom.DataSet, frame int) (Mark, error) {
	if f.Samples != 1 || f.Photometric == "PALETTE COLOR" {
		return nil, errors.New("what it superimposes are no images of gray levels")
	}
	r := reader{bulk: b.bulk, signed: f.Signed}
	a := Attributes{State: &State{}, Padding: padding(over, f.Signed)}
	if err := r.grayscale(&a, b.item, subject{over.UID(dicom.SOPInstanceUID), n}, blendingState); err != nil {
		return nil, err
	}
	gray, err := grayscale(f, a, Options{})
	if err != nil {
		return nil, err
	}
	here, ok1 := planeOf(img, frame)
	there, ok2 := planeOf(over, n)
	if !ok1 || !ok2 {
		return nil, errors.New("its images do not say where they lie")
	}
	return layerOver{b, f, a.Padding, renderDeep(f, gray), func(x, y int) (u, v float64) {
		u, v, _ = there.pixel(here.at(float64(x), float64(y)))
		return u, v
	}}, nil
}

// layerOver is a frame of the images that lie above.
type layerOver struct {
	*Blending
	f       *pixel.Frame
	padding *Range
	levels  *image.Gray16
	at      func(x, y int) (u, v float64) // which of its pixels lies over a pixel below
}

func (l layerOver) mark(img *image.RGBA) {
	last := float64(len(l.palette.Colors) - 1)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			level, there := l.level(l.at(x, y))
			if !there {
				continue
			}
			color := l.palette.Colors[int(level/math.MaxUint16*last+0.5)]
			p := img.Pix[y*img.Stride+4*x:]
			for i, c := range color {
				p[i] = uint8(float64(p[i])*(1-l.opacity) + float64(c)*l.opacity + 0.5)
			}
		}
	}
}

// level interpolates between the four pixels around a place; false outside of the frame, and where the nearest pixel is padding.
func (l layerOver) level(u, v float64) (float64, bool) {
	columns, rows := l.f.Columns, l.f.Rows
	level, there := bilinear(columns, rows, u, v, func(x, y int) float64 {
		return float64(binary.BigEndian.Uint16(l.levels.Pix[2*(y*columns+x):]))
	})
	if p := l.padding; p != nil && there {
		if s := storedAt(l.f, int(v+0.5)*columns+int(u+0.5)); s >= p.Low && s <= p.High {
			return 0, false
		}
	}
	return level, there
}

// bilinear is the value at a place between the pixels of a frame; false outside of it.
func bilinear(columns, rows int, u, v float64, at func(x, y int) float64) (float64, bool) {
	if !(u >= -0.5 && v >= -0.5 && u < float64(columns)-0.5 && v < float64(rows)-0.5) {
		return 0, false
	}
	u, v = min(max(u, 0), float64(columns-1)), min(max(v, 0), float64(rows-1))
	x, y := int(u), int(v)
	right, below := min(x+1, columns-1), min(y+1, rows-1)
	fx, fy := u-float64(x), v-float64(y)
	return (at(x, y)*(1-fx)+at(right, y)*fx)*(1-fy) + (at(x, below)*(1-fx)+at(right, below)*fx)*fy, true
}
