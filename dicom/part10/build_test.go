package part10

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// These functions build streams byte by byte, right and wrong ones, so that no test of the reader depends on the writer.

const open = undefinedLength

func join(parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return string(b)
}

func u16(n uint16) string { return string(binary.LittleEndian.AppendUint16(nil, n)) }
func u32(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }
func u64(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

func tagBytes(t dicom.Tag) string { return u16(t.Group()) + u16(t.Element()) }

// explicit is an element in explicit VR little endian; a VR of more than two bytes is header bytes as they are.
func explicit(t dicom.Tag, vr string, value string) string {
	return explicitHeader(t, vr, uint32(len(value))) + value
}

func explicitHeader(t dicom.Tag, vr string, length uint32) string {
	if dicom.VR(vr).HasLongLength() {
		return tagBytes(t) + vr + "\x00\x00" + u32(length)
	}
	return tagBytes(t) + vr + u16(uint16(length))
}

// implicit is an element in implicit VR little endian, or an item.
func implicit(t dicom.Tag, value string) string { return implicitHeader(t, uint32(len(value))) + value }

func implicitHeader(t dicom.Tag, length uint32) string { return tagBytes(t) + u32(length) }

func item(content ...string) string { return implicit(dicom.Item, join(content...)) }

func openItem(content ...string) string {
	return implicitHeader(dicom.Item, open) + join(content...) + itemEnd
}

var (
	itemEnd     = implicitHeader(dicom.ItemDelimitationItem, 0)
	sequenceEnd = implicitHeader(dicom.SequenceDelimitationItem, 0)
)

// bigEndian is an element in explicit VR big endian; the value is given as it is.
func bigEndian(t dicom.Tag, vr string, value string) string {
	b := binary.BigEndian.AppendUint16(nil, t.Group())
	b = binary.BigEndian.AppendUint16(b, t.Element())
	b = append(b, vr...)
	if dicom.VR(vr).HasLongLength() {
		b = binary.BigEndian.AppendUint32(append(b, 0, 0), uint32(len(value)))
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	}
	return string(b) + value
}

// part10File is a file with a right beginning.
func part10File(ts dicom.UID, dataSet ...string) string {
	return prefix() + metaGroup(ts) + join(dataSet...)
}

func prefix() string { return string(make([]byte, 128)) + "DICM" }

func metaGroup(ts dicom.UID) string {
	group := explicit(dicom.FileMetaInformationVersion, "OB", "\x00\x01") + explicit(dicom.TransferSyntaxUID, "UI", even(string(ts)))
	return explicit(dicom.FileMetaInformationGroupLength, "UL", u32(uint32(len(group)))) + group
}

func even(s string) string {
	if len(s)%2 == 1 {
		return s + "\x00"
	}
	return s
}

func deflate(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

// sop is the beginning of a data set, the same in every encoding.
var (
	sopExplicit = explicit(dicom.SOPClassUID, "UI", "1.2.3\x00") + explicit(dicom.SOPInstanceUID, "UI", "1.2.3.4\x00")
	sopImplicit = implicit(dicom.SOPClassUID, "1.2.3\x00") + implicit(dicom.SOPInstanceUID, "1.2.3.4\x00")
	sopBig      = bigEndian(dicom.SOPClassUID, "UI", "1.2.3\x00") + bigEndian(dicom.SOPInstanceUID, "UI", "1.2.3.4\x00")
)

func mustScan(t testing.TB, file string, limits Limits) *File {
	t.Helper()
	f, err := Scan(bytes.NewReader([]byte(file)), limits)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
