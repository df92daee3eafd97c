package part10

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

const (
	undefinedLength = 0xFFFFFFFF // PS3.5 7.1.1
	maxLength       = 0xFFFFFFFE
	utf8Term        = "ISO_IR 192" // PS3.3 C.12.1.1.2
)

// encoder appends elements in one encoding; the zero value writes explicit VR little endian with defined lengths.
type encoder struct {
	Encoding
	undefined bool // sequences and items of undefined length
	// charset is what text is written in, and what Specific Character Set becomes; nil: both stay as they are.
	charset *dicom.CharacterSet
}

func (e encoder) appendElements(b []byte, ds *dicom.DataSet) (_ []byte, err error) {
	for el := range ds.All() {
		if b, err = e.appendElement(b, el); err != nil {
			return nil, fmt.Errorf("element %s: %w", el.Tag, err)
		}
	}
	return b, nil
}

func (e encoder) appendElement(b []byte, el dicom.Element) ([]byte, error) {
	if e.charset != nil && el.Tag == dicom.SpecificCharacterSet && el.Value != nil {
		el.Value = dicom.Strings(e.charset.Terms())
	}
	if el.VR == dicom.SQ {
		return e.appendSequence(b, el)
	}
	value, err := e.value(el)
	if err == nil && e.BigEndian && !el.VR.HasLongLength() && len(value) > math.MaxUint16 {
		value, err = encoder{charset: e.charset}.value(el) // it becomes UN, which is little endian everywhere
	}
	if err != nil {
		return nil, err
	}
	if b, err = e.appendHeader(b, el.Tag, el.VR, len(value)); err != nil {
		return nil, err
	}
	return append(b, value...), nil
}

// appendHeader appends tag, VR and length (PS3.5 7.1.2, 7.1.3). A VR whose length has 16 bits gives way to UN where the value
// is longer (PS3.5 6.2.2).
func (e encoder) appendHeader(b []byte, t dicom.Tag, vr dicom.VR, length int) ([]byte, error) {
	if length > undefinedLength {
		return nil, errors.New("the value is too long")
	}
	o := e.order()
	b = e.appendTag(b, t)
	if e.ImplicitVR {
		return o.AppendUint32(b, uint32(length)), nil
	}
	if !vr.Valid() {
		return nil, fmt.Errorf("invalid VR %q", string(vr))
	}
	if !vr.HasLongLength() && length <= math.MaxUint16 {
		return o.AppendUint16(append(b, vr...), uint16(length)), nil
	}
	if !vr.HasLongLength() {
		vr = dicom.UN
	}
	return o.AppendUint32(append(append(b, vr...), 0, 0), uint32(length)), nil
}

func (e encoder) appendTag(b []byte, t dicom.Tag) []byte {
	return e.order().AppendUint16(e.order().AppendUint16(b, t.Group()), t.Element())
}

func (e encoder) appendItemHeader(b []byte, t dicom.Tag, length uint32) []byte {
	return e.order().AppendUint32(e.appendTag(b, t), length)
}

func (e encoder) appendSequence(b []byte, el dicom.Element) ([]byte, error) {
	items, ok := el.Value.(dicom.Items)
	if !ok && el.Value != nil {
		return nil, fmt.Errorf("value is a %T, not items", el.Value)
	}
	var body []byte
	for _, item := range items {
		value, err := e.appendElements(nil, item)
		if err != nil {
			return nil, err
		}
		if e.undefined {
			body = append(e.appendItemHeader(body, dicom.Item, undefinedLength), value...)
			body = e.appendItemHeader(body, dicom.ItemDelimitationItem, 0)
			continue
		}
		if len(value) > maxLength {
			return nil, errors.New("an item is too long")
		}
		body = append(e.appendItemHeader(body, dicom.Item, uint32(len(value))), value...)
	}
	length := len(body)
	if e.undefined {
		body = e.appendItemHeader(body, dicom.SequenceDelimitationItem, 0)
		length = undefinedLength
	}
	b, err := e.appendHeader(b, el.Tag, dicom.SQ, length)
	if err != nil {
		return nil, err
	}
	return append(b, body...), nil
}

// value is the encoded value, padded to an even length (PS3.5 6.2, 7.1.1).
func (e encoder) value(el dicom.Element) (b []byte, err error) {
	switch v := el.Value.(type) {
	case nil:
	case dicom.Strings:
		if !el.VR.IsText() {
			return nil, fmt.Errorf("text under VR %s", el.VR)
		}
		if e.charset == nil {
			b = []byte(strings.Join(v, `\`))
		} else if b, err = e.charset.Encode(el.VR, v); err != nil {
			return nil, err
		}
		pad := byte(' ')
		if el.VR == dicom.UI {
			pad = 0
		}
		if len(b)%2 == 1 {
			b = append(b, pad)
		}
	case dicom.Ints:
		return e.ints(el.VR, v)
	case dicom.Uints:
		if el.VR != dicom.UV {
			return nil, fmt.Errorf("64-bit unsigned integers under VR %s", el.VR)
		}
		for _, n := range v {
			b = e.order().AppendUint64(b, n)
		}
	case dicom.Floats:
		return e.floats(el.VR, v)
	case dicom.Tags:
		for _, t := range v {
			b = e.appendTag(b, t)
		}
	case dicom.Bytes:
		b = v
		if w := wordSize(el.VR); e.BigEndian && w > 1 {
			b = swapped(b, w)
		}
		if len(b)%2 == 1 {
			b = append(b[:len(b):len(b)], 0)
		}
	default:
		return nil, fmt.Errorf("a value of type %T cannot be written under VR %s", v, el.VR)
	}
	return b, nil
}

func (e encoder) ints(vr dicom.VR, v dicom.Ints) ([]byte, error) {
	var lo, hi int64
	switch vr {
	case dicom.US:
		lo, hi = 0, math.MaxUint16
	case dicom.SS:
		lo, hi = math.MinInt16, math.MaxInt16
	case dicom.UL:
		lo, hi = 0, math.MaxUint32
	case dicom.SL:
		lo, hi = math.MinInt32, math.MaxInt32
	case dicom.SV:
		lo, hi = math.MinInt64, math.MaxInt64
	default:
		return nil, fmt.Errorf("integers under VR %s", vr)
	}
	b := make([]byte, 0, len(v)*wordSize(vr))
	for _, n := range v {
		if n < lo || n > hi {
			return nil, fmt.Errorf("integer out of range for VR %s", vr)
		}
		switch wordSize(vr) {
		case 2:
			b = e.order().AppendUint16(b, uint16(n))
		case 4:
			b = e.order().AppendUint32(b, uint32(n))
		default:
			b = e.order().AppendUint64(b, uint64(n))
		}
	}
	return b, nil
}

func (e encoder) floats(vr dicom.VR, v dicom.Floats) ([]byte, error) {
	b := make([]byte, 0, len(v)*wordSize(vr))
	for _, f := range v {
		switch vr {
		case dicom.FL:
			b = e.order().AppendUint32(b, math.Float32bits(float32(f)))
		case dicom.FD:
			b = e.order().AppendUint64(b, math.Float64bits(f))
		default:
			return nil, fmt.Errorf("floating point numbers under VR %s", vr)
		}
	}
	return b, nil
}
