package procedure

import (
	"fmt"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// usage is a row of PS3.4 Table F.7.2-1: the type that an attribute has for the SCP when a step is created, and when it is updated. A row of
// a sequence holds those of its items, which have the same types at both times. Attributes of type 3 that may be updated, and ask for nothing, have no row.
type usage struct {
	tag    dicom.Tag
	create attributeType
	set    attributeType
	items  []usage
}

// attributeType is a type of PS3.5 7.4, as far as it asks for something.
type attributeType uint8

const (
	optional   attributeType = iota // type 3
	notAllowed                      // may not be changed
	present                         // type 2: there, if only empty
	valued                          // type 1
)

// reference are the attributes of PS3.3 Table 10-11.
var reference = []usage{{dicom.ReferencedSOPClassUID, valued, valued, nil}, {dicom.ReferencedSOPInstanceUID, valued, valued, nil}}

// code are those of the code macros that want a meaning (Tables F.7.2-1a and F.7.2-1c).
var code = []usage{{dicom.CodeMeaning, valued, valued, nil}}

// image are those of an item of Referenced Image Sequence.
var image = append(slices.Clone(reference), usage{dicom.SpecimenDescriptionSequence, optional, optional, []usage{
	{dicom.SpecimenIdentifier, valued, valued, nil}, {dicom.SpecimenUID, valued, valued, nil},
}})

var performedTable = []usage{
	// Performed Procedure Step Relationship
	{dicom.ScheduledStepAttributesSequence, valued, notAllowed, []usage{
		{dicom.StudyInstanceUID, valued, notAllowed, nil},
		{dicom.ReferencedStudySequence, present, notAllowed, reference},
		{dicom.AccessionNumber, present, notAllowed, nil},
		{dicom.RequestedProcedureID, present, notAllowed, nil},
		{dicom.RequestedProcedureCodeSequence, optional, notAllowed, code},
		{dicom.RequestedProcedureDescription, present, notAllowed, nil},
		{dicom.ScheduledProcedureStepID, present, notAllowed, nil},
		{dicom.ScheduledProcedureStepDescription, present, notAllowed, nil},
		{dicom.ScheduledProtocolCodeSequence, present, notAllowed, code},
	}},
	{dicom.PatientName, present, notAllowed, nil},
	{dicom.PatientID, present, notAllowed, nil},
	{dicom.IssuerOfPatientID, optional, notAllowed, nil},
	{dicom.IssuerOfPatientIDQualifiersSequence, optional, notAllowed, nil},
	{dicom.OtherPatientIDsSequence, optional, notAllowed, nil},
	{dicom.PatientBirthDate, present, notAllowed, nil},
	{dicom.PatientSex, present, notAllowed, nil},
	{dicom.ReferencedPatientSequence, present, notAllowed, reference},
	{dicom.AdmissionID, optional, notAllowed, nil},
	{dicom.IssuerOfAdmissionIDSequence, optional, notAllowed, nil},
	{dicom.ServiceEpisodeID, optional, notAllowed, nil},
	{dicom.IssuerOfServiceEpisodeIDSequence, optional, notAllowed, nil},
	{dicom.ServiceEpisodeDescription, optional, notAllowed, nil},
	// Performed Procedure Step Information
	{dicom.PerformedProcedureStepID, valued, notAllowed, nil},
	{dicom.PerformedStationAETitle, valued, notAllowed, nil},
	{dicom.PerformedStationName, present, notAllowed, nil},
	{dicom.PerformedLocation, present, notAllowed, nil},
	{dicom.PerformedProcedureStepStartDate, valued, notAllowed, nil},
	{dicom.PerformedProcedureStepStartTime, valued, notAllowed, nil},
	{dicom.PerformedProcedureStepStatus, valued, optional, nil},
	{dicom.PerformedProcedureStepDescription, present, optional, nil},
	{dicom.PerformedProcedureTypeDescription, present, optional, nil},
	{dicom.ProcedureCodeSequence, present, optional, nil},
	{dicom.ReasonForPerformedProcedureCodeSequence, optional, optional, code},
	{dicom.PerformedProcedureStepEndDate, present, optional, nil},
	{dicom.PerformedProcedureStepEndTime, present, optional, nil},
	{dicom.PerformedProcedureStepDiscontinuationReasonCodeSequence, optional, optional, code},
	// Image Acquisition Results
	{dicom.Modality, valued, notAllowed, nil},
	{dicom.StudyID, present, notAllowed, nil},
	{dicom.PerformedProtocolCodeSequence, present, optional, nil},
	{dicom.PerformedSeriesSequence, present, optional, []usage{
		{dicom.PerformingPhysicianName, present, present, nil},
		{dicom.ProtocolName, valued, valued, nil},
		{dicom.OperatorsName, present, present, nil},
		{dicom.SeriesInstanceUID, valued, valued, nil},
		{dicom.SeriesDescription, present, present, nil},
		{dicom.RetrieveAETitle, present, present, nil},
		{dicom.ReferencedImageSequence, present, present, image},
		{dicom.ReferencedNonImageCompositeSOPInstanceSequence, present, present, reference},
	}},
}

// finalTable is the column of the final state, where it asks for more: it applies to COMPLETED and DISCONTINUED alike. Every step has a series
// at its end, though perhaps one without images.
var finalTable = []dicom.Tag{dicom.PerformedProcedureStepEndDate, dicom.PerformedProcedureStepEndTime, dicom.PerformedSeriesSequence}

// complete makes a data set what the rows ask for: what is of type 2 is there afterwards, in the items too.
func complete(ds *dicom.DataSet, table []usage) error {
	for _, row := range table {
		if row.create == valued && !hasValue(ds, row.tag) {
			return fmt.Errorf("%s is required (PS3.4 Table F.7.2-1)", row.tag.Keyword())
		}
		if row.tag.VR() == dicom.UI && row.create == valued && !ds.UID(row.tag).Valid() {
			return fmt.Errorf("%s is no UID (PS3.5 9.1)", row.tag.Keyword())
		}
		if row.create == present {
			setEmpty(ds, []dicom.Tag{row.tag})
		}
		if err := completeItems(ds, row); err != nil {
			return err
		}
	}
	return nil
}

func completeItems(ds *dicom.DataSet, row usage) error {
	given := ds.Items(row.tag)
	if row.items == nil || len(given) == 0 {
		return nil
	}
	items := make([]*dicom.DataSet, len(given))
	for i, item := range given {
		items[i] = item.Clone()
		if err := complete(items[i], row.items); err != nil {
			return fmt.Errorf("item %d of %s: %w", i+1, row.tag.Keyword(), err)
		}
	}
	ds.SetItems(row.tag, items...)
	return nil
}

// hasValue reports whether an attribute has a value that is not empty, or items.
func hasValue(ds *dicom.DataSet, t dicom.Tag) bool {
	e, _ := ds.Get(t)
	return e.HasValue()
}

// rowOf is the row of an attribute at the top level.
func rowOf(t dicom.Tag) usage {
	for _, row := range performedTable {
		if row.tag == t {
			return row
		}
	}
	return usage{tag: t}
}
