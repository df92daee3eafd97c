package worklist

import (
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/usage"
)

// itemTables are the items of PS3.4 Table CC.2.5-3, at N-CREATE and N-SET alike. What is of type 1 is required; what is of type 2 is added empty,
// as at the top level, since clients leave it out (the exporter of dcm4chee sends a Referenced Request without a Requested Procedure ID).
// Conditions are judged where the data set alone tells them.
//
// Two rows ask for less than the table does, for the sake of those clients and of our own reading workitems: Referenced SOP Sequence may have no
// items, which means the whole study or series, and an Input Information that says nothing of where its instances are means this server.
var itemTables = map[dicom.Tag]*usage.Table{
	dicom.ScheduledProcessingParametersSequence:          contentItem,
	dicom.ScheduledStationNameCodeSequence:               usage.Code,
	dicom.ScheduledStationClassCodeSequence:              usage.Code,
	dicom.ScheduledStationGeographicLocationCodeSequence: usage.Code,
	dicom.ScheduledHumanPerformersSequence: {Rows: []usage.Row{
		{Tag: dicom.HumanPerformerCodeSequence, Type: usage.Valued, Items: usage.Code},
		{Tag: dicom.HumanPerformerName, Type: usage.Valued},
		{Tag: dicom.HumanPerformerOrganization, Type: usage.Valued},
	}},
	dicom.ScheduledWorkitemCodeSequence:       usage.Code,
	dicom.InputInformationSequence:            access,
	dicom.OutputDestinationSequence:           storage,
	dicom.IssuerOfPatientIDQualifiersSequence: usage.Issuer.Items,
	dicom.OtherPatientIDsSequence: {Rows: []usage.Row{
		{Tag: dicom.PatientID, Type: usage.Valued}, {Tag: dicom.IssuerOfPatientID, Type: usage.Present}, usage.Issuer,
	}},
	dicom.ReferencedPatientPhotoSequence: access,
	dicom.IssuerOfAdmissionIDSequence:    usage.Designator,
	dicom.AdmittingDiagnosesCodeSequence: usage.Code,
	dicom.ReferencedRequestSequence: {Rows: []usage.Row{
		{Tag: dicom.StudyInstanceUID, Type: usage.Valued},
		{Tag: dicom.AccessionNumber, Type: usage.Present},
		{Tag: dicom.IssuerOfAccessionNumberSequence, Type: usage.Present, Items: usage.Designator},
		{Tag: dicom.OrderPlacerIdentifierSequence, Type: usage.Present, Items: usage.Designator},
		{Tag: dicom.OrderFillerIdentifierSequence, Type: usage.Present, Items: usage.Designator},
		{Tag: dicom.RequestedProcedureID, Type: usage.Present},
		{Tag: dicom.RequestedProcedureDescription, Type: usage.Present},
		{Tag: dicom.RequestedProcedureCodeSequence, Type: usage.Present, Items: usage.Code},
		{Tag: dicom.ReasonForRequestedProcedureCodeSequence, Items: usage.Code},
		{Tag: dicom.RequestingServiceCodeSequence, Items: usage.Code},
	}},
	dicom.ReplacedProcedureStepSequence: usage.Reference,
	dicom.ProcedureStepProgressInformationSequence: {Rows: []usage.Row{
		{Tag: dicom.ProcedureStepProgressParametersSequence, Items: contentItem.With(usage.Row{Tag: dicom.ContentItemModifierSequence, Items: contentItem})},
		{Tag: dicom.ProcedureStepCommunicationsURISequence, Items: valued(dicom.ContactURI)},
		{Tag: dicom.ProcedureStepDiscontinuationReasonCodeSequence, Items: usage.Code},
	}},
	dicom.UnifiedProcedureStepPerformedProcedureSequence: {Rows: []usage.Row{
		{Tag: dicom.ActualHumanPerformersSequence, Items: &usage.Table{Rows: []usage.Row{{Tag: dicom.HumanPerformerCodeSequence, Items: usage.Code}}}},
		{Tag: dicom.PerformedStationNameCodeSequence, Items: usage.Code},
		{Tag: dicom.PerformedStationClassCodeSequence, Items: usage.Code},
		{Tag: dicom.PerformedStationGeographicLocationCodeSequence, Items: usage.Code},
		{Tag: dicom.PerformedWorkitemCodeSequence, Items: usage.Code},
		{Tag: dicom.PerformedProcessingParametersSequence, Items: contentItem},
		{Tag: dicom.OutputInformationSequence, Items: access},
	}},
}

