package part10

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// BenchmarkHeader scans the header of an ordinary CT image: some 100 elements, and no pixels to speak of.
func BenchmarkHeader(b *testing.B) {
	ds := sample()
	for i := range 90 {
		ds.SetStrings(dicom.NewTag(0x18, uint16(0x1000+i)), dicom.LO, "value of an ordinary length")
	}
	var file bytes.Buffer
	if err := Write(&file, ds, WriteOptions{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(bytes.NewReader(file.Bytes()), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNative scans 512 MiB of native pixel data.
func BenchmarkNative(b *testing.B) {
	const size = 512 << 20
	header := part10File(evle, sopExplicit, explicitHeader(dicom.PixelData, "OW", size))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(io.MultiReader(strings.NewReader(header), zeros(size)), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFragments scans encapsulated pixel data of 100,000 fragments.
func BenchmarkFragments(b *testing.B) {
	file := part10File(jpeg, numberOf("100000"), explicitHeader(dicom.PixelData, "OB", open), item(),
		strings.Repeat(item(soi(strings.Repeat("x", 997))), 100_000), sequenceEnd)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(strings.NewReader(file), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFunctionalGroups scans 5,000 frames of functional groups, 200,000 elements.
func BenchmarkFunctionalGroups(b *testing.B) {
	group := explicit(dicom.FrameContentSequence, "SQ", item(strings.Repeat(explicit(dicom.DimensionIndexValues, "UL", u32(1)), 1)+
		explicit(dicom.StackID, "SH", "1 "))) + explicit(dicom.PlanePositionSequence, "SQ", item(explicit(dicom.ImagePositionPatient, "DS", `1.5\2.5\3.5 `)))
	file := part10File(evle, explicit(dicom.PerFrameFunctionalGroupsSequence, "SQ", strings.Repeat(item(group), 5000)))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(strings.NewReader(file), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLayout(b *testing.B) {
	var l Layout
	l.Pixel = &PixelData{Tag: dicom.PixelData, VR: dicom.OB, Encapsulated: true, Word: 1, NumberOfFrames: 10_000}
	for i := range 10_000 {
		l.Pixel.Fragments.add(int64(i)*10_008, 10_000)
	}
	encoded, err := l.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.UnmarshalBinary(encoded); err != nil {
			b.Fatal(err)
		}
	}
}
