package dicomtest

import (
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

const (
	chestSize      = 512
	chestSlices    = 24
	chestSpacing   = 0.75 // mm
	chestThickness = 8.0  // mm
)

var chest = Study{
	Patient:            Patient{"DEMO^AURORA", "NOCTIS-001", "19610412", "F"},
	Name:               "chest",
	Date:               "20260302",
	Time:               "081530",
	Description:        "CT chest with contrast",
	Accession:          "A1001",
	ReferringPhysician: "REFERRER^ROBIN",
}

// Chest is a CT of the chest: a series of slices, a segmentation of the nodule in them, and a report that measures it.
func Chest() []Instance {
	slices := CT(Series{chest, 1, "CT", "Chest 8 mm"}, chestSlices, chestSize)
	return append(slices, noduleSegmentation(slices), noduleReport(slices))
}

// CT draws a series of slices of size x size pixels, from apex to base, 16 bits signed, in Hounsfield units.
func CT(series Series, slices, size int) []Instance {
	spacing := chestSpacing * chestSize / float64(size)
	instances := make([]Instance, slices)
	for i := range slices {
		z := float64(i) / float64(max(1, slices-1))
		picture := thorax(size, z)
		picture.noise(50, uint64(i))
		ds := series.Instance(ctImage, i+1)
		monochrome(ds, "MONOCHROME2", size, size, 16, true,
			picture.little16(func(v float64) int { return clamp(v, -1024, 3071) }))
		set(ds,
			dicom.ImageType, `ORIGINAL\PRIMARY\AXIAL`,
			dicom.BodyPartExamined, "CHEST",
			dicom.SliceThickness, chestThickness,
			dicom.KVP, "120",
			dicom.PatientPosition, "HFS",
			dicom.AcquisitionNumber, 1,
			dicom.FrameOfReferenceUID, UID(series.Study.Name, "frame of reference"),
			dicom.PositionReferenceIndicator, "",
			dicom.ImagePositionPatient, position(size, spacing, i),
			dicom.ImageOrientationPatient, `1\0\0\0\1\0`,
			dicom.SliceLocation, -chestThickness*float64(i),
			dicom.PixelSpacing, []float64{spacing, spacing},
			dicom.RescaleIntercept, "0", dicom.RescaleSlope, "1", dicom.RescaleType, "HU",
			dicom.WindowCenter, `40\-600`, dicom.WindowWidth, `400\1500`,
			dicom.WindowCenterWidthExplanation, `MEDIASTINUM\LUNG`,
		)
		instances[i] = Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
	}
	return instances
}

// position is Image Position (Patient) of a slice: the centre of its first pixel.
func position(size int, spacing float64, slice int) []float64 {
	corner := -spacing * float64(size-1) / 2
	return []float64{corner, corner, -chestThickness * float64(slice)}
}

// noduleSegmentation outlines the nodule: a binary segmentation, one frame for each slice that shows it (PS3.3 A.51).
func noduleSegmentation(slices []Instance) Instance {
	source := slices[0].DataSet
	ds := Series{chest, 2, "SEG", "Nodule"}.Instance(segmentation, 1)
	var bits []byte
	var frames, references []*dicom.DataSet
	for i, slice := range slices {
		d := math.Abs(float64(i)/float64(len(slices)-1) - noduleZ)
		if d >= noduleRadius {
			continue
		}
		radius := math.Sqrt(noduleRadius*noduleRadius-d*d) * 0.8
		mask := newCanvas(chestSize, chestSize, 0)
		mask.ellipse(noduleX, noduleY, radius, radius, 0, 1)
		bits = append(bits, packBits(mask.v)...) // 512 x 512 bits are whole bytes
		reference := item(
			dicom.ReferencedSOPClassUID, dicom.UID(ctImage),
			dicom.ReferencedSOPInstanceUID, slice.DataSet.UID(dicom.SOPInstanceUID))
		references = append(references, reference)
		frames = append(frames, item(
			dicom.DerivationImageSequence, item(
				dicom.DerivationCodeSequence, code("113076", "DCM", "Segmentation"),
				dicom.SourceImageSequence, item(
					dicom.ReferencedSOPClassUID, dicom.UID(ctImage),
					dicom.ReferencedSOPInstanceUID, slice.DataSet.UID(dicom.SOPInstanceUID),
					dicom.PurposeOfReferenceCodeSequence, code("121322", "DCM", "Source Image for Image Processing Operation"))),
			dicom.FrameContentSequence, item(dicom.DimensionIndexValues, []int64{1, int64(len(frames) + 1)}),
			dicom.PlanePositionSequence, item(dicom.ImagePositionPatient, position(chestSize, chestSpacing, i)),
			dicom.SegmentIdentificationSequence, item(dicom.ReferencedSegmentNumber, 1),
		))
	}
	dimension := UID("chest", "dimensions")
	set(ds,
		dicom.ImageType, `DERIVED\PRIMARY`,
		dicom.FrameOfReferenceUID, source.UID(dicom.FrameOfReferenceUID),
		dicom.DeviceSerialNumber, "1", dicom.SoftwareVersions, "1",
		dicom.ReferencedSeriesSequence, item(
			dicom.ReferencedInstanceSequence, references,
			dicom.SeriesInstanceUID, source.UID(dicom.SeriesInstanceUID)),
		dicom.DimensionOrganizationSequence, item(dicom.DimensionOrganizationUID, dimension),
		dicom.DimensionIndexSequence, []*dicom.DataSet{
			item(dicom.DimensionOrganizationUID, dimension, dicom.DimensionIndexPointer, dicom.ReferencedSegmentNumber,
				dicom.FunctionalGroupPointer, dicom.SegmentIdentificationSequence),
			item(dicom.DimensionOrganizationUID, dimension, dicom.DimensionIndexPointer, dicom.ImagePositionPatient,
				dicom.FunctionalGroupPointer, dicom.PlanePositionSequence),
		},
		dicom.SamplesPerPixel, 1, dicom.PhotometricInterpretation, "MONOCHROME2",
		dicom.NumberOfFrames, len(frames), dicom.Rows, chestSize, dicom.Columns, chestSize,
		dicom.BitsAllocated, 1, dicom.BitsStored, 1, dicom.HighBit, 0, dicom.PixelRepresentation, 0,
		dicom.LossyImageCompression, "00",
		dicom.SegmentationType, "BINARY", dicom.ContentLabel, "NODULE", dicom.ContentDescription, "Pulmonary nodule",
		dicom.ContentCreatorName, "DEMO^READER",
		dicom.SegmentSequence, item(
			dicom.SegmentedPropertyCategoryCodeSequence, code("49755003", "SCT", "Morphologically Abnormal Structure"),
			dicom.SegmentNumber, 1, dicom.SegmentLabel, "Nodule", dicom.SegmentAlgorithmType, "MANUAL",
			dicom.SegmentedPropertyTypeCodeSequence, code("27925004", "SCT", "Nodule"),
			dicom.RecommendedDisplayCIELabValue, []int64{43803, 53500, 48000}),
		dicom.SharedFunctionalGroupsSequence, item(
			dicom.PlaneOrientationSequence, item(dicom.ImageOrientationPatient, `1\0\0\0\1\0`),
			dicom.PixelMeasuresSequence, item(
				dicom.SliceThickness, chestThickness, dicom.SpacingBetweenSlices, chestThickness,
				dicom.PixelSpacing, []float64{chestSpacing, chestSpacing})),
		dicom.PerFrameFunctionalGroupsSequence, frames,
	)
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bytes(bits)})
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}

