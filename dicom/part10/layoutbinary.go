package part10

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// layoutVersion is the first byte of an encoded layout. A new form of the encoding gets a new one.
const layoutVersion = 1

var errLayout = errors.New("not an encoded layout, or a damaged one")

// MarshalBinary encodes the layout compactly, as the index keeps it: integers are varints, and what is like the one before is
// written as the difference. A frame of encapsulated pixel data costs two to four bytes, one of native pixel data nothing.
func (l *Layout) MarshalBinary() ([]byte, error) {
	b := []byte{layoutVersion, flags(l.Encoding.ImplicitVR, l.Encoding.BigEndian, l.Encoding.Deflated, l.Pixel != nil)}
	b = binary.AppendVarint(b, l.DataSet)
	b = binary.AppendUvarint(b, uint64(len(l.Bulk)))
	path, offset := "", int64(0)
	for _, v := range l.Bulk {
		same := commonPrefix(path, v.Path)
		b = binary.AppendUvarint(b, uint64(same))
		b = appendString(b, v.Path[same:])
		b = appendString(b, string(v.VR))
		b = append(b, byte(v.Word))
		b = binary.AppendVarint(b, v.Offset-offset)
		b = binary.AppendVarint(b, v.Length)
		path, offset = v.Path, v.Offset+v.Length
	}
	if l.Pixel != nil {
		b = l.Pixel.append(b)
	}
	return b, nil
}

func (p *PixelData) append(b []byte) []byte {
	b = append(b, flags(p.Encapsulated, p.firsts != nil, p.padding != nil), byte(p.Word))
	b = binary.AppendUvarint(b, uint64(p.Tag))
	b = appendString(b, string(p.VR))
	b = binary.AppendVarint(b, p.Value.Offset)
	b = binary.AppendVarint(b, p.Value.Length)
	b = binary.AppendVarint(b, int64(p.NumberOfFrames))
	b = binary.AppendVarint(b, p.FrameBits)
	if !p.Encapsulated {
		return b
	}
	b = binary.AppendUvarint(b, uint64(p.Fragments.Len()))
	if p.Fragments.Len() > 0 {
		b = binary.AppendVarint(b, p.Fragments.Span(0).Offset)
	}
	last := int64(0)
	for _, n := range p.Fragments.lengths {
		b = binary.AppendVarint(b, int64(n)-last)
		last = int64(n)
	}
	last = -1
	for _, first := range p.firsts {
		b = binary.AppendUvarint(b, uint64(int64(first)-last-1))
		last = int64(first)
	}
	return append(b, p.padding...)
}

// UnmarshalBinary decodes what MarshalBinary made. Any other bytes give an error or a layout, never a panic, there or later.
func (l *Layout) UnmarshalBinary(b []byte) error {
	d := decoder{b: b}
	if d.byte() != layoutVersion {
		return errLayout
	}
	has := d.byte()
	out := Layout{Encoding: Encoding{has&1 != 0, has&2 != 0, has&4 != 0}, DataSet: d.length()}
	if n := d.count(); n > 0 {
		out.Bulk = make([]BulkValue, 0, n)
		path, offset := "", int64(0)
		for range n {
			same := int(min(d.uint(), math.MaxInt32))
			if same > len(path) {
				return errLayout
			}
			v := BulkValue{Path: path[:same] + d.string(), VR: dicom.VR(d.string()), Word: int(d.byte())}
			v.Offset = offset + d.int()
			v.Length = d.length()
			if d.failed || v.Offset < 0 || v.Word < 1 || v.Offset > math.MaxInt64-v.Length {
				return errLayout
			}
			out.Bulk = append(out.Bulk, v)
			path, offset = v.Path, v.Offset+v.Length
		}
	}
	if has&8 != 0 {
		out.Pixel = d.pixelData()
	}
	if d.failed || len(d.b) > 0 {
		return errLayout
	}
	*l = out
	return nil
}

// decoder takes values from the front of b. After the first that is not there it has failed, and returns zeros.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) pixelData() *PixelData {
	has := d.byte()
	p := &PixelData{Encapsulated: has&1 != 0, Word: int(d.byte()), Tag: dicom.Tag(d.uint()), VR: dicom.VR(d.string())}
	p.Value = Span{d.length(), d.length()}
	frames := d.length()
	p.FrameBits = d.length()
	if frames > math.MaxInt32 || p.Value.Offset > math.MaxInt64/16 || p.Value.Length > math.MaxInt64/16 {
		d.failed = true
	}
	p.NumberOfFrames = int(frames)
	if !p.Encapsulated {
		if p.FrameBits > 0 && frames > 8*p.Value.Length/p.FrameBits || p.FrameBits == 0 && frames > 0 {
			d.failed = true
		}
		return p
	}
	d.fragments(p)
	if has&2 != 0 {
		d.firsts(p)
	} else if p.NumberOfFrames > p.Fragments.Len() {
		d.failed = true
	}
	if has&4 != 0 && !d.failed {
		d.padding(p)
	}
	return p
}

func (d *decoder) fragments(p *PixelData) {
	n := d.count()
	if n == 0 {
		return
	}
	offset := d.length()
	if offset > math.MaxInt64/16 {
		d.failed = true
	}
	p.Fragments.lengths = make([]uint32, 0, n)
	last := int64(0)
	for range n {
		last += d.int()
		if last < 0 || last > maxLength {
			d.failed = true
		}
		if d.failed {
			return
		}
		p.Fragments.add(offset, uint32(last))
		offset += last + itemHeader
	}
}

func (d *decoder) firsts(p *PixelData) {
	if p.NumberOfFrames > len(d.b) {
		d.failed = true
		return
	}
	p.firsts = make([]uint32, p.NumberOfFrames)
	next := uint64(0)
	for i := range p.firsts {
		next += d.uint()
		if next >= uint64(p.Fragments.Len()) {
			d.failed = true
			return
		}
		p.firsts[i] = uint32(next)
		next++
	}
}

func (d *decoder) padding(p *PixelData) {
	if len(d.b) < p.NumberOfFrames {
		d.failed = true
		return
	}
	p.padding, d.b = append([]byte(nil), d.b[:p.NumberOfFrames]...), d.b[p.NumberOfFrames:]
	for i, n := range p.padding {
		next := p.Fragments.Len()
		if i+1 < p.NumberOfFrames {
			next = i + 1
			if p.firsts != nil {
				next = int(p.firsts[i+1])
			}
		} else if p.firsts == nil {
			next = i + 1
		}
		if uint32(n) > p.Fragments.lengths[next-1] {
			d.failed = true
		}
	}
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.failed = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.failed, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.failed, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// length is an integer that cannot be negative.
func (d *decoder) length() int64 {
	v := d.int()
	if v < 0 {
		d.failed = true
		return 0
	}
	return v
}

// count is the number of things that follow; each takes a byte at least, so that what is made for them is bounded by b.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.failed = true
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// flags packs booleans into a byte, the first into bit 0.
func flags(bits ...bool) (b byte) {
	for i, v := range bits {
		if v {
			b |= 1 << i
		}
	}
	return b
}
