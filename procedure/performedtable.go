package procedure

import (
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/usage"
)

// attribute is a row of PS3.4 Table F.7.2-1: the type that an attribute has for the SCP when a step is created, and when it is updated. The items of
// a sequence have the same types at both times. Attributes of type 3 that may be updated, and ask for nothing, have no row.
type attribute struct {
	tag    dicom.Tag
	create usage.Type
	set    attributeChange
	items  *usage.Table
}

// attributeChange is what an update may do.
type attributeChange bool

const (
	mayChange  attributeChange = true
	notAllowed attributeChange = false
)

// scheduled, image and series are the tables of items.
var (
	scheduled = &usage.Table{Rows: []usage.Row{
		{Tag: dicom.StudyInstanceUID, Type: usage.Valued},
		{Tag: dicom.ReferencedStudySequence, Type: usage.Present, Items: usage.Reference},
		{Tag: dicom.AccessionNumber, Type: usage.Present},
		{Tag: dicom.IssuerOfAccessionNumberSequence, Items: usage.Designator},
		{Tag: dicom.OrderPlacerIdentifierSequence, Items: usage.Designator},
		{Tag: dicom.OrderFillerIdentifierSequence, Items: usage.Designator},
		{Tag: dicom.RequestedProcedureID, Type: usage.Present},
		{Tag: dicom.RequestedProcedureCodeSequence, Items: usage.Code},
		{Tag: dicom.RequestedProcedureDescription, Type: usage.Present},
		{Tag: dicom.ScheduledProcedureStepID, Type: usage.Present},
		{Tag: dicom.ScheduledProcedureStepDescription, Type: usage.Present},
		{Tag: dicom.ScheduledProtocolCodeSequence, Type: usage.Present, Items: usage.Code},
	}}
	image = usage.Reference.With(usage.Row{Tag: dicom.SpecimenDescriptionSequence, Items: &usage.Table{Rows: []usage.Row{
		{Tag: dicom.SpecimenIdentifier, Type: usage.Valued}, {Tag: dicom.SpecimenUID, Type: usage.Valued},
	}}})
	series = &usage.Table{Rows: []usage.Row{
		{Tag: dicom.PerformingPhysicianName, Type: usage.Present},
		{Tag: dicom.ProtocolName, Type: usage.Valued},
		{Tag: dicom.OperatorsName, Type: usage.Present},
		{Tag: dicom.SeriesInstanceUID, Type: usage.Valued},
		{Tag: dicom.SeriesDescription, Type: usage.Present},
		{Tag: dicom.RetrieveAETitle, Type: usage.Present},
		{Tag: dicom.ReferencedImageSequence, Type: usage.Present, Items: image},
		{Tag: dicom.ReferencedNonImageCompositeSOPInstanceSequence, Type: usage.Present, Items: usage.Reference},
	}}
)

var performedTable = []attribute{
	// Performed Procedure Step Relationship
	{dicom.ScheduledStepAttributesSequence, usage.Valued, notAllowed, scheduled},
	{dicom.PatientName, usage.Present, notAllowed, nil},
	{dicom.PatientID, usage.Present, notAllowed, nil},
	{dicom.IssuerOfPatientID, usage.Optional, notAllowed, nil},
	{dicom.IssuerOfPatientIDQualifiersSequence, usage.Optional, notAllowed, usage.Issuer.Items},
	{dicom.OtherPatientIDsSequence, usage.Optional, notAllowed, nil},
	{dicom.PatientBirthDate, usage.Present, notAllowed, nil},
	{dicom.PatientSex, usage.Present, notAllowed, nil},
	{dicom.ReferencedPatientSequence, usage.Present, notAllowed, usage.Reference},
	{dicom.AdmissionID, usage.Optional, notAllowed, nil},
	{dicom.IssuerOfAdmissionIDSequence, usage.Optional, notAllowed, usage.Designator},
	{dicom.ServiceEpisodeID, usage.Optional, notAllowed, nil},
	{dicom.IssuerOfServiceEpisodeIDSequence, usage.Optional, notAllowed, usage.Designator},
	{dicom.ServiceEpisodeDescription, usage.Optional, notAllowed, nil},
	// Performed Procedure Step Information
	{dicom.PerformedProcedureStepID, usage.Valued, notAllowed, nil},
	{dicom.PerformedStationAETitle, usage.Valued, notAllowed, nil},
	{dicom.PerformedStationName, usage.Present, notAllowed, nil},
	{dicom.PerformedLocation, usage.Present, notAllowed, nil},
	{dicom.PerformedProcedureStepStartDate, usage.Valued, notAllowed, nil},
	{dicom.PerformedProcedureStepStartTime, usage.Valued, notAllowed, nil},
	{dicom.PerformedProcedureStepStatus, usage.Valued, mayChange, nil},
	{dicom.PerformedProcedureStepDescription, usage.Present, mayChange, nil},
	{dicom.PerformedProcedureTypeDescription, usage.Present, mayChange, nil},
	{dicom.ProcedureCodeSequence, usage.Present, mayChange, usage.BareCode},
	{dicom.ReasonForPerformedProcedureCodeSequence, usage.Optional, mayChange, usage.Code},
	{dicom.PerformedProcedureStepEndDate, usage.Present, mayChange, nil},
	{dicom.PerformedProcedureStepEndTime, usage.Present, mayChange, nil},
	{dicom.PerformedProcedureStepDiscontinuationReasonCodeSequence, usage.Optional, mayChange, usage.Code},
	// Image Acquisition Results
	{dicom.Modality, usage.Valued, notAllowed, nil},
	{dicom.StudyID, usage.Present, notAllowed, nil},
	{dicom.PerformedProtocolCodeSequence, usage.Present, mayChange, usage.BareCode},
	{dicom.PerformedSeriesSequence, usage.Present, mayChange, series},
}

// finalTable is the column of the final state, where it asks for more: it applies to COMPLETED and DISCONTINUED alike. Every step has a series
// at its end, though perhaps one without images.
var finalTable = []dicom.Tag{dicom.PerformedProcedureStepEndDate, dicom.PerformedProcedureStepEndTime, dicom.PerformedSeriesSequence}

// whole is the table for a step that is created.
func whole() *usage.Table {
	all := &usage.Table{}
	for _, row := range performedTable {
		all.Rows = append(all.Rows, usage.Row{Tag: row.tag, Type: row.create, Items: row.items})
	}
	return all
}

// complete makes a data set what a table asks for.
func complete(ds *dicom.DataSet, table *usage.Table) error {
	if err := table.Complete(ds); err != nil {
		return invalid("%v (PS3.4 Table F.7.2-1)", err)
	}
	return nil
}

// rowOf is the row of an attribute at the top level.
func rowOf(t dicom.Tag) attribute {
	for _, row := range performedTable {
		if row.tag == t {
			return row
		}
	}
	return attribute{tag: t, set: mayChange}
}