// packBits packs samples of 0 and 1 into bytes, the first into the lowest bit (PS3.5 8.1.1).
func packBits(samples []float64) []byte {
	out := make([]byte, (len(samples)+7)/8)
	for i, v := range samples {
		if v > 0.5 {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return out
}

// noduleReport is a measurement report (PS3.16 TID 1500) with the nodule's diameter.
func noduleReport(slices []Instance) Instance {
	middle := slices[int(noduleZ*float64(len(slices)-1))].DataSet
	diameter := 2 * noduleRadius * 0.8 * chestSize * chestSpacing / 2
	ds := Series{chest, 3, "SR", "Measurements"}.Instance(comprehensiveSR, 1)
	set(ds,
		dicom.ReferencedPerformedProcedureStepSequence, []*dicom.DataSet(nil),
		dicom.CompletionFlag, "COMPLETE", dicom.VerificationFlag, "UNVERIFIED",
		dicom.PerformedProcedureCodeSequence, []*dicom.DataSet(nil),
		dicom.CurrentRequestedProcedureEvidenceSequence, item(
			dicom.ReferencedSeriesSequence, item(
				dicom.ReferencedSOPSequence, item(
					dicom.ReferencedSOPClassUID, dicom.UID(ctImage),
					dicom.ReferencedSOPInstanceUID, middle.UID(dicom.SOPInstanceUID)),
				dicom.SeriesInstanceUID, middle.UID(dicom.SeriesInstanceUID)),
			dicom.StudyInstanceUID, chest.UID()),
		dicom.ValueType, "CONTAINER",
		dicom.ConceptNameCodeSequence, code("126000", "DCM", "Imaging Measurement Report"),
		dicom.ContinuityOfContent, "SEPARATE",
		dicom.ContentTemplateSequence, item(dicom.MappingResource, "DCMR", dicom.TemplateIdentifier, "1500"),
		dicom.ContentSequence, []*dicom.DataSet{
			item(dicom.RelationshipType, "HAS CONCEPT MOD", dicom.ValueType, "CODE",
				dicom.ConceptNameCodeSequence, code("121049", "DCM", "Language of Content Item and Descendants"),
				dicom.ConceptCodeSequence, code("en", "RFC5646", "English")),
			item(dicom.RelationshipType, "CONTAINS", dicom.ValueType, "CONTAINER",
				dicom.ConceptNameCodeSequence, code("126010", "DCM", "Imaging Measurements"),
				dicom.ContinuityOfContent, "SEPARATE",
				dicom.ContentSequence, measurementGroup(middle, diameter)),
		},
	)
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}

func measurementGroup(slice *dicom.DataSet, diameter float64) *dicom.DataSet {
	image := item(dicom.RelationshipType, "SELECTED FROM", dicom.ValueType, "IMAGE",
		dicom.ReferencedSOPSequence, item(
			dicom.ReferencedSOPClassUID, dicom.UID(ctImage),
			dicom.ReferencedSOPInstanceUID, slice.UID(dicom.SOPInstanceUID)))
	centre := [2]float64{chestSize * (noduleX + 1) / 2, chestSize * (noduleY + 1) / 2}
	half := diameter / chestSpacing / 2
	return item(dicom.RelationshipType, "CONTAINS", dicom.ValueType, "CONTAINER",
		dicom.ConceptNameCodeSequence, code("125007", "DCM", "Measurement Group"),
		dicom.ContinuityOfContent, "SEPARATE",
		dicom.ContentSequence, []*dicom.DataSet{
			item(dicom.RelationshipType, "HAS OBS CONTEXT", dicom.ValueType, "TEXT",
				dicom.ConceptNameCodeSequence, code("112039", "DCM", "Tracking Identifier"),
				dicom.TextValue, "Nodule 1"),
			item(dicom.RelationshipType, "HAS OBS CONTEXT", dicom.ValueType, "UIDREF",
				dicom.ConceptNameCodeSequence, code("112040", "DCM", "Tracking Unique Identifier"),
				dicom.UIDAttribute, UID("chest", "nodule 1")),
			item(dicom.RelationshipType, "CONTAINS", dicom.ValueType, "NUM",
				dicom.ConceptNameCodeSequence, code("81827009", "SCT", "Diameter"),
				dicom.MeasuredValueSequence, item(
					dicom.MeasurementUnitsCodeSequence, code("mm", "UCUM", "millimeter"),
					dicom.NumericValue, math.Round(diameter*10)/10),
				dicom.ContentSequence, item(
					dicom.RelationshipType, "INFERRED FROM", dicom.ValueType, "SCOORD",
					dicom.GraphicType, "POLYLINE",
					dicom.GraphicData, []float64{centre[0] - half, centre[1], centre[0] + half, centre[1]},
					dicom.ContentSequence, image)),
		})
}