func valued(t dicom.Tag) *usage.Table {
	return &usage.Table{Rows: []usage.Row{{Tag: t, Type: usage.Valued}}}
}

// contentItem is the UPS Content Item Macro (Table CC.2.5-2b). Value types that are not in it ask for nothing.
var contentItem = &usage.Table{
	Rows: []usage.Row{
		{Tag: dicom.ValueType, Type: usage.Valued},
		{Tag: dicom.ConceptNameCodeSequence, Type: usage.Valued, Items: usage.Code},
		{Tag: dicom.ConceptCodeSequence, Items: usage.Code},
		{Tag: dicom.MeasurementUnitsCodeSequence, Items: usage.Code},
	},
	Rules: []usage.Rule{
		usage.IfValue(dicom.ValueType, "DATETIME", dicom.DateTime),
		usage.IfValue(dicom.ValueType, "DATE", dicom.Date),
		usage.IfValue(dicom.ValueType, "TIME", dicom.Time),
		usage.IfValue(dicom.ValueType, "PNAME", dicom.PersonName),
		usage.IfValue(dicom.ValueType, "UIDREF", dicom.UIDAttribute),
		usage.IfValue(dicom.ValueType, "TEXT", dicom.TextValue),
		usage.IfValue(dicom.ValueType, "CODE", dicom.ConceptCodeSequence),
		usage.IfValue(dicom.ValueType, "NUMERIC", dicom.NumericValue, dicom.MeasurementUnitsCodeSequence),
	},
}

// access is the Referenced Instances and Access Macro (Table CC.2.5-2c).
var access = &usage.Table{
	Rows: []usage.Row{
		{Tag: dicom.TypeOfInstances, Type: usage.Valued},
		{Tag: dicom.ReferencedSOPSequence, Type: usage.Present, Items: usage.Reference},
		{Tag: dicom.DICOMRetrievalSequence, Items: valued(dicom.RetrieveAETitle)},
		{Tag: dicom.DICOMMediaRetrievalSequence, Items: valued(dicom.StorageMediaFileSetUID).With(usage.Row{Tag: dicom.StorageMediaFileSetID, Type: usage.Present})},
		{Tag: dicom.WADORetrievalSequence, Items: valued(dicom.RetrieveURI)},
		{Tag: dicom.XDSRetrievalSequence, Items: valued(dicom.RepositoryUniqueID)},
		{Tag: dicom.WADORSRetrievalSequence, Items: valued(dicom.RetrieveURL)},
	},
}

// storage is the Storage Macro (Table CC.2.5-2g).
var storage = &usage.Table{
	Rows: []usage.Row{
		{Tag: dicom.DICOMStorageSequence, Items: valued(dicom.DestinationAE)},
		{Tag: dicom.STOWRSStorageSequence, Items: valued(dicom.StorageURL)},
		{Tag: dicom.XDSStorageSequence, Items: valued(dicom.RepositoryUniqueID)},
	},
	Rules: []usage.Rule{usage.OneOf(dicom.DICOMStorageSequence, dicom.STOWRSStorageSequence, dicom.XDSStorageSequence)},
}

// withItems is an element with the items of a sequence completed; given is not changed. The error is a *Refusal.
func withItems(given dicom.Element) (dicom.Element, error) {
	table := itemTables[given.Tag]
	if table == nil {
		return given, nil
	}
	ds := &dicom.DataSet{}
	ds.Set(given)
	if err := (&usage.Table{Rows: []usage.Row{{Tag: given.Tag, Items: table}}}).Complete(ds); err != nil {
		return given, refuse(MissingAttribute, "%v (PS3.4 Table CC.2.5-3)", err)
	}
	completed, _ := ds.Get(given.Tag)
	return completed, nil
}
