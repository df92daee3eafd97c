package part10

import (
	"bytes"
	"encoding/binary"

	"github.com/noctis-dicom/noctis/dicom"
)

// sniffed is how many bytes of a data set are looked at to learn how it is encoded, and in how many elements it has to be right.
const (
	sniffed         = 4096
	sniffedElements = 8
)

// header is tag, VR and length of an element (PS3.5 7.1).
type header struct {
	tag    dicom.Tag
	vr     dicom.VR // "" under implicit VR and for the items of sequences
	length uint32
	size   int  // bytes of the header itself: 8 or 12
	junk   bool // the VR in the stream is none; vr is UN
}

func (h header) undefined() bool { return h.length == undefinedLength }

// parseHeader reads the header at the beginning of b, which may be one that does not exist: VR may be any two bytes, with the
// length that a valid VR of 16 bits would have. False if b is too short.
func parseHeader(b []byte, enc Encoding) (header, bool) {
	if len(b) < 8 {
		return header{}, false
	}
	o := enc.order()
	h := header{tag: dicom.NewTag(o.Uint16(b), o.Uint16(b[2:])), size: 8}
	if enc.ImplicitVR || h.tag.Group() == 0xFFFE {
		h.length = o.Uint32(b[4:])
		return h, true
	}
	h.vr = vrOf(b[4], b[5])
	if !h.vr.HasLongLength() {
		h.length = uint32(o.Uint16(b[6:]))
		return h, true
	}
	if len(b) < 12 {
		return header{}, false
	}
	h.length, h.size = o.Uint32(b[8:]), 12
	return h, true
}

// vrs holds every valid VR, so that reading one allocates nothing.
const vrs = "AEASATCSDADSDTFDFLISLOLTOBODOFOLOVOWPNSHSLSQSSSTSVTMUCUIULUNURUSUTUV"

// vrOf returns the VR of two bytes, an invalid one as it is.
func vrOf(a, b byte) dicom.VR {
	for i := 0; i < len(vrs); i += 2 {
		if vrs[i] == a && vrs[i+1] == b {
			return dicom.VR(vrs[i : i+2])
		}
	}
	return dicom.VR([]byte{a, b})
}

// fits reports whether b, the beginning of a data set, reads as elements in the encoding: valid VRs, ascending tags, values that
// end where the next element begins. whole says that the data set ends where b ends.
func fits(b []byte, enc Encoding, whole bool) bool {
	var last dicom.Tag
	for n := 0; n < sniffedElements; n++ {
		if len(b) == 0 || whole && len(bytes.Trim(b, "\x00")) == 0 {
			return whole || n > 0
		}
		h, ok := parseHeader(b, enc)
		switch {
		case !ok:
			return !whole && n > 0
		case h.tag.Group() == 0xFFFE:
			return n > 0
		case n > 0 && h.tag <= last, !enc.ImplicitVR && !h.vr.Valid():
			return false
		}
		rest := b[h.size:]
		if h.undefined() {
			return beginsItem(rest, enc)
		}
		if int64(h.length) > int64(len(rest)) {
			return !whole && n > 0
		}
		b, last = rest[h.length:], h.tag
	}
	return true
}

// beginsItem reports whether b begins with the header of an item or a sequence delimiter.
func beginsItem(b []byte, enc Encoding) bool {
	if len(b) < itemHeader {
		return false
	}
	h, _ := parseHeader(b, enc)
	return h.tag == dicom.Item || h.tag == dicom.SequenceDelimitationItem
}

// guess returns the first of the encodings that b fits.
func guess(b []byte, whole bool, encodings ...Encoding) (Encoding, bool) {
	for _, enc := range encodings {
		if len(b) > 0 && fits(b, enc, whole) {
			return enc, true
		}
	}
	return Encoding{}, false
}

// encodings in the order in which they are tried where none is declared (PS3.10 7.1 would have it declared).
var encodings = [...]Encoding{{}, {ImplicitVR: true}, {BigEndian: true}}

// isZlib reports whether b begins with a zlib header (RFC 1950), which PS3.5 A.5 does not allow but some writers send. A raw
// stored block may begin alike; it repeats its length inverted.
func isZlib(b []byte) bool {
	if len(b) < 5 || b[0]&0x0F != 8 || binary.BigEndian.Uint16(b)%31 != 0 {
		return false
	}
	return binary.LittleEndian.Uint16(b[1:])^binary.LittleEndian.Uint16(b[3:]) != 0xFFFF
}
