package dicomtest

import (
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
)

// Image is a small test image: a ramp that runs through all stored values, shifted by one value a frame. The zero value is
// 16 x 16, one frame, MONOCHROME2, 16 bits unsigned, explicit VR little endian, without text in it, in a study of its own.
type Image struct {
	Study, Series, Name string // UIDs are made of these
	Rows, Columns       int
	Frames              int // 0: one, and no Number of Frames
	BitsAllocated       int // 1, 8, 16, 32
	BitsStored          int
	Signed              bool
	Photometric         string
	Samples             int
	Planar              bool
	TransferSyntax      dicom.UID
	Number              int
	With                []any // pairs of tag and value, as set takes them, that are added last
}

// Instance makes the instance.
func (im Image) Instance() Instance {
	im = im.defaults()
	ds := Series{Study{
		Patient: Patient{"TEST^" + im.Study, "ID-" + im.Study, "19700101", "O"},
		Name:    im.Study, Date: "20260101", Time: "120000", Description: "Test " + im.Study, Accession: "ACC-" + im.Study,
	}, 1, "OT", im.Series}.Instance(secondaryCapture, im.Number)
	set(ds,
		dicom.SOPInstanceUID, UID(im.Study, im.Series, im.Name, strconv.Itoa(im.Number)),
		dicom.ConversionType, "SYN", dicom.BurnedInAnnotation, "NO",
		dicom.SamplesPerPixel, im.Samples, dicom.PhotometricInterpretation, im.Photometric,
		dicom.Rows, im.Rows, dicom.Columns, im.Columns,
		dicom.BitsAllocated, im.BitsAllocated, dicom.BitsStored, im.BitsStored, dicom.HighBit, im.BitsStored-1,
		dicom.PixelRepresentation, number(im.Signed),
	)
	if im.Samples > 1 {
		set(ds, dicom.PlanarConfiguration, number(im.Planar))
	}
	if im.Frames > 0 {
		set(ds, dicom.NumberOfFrames, im.Frames)
	}
	set(ds, im.With...)
	in := Instance{DataSet: ds, TransferSyntax: im.TransferSyntax}
	if ts, _ := dicom.TransferSyntaxOf(im.TransferSyntax); !ts.Encapsulated {
		vr := dicom.OW
		if im.BitsAllocated == 8 {
			vr = dicom.OB
		}
		ds.Set(dicom.Element{Tag: dicom.PixelData, VR: vr, Value: dicom.Bytes(im.pixels())})
	}
	return in
}

// File makes the file; it panics if that cannot be written, which is a mistake in the test.
func (im Image) File() []byte {
	b, err := im.Instance().File()
	if err != nil {
		panic(err)
	}
	return b
}

func (im Image) defaults() Image {
	fill := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	text := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	fill(&im.Rows, 16)
	fill(&im.Columns, 16)
	fill(&im.BitsAllocated, 16)
	fill(&im.BitsStored, im.BitsAllocated)
	fill(&im.Samples, 1)
	fill(&im.Number, 1)
	text(&im.Study, "test")
	text(&im.Series, "series")
	text(&im.Photometric, "MONOCHROME2")
	if im.TransferSyntax == "" {
		im.TransferSyntax = dicom.ExplicitVRLittleEndian
	}
	return im
}

// pixels is the native pixel data of all frames, little endian.
func (im Image) pixels() []byte {
	n := max(1, im.Frames) * im.Rows * im.Columns * im.Samples
	if im.BitsAllocated == 1 {
		out := make([]byte, (n+15)/16*2)
		for i := range n {
			if i%3 == 0 {
				out[i/8] |= 1 << (i % 8)
			}
		}
		return out
	}
	size := im.BitsAllocated / 8
	out := make([]byte, (n*size+1)/2*2)
	perFrame := im.Rows * im.Columns * im.Samples
	for i := range n {
		v := uint64(i%perFrame + i/perFrame)
		if im.BitsStored < 64 {
			v &= 1<<im.BitsStored - 1
		}
		for b := range size {
			out[i*size+b] = byte(v >> (8 * b))
		}
	}
	return out
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
