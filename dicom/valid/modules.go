package valid

import (
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// module is attributes of the top level that must be there (PS3.3): those of type 1 with a value, those of type 2 perhaps without.
type module struct {
	one, two []dicom.Tag
}

// common are the modules of every composite instance of a patient (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.12.1).
var common = module{
	one: []dicom.Tag{dicom.SOPClassUID, dicom.SOPInstanceUID, dicom.StudyInstanceUID, dicom.SeriesInstanceUID, dicom.Modality},
	two: []dicom.Tag{
		dicom.PatientName, dicom.PatientID, dicom.PatientBirthDate, dicom.PatientSex, dicom.StudyDate, dicom.StudyTime, dicom.StudyID,
		dicom.AccessionNumber, dicom.ReferringPhysicianName, dicom.SeriesNumber,
	},
}

// nonPatient is that of composite instances of no patient (PS3.3 C.12.1).
var nonPatient = module{one: []dicom.Tag{dicom.SOPClassUID, dicom.SOPInstanceUID}}

// imagePixel is that of images with pixel data (PS3.3 C.7.6.3).
var imagePixel = module{one: []dicom.Tag{
	dicom.SamplesPerPixel, dicom.PhotometricInterpretation, dicom.Rows, dicom.Columns, dicom.BitsAllocated, dicom.BitsStored,
	dicom.HighBit, dicom.PixelRepresentation,
}}

// plane is position and orientation, and the frame of reference that they are in (PS3.3 C.7.6.2, C.7.4.1).
var plane = []dicom.Tag{dicom.FrameOfReferenceUID, dicom.PixelSpacing, dicom.ImageOrientationPatient, dicom.ImagePositionPatient}

// enhanced is that of images with functional groups (PS3.3 C.7.6.16).
var enhanced = module{one: []dicom.Tag{
	dicom.InstanceNumber, dicom.ContentDate, dicom.ContentTime, dicom.NumberOfFrames, dicom.SharedFunctionalGroupsSequence,
	dicom.PerFrameFunctionalGroupsSequence,
}}

var (
	report = module{one: []dicom.Tag{
		dicom.InstanceNumber, dicom.CompletionFlag, dicom.VerificationFlag, dicom.ContentDate, dicom.ContentTime, dicom.ValueType,
		dicom.ConceptNameCodeSequence, dicom.ContinuityOfContent,
	}, two: []dicom.Tag{dicom.PerformedProcedureCodeSequence}}
	document = module{one: []dicom.Tag{
		dicom.InstanceNumber, dicom.BurnedInAnnotation, dicom.MIMETypeOfEncapsulatedDocument, dicom.EncapsulatedDocument,
	}, two: []dicom.Tag{dicom.ContentDate, dicom.ContentTime, dicom.DocumentTitle, dicom.ConceptNameCodeSequence}}
	waveform = module{one: []dicom.Tag{
		dicom.InstanceNumber, dicom.ContentDate, dicom.ContentTime, dicom.AcquisitionDateTime, dicom.WaveformSequence,
	}}
)

// modules by the beginning of the SOP Class UID behind 1.2.840.10008.5.1.4.1.1 (PS3.4 B.5); the longest that fits counts.
var modules = map[string]module{
	".1": {two: []dicom.Tag{dicom.InstanceNumber}},
	".2": {
		one: append([]dicom.Tag{dicom.ImageType, dicom.RescaleIntercept, dicom.RescaleSlope}, plane...),
		two: []dicom.Tag{dicom.InstanceNumber, dicom.AcquisitionNumber, dicom.SliceThickness, dicom.KVP},
	},
	".4": {
		one: append([]dicom.Tag{dicom.ImageType, dicom.ScanningSequence, dicom.SequenceVariant}, plane...),
		two: []dicom.Tag{dicom.InstanceNumber, dicom.SliceThickness, dicom.ScanOptions, dicom.MRAcquisitionType, dicom.EchoTime, dicom.EchoTrainLength},
	},
	".2.1": enhanced, ".4.1": enhanced, ".4.3": enhanced, ".130": enhanced, ".12.1.1": enhanced, ".12.2.1": enhanced,
	".66.4": {
		one: append([]dicom.Tag{dicom.SegmentationType, dicom.SegmentSequence, dicom.ContentLabel}, enhanced.one...),
		two: []dicom.Tag{dicom.ContentDescription, dicom.ContentCreatorName},
	},
	".7": {one: []dicom.Tag{dicom.ConversionType}, two: []dicom.Tag{dicom.InstanceNumber}},
	".9": waveform,
	".11.1": {one: []dicom.Tag{
		dicom.InstanceNumber, dicom.ContentLabel, dicom.PresentationCreationDate, dicom.PresentationCreationTime, dicom.PresentationLUTShape,
	}, two: []dicom.Tag{dicom.ContentDescription, dicom.ContentCreatorName}},
	".88": report,
	".88.59": {one: []dicom.Tag{
		dicom.InstanceNumber, dicom.ContentDate, dicom.ContentTime, dicom.ValueType, dicom.ConceptNameCodeSequence,
		dicom.CurrentRequestedProcedureEvidenceSequence,
	}},
	".104": document,
	".128": {
		one: append([]dicom.Tag{dicom.ImageType, dicom.Units, dicom.CountsSource, dicom.SeriesType, dicom.DecayCorrection,
			dicom.FrameReferenceTime, dicom.ImageIndex, dicom.RescaleIntercept, dicom.RescaleSlope}, plane...),
		two: []dicom.Tag{dicom.InstanceNumber, dicom.CollimatorType, dicom.CorrectedImage},
	},
	".481.2": {one: []dicom.Tag{dicom.DoseUnits, dicom.DoseType, dicom.DoseSummationType}},
	".481.3": {
		one: []dicom.Tag{dicom.StructureSetLabel, dicom.StructureSetROISequence, dicom.ROIContourSequence, dicom.RTROIObservationsSequence},
		two: []dicom.Tag{dicom.StructureSetDate, dicom.StructureSetTime},
	},
	".481.5": {one: []dicom.Tag{dicom.RTPlanLabel, dicom.RTPlanGeometry}, two: []dicom.Tag{dicom.RTPlanDate, dicom.RTPlanTime}},
}

// moduleOf is what instances of the SOP class need beside common; nothing where it is not known.
func moduleOf(class dicom.UID) module {
	rest, ofStorage := strings.CutPrefix(string(class), "1.2.840.10008.5.1.4.1.1")
	for ofStorage && strings.HasPrefix(rest, ".") {
		if m, found := modules[rest]; found {
			// A class that is longer by a component is another one, but for families that have their attributes in common.
			if string(class) == "1.2.840.10008.5.1.4.1.1"+rest || rest == ".1" || rest == ".9" || rest == ".88" || rest == ".104" {
				return m
			}
		}
		rest = rest[:strings.LastIndexByte(rest, '.')]
	}
	return module{}
}

// modules looks for the attributes that must be there.
func (c *check) modules(ds *dicom.DataSet) {
	of := common
	if dicom.ResourceOf(ds.UID(dicom.SOPClassUID)) != "" {
		of = nonPatient
	}
	needed := []module{of, moduleOf(ds.UID(dicom.SOPClassUID))}
	if ds.Has(dicom.PixelData) {
		needed = append(needed, imagePixel)
		if e, _ := ds.Get(dicom.SamplesPerPixel); isMoreThanOne(e.Value) {
			needed = append(needed, module{one: []dicom.Tag{dicom.PlanarConfiguration}})
		}
		if ds.String(dicom.PhotometricInterpretation) == "PALETTE COLOR" {
			needed = append(needed, module{one: []dicom.Tag{
				dicom.RedPaletteColorLookupTableDescriptor, dicom.GreenPaletteColorLookupTableDescriptor, dicom.BluePaletteColorLookupTableDescriptor,
			}})
		}
	}
	for _, m := range needed {
		for _, t := range m.one {
			switch e, there := ds.Get(t); {
			case !there:
				c.add(nil, t, "missing, type 1")
			case e.Value == nil:
				c.add(nil, t, "empty, type 1")
			}
		}
		for _, t := range m.two {
			if !ds.Has(t) {
				c.add(nil, t, "missing, type 2")
			}
		}
	}
}

func isMoreThanOne(v dicom.Value) bool {
	n, ok := v.(dicom.Ints)
	return ok && len(n) > 0 && n[0] > 1
}
