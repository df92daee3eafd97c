package dicomtest

import "github.com/noctis-dicom/noctis/dicom"

const (
	comprehensive3DSR  = "1.2.840.10008.5.1.4.1.1.88.34"
	keyObjectSelection = "1.2.840.10008.5.1.4.1.1.88.59"
	ecgWaveform        = "1.2.840.10008.5.1.4.1.1.9.1.1"
	softcopyState      = "1.2.840.10008.5.1.4.1.1.11.1"
)

// content makes a content item (PS3.3 C.17.3): relationship, value type, concept, and pairs of tag and value.
func content(relationship, kind string, concept *dicom.DataSet, pairs ...any) *dicom.DataSet {
	ds := item(dicom.ValueType, kind)
	if relationship != "" {
		set(ds, dicom.RelationshipType, relationship)
	}
	if concept != nil {
		set(ds, dicom.ConceptNameCodeSequence, concept)
	}
	set(ds, pairs...)
	return ds
}

// reference makes the item that names an instance (PS3.3 10.8).
func reference(class, instance dicom.UID, pairs ...any) *dicom.DataSet {
	ds := item(dicom.ReferencedSOPClassUID, class, dicom.ReferencedSOPInstanceUID, instance)
	set(ds, pairs...)
	return ds
}

// EveryValue is a verified report with every value type, relationship and kind of reference of PS3.3 C.17 and C.18, of images of the
// study that Chest makes. Its texts hold what HTML and XML must escape.
func EveryValue() Instance {
	image, series := UID("chest", "CT", "Chest 8 mm", "12"), Series{chest, 1, "CT", "Chest 8 mm"}.UID()
	ds := Series{chest, 4, "SR", "Every value"}.Instance(comprehensive3DSR, 1)
	measured := func(value string, unit *dicom.DataSet) *dicom.DataSet {
		return item(dicom.MeasurementUnitsCodeSequence, unit, dicom.NumericValue, value)
	}
	region := content("INFERRED FROM", "SCOORD", code("111030", "DCM", "Image Region"),
		dicom.GraphicType, "ELLIPSE", dicom.GraphicData, []float64{10, 20, 30.5, 20, 20, 15, 20, 25},
		dicom.ContentSequence, content("SELECTED FROM", "IMAGE", nil, dicom.ReferencedSOPSequence,
			reference(ctImage, image, dicom.ReferencedSOPSequence, reference(softcopyState, UID("chest", "state")))))
	set(ds,
		dicom.CompletionFlag, "COMPLETE", dicom.CompletionFlagDescription, "Read & signed",
		dicom.PreliminaryFlag, "FINAL", dicom.VerificationFlag, "VERIFIED",
		dicom.VerifyingObserverSequence, item(dicom.VerifyingObserverName, "READER^ROBIN^^DR", dicom.VerifyingOrganization,
			"Synthetic Hospital", dicom.VerificationDateTime, "20260302101500.25+0100"),
		dicom.AuthorObserverSequence, item(dicom.ObserverType, "PSN", dicom.PersonName, "WRITER^SASHA"),
		dicom.ParticipantSequence, item(dicom.ParticipationType, "ENT", dicom.PersonName, "TYPIST^KIM", dicom.ParticipationDateTime, "20260302"),
		dicom.CurrentRequestedProcedureEvidenceSequence, item(
			dicom.ReferencedSeriesSequence, item(
				dicom.ReferencedSOPSequence, reference(ctImage, image), dicom.SeriesInstanceUID, series),
			dicom.StudyInstanceUID, chest.UID()),
		dicom.ValueType, "CONTAINER", dicom.ContinuityOfContent, "SEPARATE",
		dicom.ConceptNameCodeSequence, code("126000", "DCM", "Imaging Measurement Report"),
		dicom.ContentSequence, []*dicom.DataSet{
			content("HAS CONCEPT MOD", "CODE", code("121058", "DCM", "Procedure Reported"),
				dicom.ConceptCodeSequence, code("77477000", "SCT", "Computed Tomography")),
			content("HAS OBS CONTEXT", "PNAME", code("121008", "DCM", "Person Observer Name"), dicom.PersonName, "YAMADA^TAROU=山田^太郎"),
			content("CONTAINS", "CONTAINER", code("121070", "DCM", "Findings"), dicom.ContinuityOfContent, "SEPARATE",
				dicom.ContentSequence, []*dicom.DataSet{
					content("CONTAINS", "TEXT", code("121071", "DCM", "Finding"), dicom.ObservationDateTime, "20260302093000",
						dicom.TextValue, "<script>alert('1')</script> & a nodule\r\nof \"two\" lines"),
					content("CONTAINS", "NUM", code("81827009", "SCT", "Diameter"),
						dicom.MeasuredValueSequence, measured("12.5", code("mm", "UCUM", "millimeter")),
						dicom.ContentSequence, []*dicom.DataSet{
							content("HAS PROPERTIES", "CODE", code("121401", "DCM", "Derivation"),
								dicom.ConceptCodeSequence, code("373098007", "SCT", "Mean")), region}),
					content("CONTAINS", "NUM", code("118565006", "SCT", "Volume"),
						dicom.MeasuredValueSequence, []*dicom.DataSet(nil),
						dicom.NumericValueQualifierCodeSequence, code("114000", "DCM", "Not a number")),
					content("CONTAINS", "NUM", code("408711004", "SCT", "Count"),
						dicom.MeasuredValueSequence, measured("3", code("1", "UCUM", "no units"))),
					item(dicom.RelationshipType, "INFERRED FROM", dicom.ReferencedContentItemIdentifier, []int64{1, 3, 2}),
				}),
			content("CONTAINS", "CONTAINER", code("121064", "DCM", "Current Procedure Descriptions"), dicom.ContinuityOfContent, "CONTINUOUS",
				dicom.ContentSequence, []*dicom.DataSet{
					content("CONTAINS", "TEXT", nil, dicom.TextValue, "Given on"),
					content("CONTAINS", "DATE", code("111060", "DCM", "Study Date"), dicom.Date, "20260302"),
					content("CONTAINS", "TIME", code("111061", "DCM", "Study Time"), dicom.Time, "0815"),
					content("CONTAINS", "DATETIME", code("111527", "DCM", "DateTime Ended"), dicom.DateTime, "20260302083000"),
				}),
			content("CONTAINS", "CONTAINER", code("121112", "DCM", "Source of Measurement"), dicom.ContinuityOfContent, "SEPARATE",
				dicom.ContentSequence, []*dicom.DataSet{
					content("CONTAINS", "UIDREF", code("112040", "DCM", "Tracking Unique Identifier"), dicom.UIDAttribute, "1.2.3.4"),
					content("CONTAINS", "IMAGE", code("121191", "DCM", "Referenced Segment"), dicom.ReferencedSOPSequence,
						reference(segmentation, UID("elsewhere"), dicom.ReferencedFrameNumber, `2\3`, dicom.ReferencedSegmentNumber, 1)),
					content("CONTAINS", "COMPOSITE", code("126100", "DCM", "Real World Value Map used for measurement"),
						dicom.ReferencedSOPSequence, reference("1.2.840.10008.5.1.4.1.1.67", UID("map"))),
					content("CONTAINS", "SCOORD3D", code("111030", "DCM", "Image Region"), dicom.GraphicType, "POINT",
						dicom.GraphicData, []float64{-1.5, 2, 1000.25}, dicom.ReferencedFrameOfReferenceUID, UID("chest", "frame of reference")),
					content("CONTAINS", "TCOORD", code("122079", "DCM", "Time of interest"), dicom.TemporalRangeType, "SEGMENT",
						dicom.ReferencedTimeOffsets, `0.5\1.25`, dicom.ContentSequence,
						content("SELECTED FROM", "WAVEFORM", nil, dicom.ReferencedSOPSequence,
							reference(ecgWaveform, UID("ecg"), dicom.ReferencedWaveformChannels, []int64{1, 2}))),
				}),
		})
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}

