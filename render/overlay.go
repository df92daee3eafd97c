package render

import (
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// Overlay is a plane of graphics over the image, one bit a pixel (PS3.3 C.9.2).
type Overlay struct {
	Group         uint16 // 6000 to 601E hexadecimal, even
	Rows, Columns int
	Top, Left     int    // where its first pixel lies in the image, counted from 0; may be negative
	Bits          []byte // eight pixels a byte, the first in the lowest bit; nil while Embedded ones are not extracted
	Offset        int    // of the first pixel of the frame's plane in Bits
	Layer         int    // of a presentation state, by its index, -1: not activated; of no meaning without a state
	Embedded      bool   // it lies in the samples (retired, PS3.5 8.1.2)
	Bit           int    // of the samples that holds an embedded plane
}

// The groups that overlays repeat in, and how many there can be (PS3.5 7.6).
const (
	firstOverlayGroup = 0x6000
	lastOverlayGroup  = 0x601E
)

// in moves an attribute of group 6000 to another overlay group.
func in(group uint16, t dicom.Tag) dicom.Tag { return dicom.NewTag(group, t.Element()) }

// overlays reads the planes of the frame. One that has no data, or less than its size, is left out: there is nothing to show.
func (r reader) overlays(ds *dicom.DataSet, frame int) ([]Overlay, error) {
	var planes []Overlay
	for group := uint16(firstOverlayGroup); group <= lastOverlayGroup; group += 2 {
		o := Overlay{Group: group}
		rows, ok1 := number(ds, in(group, dicom.OverlayRows))
		columns, ok2 := number(ds, in(group, dicom.OverlayColumns))
		if !ok1 || !ok2 || rows < 1 || columns < 1 {
			continue
		}
		o.Rows, o.Columns = int(rows), int(columns)
		if origin := numbers(ds, in(group, dicom.OverlayOrigin)); len(origin) >= 2 && finite(origin[0]) && finite(origin[1]) {
			o.Top, o.Left = int(represent(origin[0], true))-1, int(represent(origin[1], true))-1
		}
		visible, err := r.plane(ds, &o, frame)
		if err != nil {
			return nil, err
		}
		if visible {
			planes = append(planes, o)
		}
	}
	return planes, nil
}

// plane finds the bits of the frame: those of an overlay of several frames belong to as many frames of the image, from Image Frame
// Origin on (PS3.3 C.9.3); one plane belongs to all.
func (r reader) plane(ds *dicom.DataSet, o *Overlay, frame int) (visible bool, err error) {
	e, _ := ds.Get(in(o.Group, dicom.OverlayData))
	if e.Value == nil {
		bits, _ := number(ds, in(o.Group, dicom.OverlayBitsAllocated))
		position, _ := number(ds, in(o.Group, dicom.OverlayBitPosition))
		// The lowest bit is one of the values, and what says so a plane without data, unless the values lie above it.
		lowest := 0.0
		if stored, found := number(ds, dicom.BitsStored); found {
			high, _ := number(ds, dicom.HighBit)
			lowest = high + 1 - stored
		}
		o.Embedded = bits > 1 && bits <= 16 && position < bits && (position > 0 || position == 0 && lowest > 0)
		o.Bit = int(position)
		return o.Embedded, nil
	}
	index := 0
	if frames, several := number(ds, in(o.Group, dicom.NumberOfFramesInOverlay)); several && frames > 1 {
		origin, found := number(ds, in(o.Group, dicom.ImageFrameOrigin))
		if !found {
			origin = 1
		}
		if index = frame - int(origin); index < 0 || index >= int(frames) {
			return false, nil
		}
	}
	if words, wide := e.Value.(dicom.Ints); wide { // 16 bits each, as some readers of OW have them
		for _, w := range words {
			o.Bits = append(o.Bits, byte(w), byte(w>>8))
		}
	} else if o.Bits, err = r.bytes(e.Value, e.Tag, "Overlay Data (60xx,3000)"); err != nil {
		return false, err
	}
	size := o.Rows * o.Columns
	o.Offset = index * size
	return o.Offset+size <= 8*len(o.Bits), nil
}

// HasEmbedded reports whether there are planes in the unused bits of the samples, which Embed extracts.
func (a Attributes) HasEmbedded() bool {
	for _, o := range a.Overlays {
		if o.Embedded && o.Bits == nil {
			return true
		}
	}
	return false
}

// Embed returns the attributes with the planes that lie in the samples. whole is the frame with all its allocated bits, unsigned.
func (a Attributes) Embed(whole *pixel.Frame) Attributes {
	planes := make([]Overlay, 0, len(a.Overlays))
	for _, o := range a.Overlays {
		if o.Embedded {
			if whole.U16 == nil && whole.U8 == nil || whole.Samples != 1 {
				continue
			}
			o.Rows, o.Columns, o.Top, o.Left = whole.Rows, whole.Columns, 0, 0
			o.Bits = make([]byte, (whole.Pixels()+7)/8)
			for i := range whole.Pixels() {
				v := uint16(0)
				if whole.U16 != nil {
					v = whole.U16[i]
				} else {
					v = uint16(whole.U8[i])
				}
				o.Bits[i/8] |= byte(v>>o.Bit&1) << (i % 8)
			}
		}
		planes = append(planes, o)
	}
	a.Overlays = planes
	return a
}

// each calls paint for each pixel of a picture of so many columns and rows that the plane covers.
func (o Overlay) each(columns, rows int, paint func(x, y int)) {
	if o.Bits == nil {
		return
	}
	for y := max(0, -o.Top); y < o.Rows && y+o.Top < rows; y++ {
		for x := max(0, -o.Left); x < o.Columns && x+o.Left < columns; x++ {
			if i := o.Offset + y*o.Columns + x; o.Bits[i/8]>>(i%8)&1 == 1 {
				paint(x+o.Left, y+o.Top)
			}
		}
	}
}
