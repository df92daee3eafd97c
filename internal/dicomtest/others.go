package dicomtest

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// Head is an MR of the head: 20 slices of 256 x 256, 12 bits unsigned. Its names have a diaeresis.
func Head() []Instance {
	const size, slices, spacing, thickness = 256, 20, 0.9, 6.0
	series := Series{Study{
		Patient: Patient{"DEMO-MÜLLER^JÖRG", "NOCTIS-002", "19780923", "M"},
		Name:    "head", Date: "20260305", Time: "142210", Description: "MR head", Accession: "A1002",
		ReferringPhysician: "REFERRER^SASHA",
	}, 1, "MR", "T2 axial"}
	instances := make([]Instance, slices)
	for i := range slices {
		picture := head(size, float64(i)/(slices-1))
		picture.noise(30, uint64(i))
		ds := series.Instance(mrImage, i+1)
		monochrome(ds, "MONOCHROME2", size, size, 12, false,
			picture.little16(func(v float64) int { return clamp(v, 0, 4095) }))
		set(ds,
			dicom.ImageType, `ORIGINAL\PRIMARY\M`,
			dicom.BodyPartExamined, "HEAD",
			dicom.ScanningSequence, "SE", dicom.SequenceVariant, "SK", dicom.ScanOptions, "", dicom.MRAcquisitionType, "2D",
			dicom.RepetitionTime, "4500", dicom.EchoTime, "95", dicom.EchoTrainLength, 12,
			dicom.SliceThickness, thickness, dicom.SpacingBetweenSlices, thickness,
			dicom.PatientPosition, "HFS",
			dicom.FrameOfReferenceUID, UID("head", "frame of reference"), dicom.PositionReferenceIndicator, "",
			dicom.ImagePositionPatient, []float64{-spacing * (size - 1) / 2, -spacing * (size - 1) / 2, thickness * float64(i)},
			dicom.ImageOrientationPatient, `1\0\0\0\1\0`,
			dicom.PixelSpacing, []float64{spacing, spacing},
			dicom.WindowCenter, "480", dicom.WindowWidth, "960",
		)
		instances[i] = Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
	}
	return instances
}

// Hand is a radiograph: MONOCHROME1 (low values are bright), 12 bits, with a person name in three component groups.
func Hand() []Instance {
	const width, height = 1024, 1280
	ds := Series{Study{
		Patient: Patient{"DEMO-YAMADA^TAROU=山田^太郎=やまだ^たろう", "NOCTIS-003", "20010111", "M"},
		Name:    "hand", Date: "20260309", Time: "093000", Description: "Hand, left", Accession: "A1003",
		ReferringPhysician: "REFERRER^ROBIN",
	}, 1, "CR", "AP"}.Instance(crImage, 1)
	picture := hand(width, height)
	picture.noise(60, 7)
	monochrome(ds, "MONOCHROME1", height, width, 12, false,
		picture.little16(func(v float64) int { return 4095 - clamp(v, 0, 4095) }))
	set(ds,
		dicom.ImageType, `ORIGINAL\PRIMARY`,
		dicom.BodyPartExamined, "HAND", dicom.ViewPosition, "AP", dicom.Laterality, "L", dicom.PatientOrientation, `L\F`,
		dicom.ImagerPixelSpacing, `0.2\0.2`,
		dicom.WindowCenter, "2400", dicom.WindowWidth, "3200",
	)
	return []Instance{{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}}
}

// Heart is an ultrasound cine in colour: 24 frames of 480 x 360, JPEG baseline.
func Heart() []Instance {
	const width, height, frames = 480, 360, 24
	ds := Series{Study{
		Patient: Patient{"DEMO^LUNA", "NOCTIS-004", "19950630", "O"},
		Name:    "heart", Date: "20260311", Time: "110000", Description: "Echocardiography", Accession: "A1004",
		ReferringPhysician: "REFERRER^SASHA",
	}, 1, "US", "Apical four chamber"}.Instance(usMultiFrame, 1)
	set(ds,
		dicom.ImageType, `ORIGINAL\PRIMARY`, dicom.BurnedInAnnotation, "NO",
		dicom.FrameTime, "41.7", dicom.FrameIncrementPointer, dicom.FrameTime, dicom.RecommendedDisplayFrameRate, 24,
		dicom.CineRate, 24, dicom.StartTrim, 1, dicom.StopTrim, frames,
		dicom.SamplesPerPixel, 3, dicom.PhotometricInterpretation, "YBR_FULL_422", dicom.PlanarConfiguration, 0,
		dicom.NumberOfFrames, frames, dicom.Rows, height, dicom.Columns, width,
		dicom.BitsAllocated, 8, dicom.BitsStored, 8, dicom.HighBit, 7, dicom.PixelRepresentation, 0,
		dicom.LossyImageCompression, "01", dicom.LossyImageCompressionRatio, "12",
		dicom.LossyImageCompressionMethod, "ISO_10918_1",
		dicom.SequenceOfUltrasoundRegions, item(
			dicom.RegionSpatialFormat, 1, dicom.RegionDataType, 1, dicom.RegionFlags, 0,
			dicom.RegionLocationMinX0, 0, dicom.RegionLocationMinY0, 0,
			dicom.RegionLocationMaxX1, width-1, dicom.RegionLocationMaxY1, height-1,
			dicom.PhysicalUnitsXDirection, 3, dicom.PhysicalUnitsYDirection, 3,
			dicom.PhysicalDeltaX, 0.04, dicom.PhysicalDeltaY, 0.04),
	)
	in := Instance{DataSet: ds, TransferSyntax: "1.2.840.10008.1.2.4.50"}
	for i := range frames {
		in.Frames = append(in.Frames, echo(width, height, 2*math.Pi*float64(i)/frames))
	}
	return []Instance{in}
}

// echo draws one frame of a beating heart in a sector and encodes it as JPEG baseline, YCbCr.
func echo(width, height int, phase float64) []byte {
	speckle := newCanvas(width, height, 0)
	speckle.noise(2, uint64(phase*1000))
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	beat := 1 + 0.18*math.Sin(phase)
	for y := range height {
		for x := range width {
			dx, dy := float64(x)/float64(width)-0.5, float64(y)/float64(height)
			r, angle := math.Hypot(dx*float64(width)/float64(height), dy), math.Atan2(dx*1.33, dy)
			c := color.RGBA{4, 5, 8, 255}
			if math.Abs(angle) < 0.68 && r < 0.96 {
				tissue := 70 + 40*speckle.v[y*width+x]
				flow := 0.0
				for _, chamber := range [][4]float64{{-0.1, 0.42, 0.085, 0.2}, {0.1, 0.42, 0.085, 0.2}, {-0.1, 0.76, 0.09, 0.1}, {0.1, 0.76, 0.09, 0.1}} {
					u, v := (dx-chamber[0])/(chamber[2]*beat), (dy-chamber[1])/(chamber[3]*beat)
					if d := u*u + v*v; d < 1 {
						tissue = 14 + 10*speckle.v[y*width+x]
						flow = (1 - d) * math.Sin(phase+chamber[1]*4)
					}
				}
				gray := math.Max(0, math.Min(255, tissue*(1.15-0.5*r)))
				c = color.RGBA{
					uint8(math.Min(255, gray+200*math.Max(0, flow))), uint8(gray + 30*math.Abs(flow)),
					uint8(math.Min(255, gray+220*math.Max(0, -flow))), 255,
				}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 88}); err != nil {
		panic(err) // writing to memory
	}
	if b.Len()%2 == 1 {
		b.WriteByte(0) // PS3.5 A.4: fragments have an even length
	}
	return b.Bytes()
}