// KeyObjects selects some images of the study that Chest makes (PS3.16 TID 2010).
func KeyObjects() Instance {
	var evidence []*dicom.DataSet
	items := []*dicom.DataSet{content("CONTAINS", "TEXT", code("113012", "DCM", "Key Object Description"), dicom.TextValue, "The nodule")}
	for _, number := range []string{"11", "12", "13"} {
		image := reference(ctImage, UID("chest", "CT", "Chest 8 mm", number))
		evidence = append(evidence, image)
		items = append(items, content("CONTAINS", "IMAGE", nil, dicom.ReferencedSOPSequence, image))
	}
	ds := Series{chest, 5, "KO", "Key images"}.Instance(keyObjectSelection, 1)
	set(ds,
		dicom.CurrentRequestedProcedureEvidenceSequence, item(
			dicom.ReferencedSeriesSequence, item(
				dicom.ReferencedSOPSequence, evidence, dicom.SeriesInstanceUID, Series{chest, 1, "CT", "Chest 8 mm"}.UID()),
			dicom.StudyInstanceUID, chest.UID()),
		dicom.ValueType, "CONTAINER", dicom.ContinuityOfContent, "SEPARATE",
		dicom.ConceptNameCodeSequence, code("113000", "DCM", "Of Interest"),
		dicom.ContentSequence, items)
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}
