package worklist

import (
	"github.com/noctis-dicom/noctis/dicom"
)

// finalCode says what a final state requires of an attribute (PS3.4 CC.2.5.1.1).
type finalCode byte

const (
	finalR finalCode = 'R' // a value in both
	finalP finalCode = 'P' // a value in COMPLETED
	finalX finalCode = 'X' // a value in CANCELED
	finalO finalCode = 'O' // nothing; RC counts as O, because only who performs a step can know its conditions
)

// requires reports whether an attribute of the code must have a value in the state.
func (c finalCode) requires(s State) bool {
	return c == finalR || c == finalP && s == Completed || c == finalX && s == Canceled
}

// createType is what N-CREATE requires of an attribute, of the client and, behind the slash, of the server.
type createType byte

const (
	create1   createType = '1' // 1/1: a value
	create21  createType = 'L' // 2/1: may be empty, and then gets a value here
	create2   createType = '2' // 2/2, and 1C/2, 2C/2C, 3/2: may be empty or missing
	createNot createType = '-' // not allowed: left out
	create3   createType = '3'
	createE   createType = 'E' // 2/2, and shall be created empty
)

// setType is what N-SET may do with an attribute.
type setType byte

const (
	set    setType = 'y'
	setNot setType = 'n' // not allowed: left as it is
)

// requirement is a row of PS3.4 Table CC.2.5-3. Attributes that are not in it are of type 3 throughout: they are taken as they come.
type requirement struct {
	tag    dicom.Tag
	create createType
	set    setType
	final  finalCode
	// returned: its return key is 1 or 2, and of attributes of type 1C those that come with them: a search has it unasked.
	returned bool
	items    []requirement
}

// requirements is the table, in its order, as far as it requires something.
var requirements = []requirement{
	{dicom.TransactionUID, createE, setNot, finalO, false, nil}, // never shown
	{dicom.SOPClassUID, createNot, setNot, finalR, true, nil},
	{dicom.SOPInstanceUID, createNot, setNot, finalR, true, nil},
	{dicom.SpecificCharacterSet, createNot, setNot, finalO, false, nil}, // always that of the web

	// Unified Procedure Step Scheduled Procedure Information
	{dicom.ScheduledProcedureStepPriority, create1, set, finalR, true, nil},
	{dicom.ScheduledProcedureStepModificationDateTime, createNot, setNot, finalR, true, nil},
	{dicom.ProcedureStepLabel, create1, set, finalO, true, nil},
	{dicom.WorklistLabel, create21, set, finalO, true, nil},
	{dicom.ScheduledProcessingParametersSequence, create2, set, finalO, true, nil},
	{dicom.ScheduledStationNameCodeSequence, create2, set, finalO, true, nil},
	{dicom.ScheduledStationClassCodeSequence, create2, set, finalO, true, nil},
	{dicom.ScheduledStationGeographicLocationCodeSequence, create2, set, finalO, true, nil},
	{dicom.ScheduledHumanPerformersSequence, create2, set, finalO, true, nil},
	{dicom.ScheduledProcedureStepStartDateTime, create1, set, finalR, true, nil},
	{dicom.ExpectedCompletionDateTime, create3, set, finalO, true, nil},
	{dicom.ScheduledWorkitemCodeSequence, create2, set, finalO, true, nil},
	{dicom.CommentsOnTheScheduledProcedureStep, create2, set, finalO, true, nil},
	{dicom.InputReadinessState, create1, set, finalR, true, nil},
	{dicom.InputInformationSequence, create2, set, finalO, true, nil},
	{dicom.StudyInstanceUID, create2, set, finalO, true, nil},

	// Unified Procedure Step Relationship
	{dicom.PatientName, create2, setNot, finalO, true, nil},
	{dicom.PatientID, create2, setNot, finalO, true, nil},
	{dicom.IssuerOfPatientID, create2, setNot, finalO, true, nil},
	{dicom.IssuerOfPatientIDQualifiersSequence, create2, setNot, finalO, true, nil},
	{dicom.OtherPatientIDsSequence, create2, set, finalO, true, nil},
	{dicom.PatientBirthDate, create2, setNot, finalO, true, nil},
	{dicom.PatientSex, create2, setNot, finalO, true, nil},
	{dicom.AdmissionID, create2, setNot, finalO, true, nil},
	{dicom.IssuerOfAdmissionIDSequence, create2, setNot, finalO, true, nil},
	{dicom.AdmittingDiagnosesDescription, create2, setNot, finalO, true, nil},
	{dicom.AdmittingDiagnosesCodeSequence, create2, setNot, finalO, true, nil},
	{dicom.ReferencedRequestSequence, create2, setNot, finalO, true, nil},
	{dicom.ReplacedProcedureStepSequence, create3, setNot, finalO, true, nil},

	// Patient Medical
	{dicom.MedicalAlerts, create2, set, finalO, true, nil},
	{dicom.PregnancyStatus, create2, set, finalO, true, nil},
	{dicom.SpecialNeeds, create2, set, finalO, true, nil},

	// Unified Procedure Step Progress Information
	{dicom.ProcedureStepState, create1, setNot, finalR, true, nil},
	{dicom.ProcedureStepProgressInformationSequence, createE, set, finalX, true, []requirement{
		{dicom.ProcedureStepCancellationDateTime, createNot, set, finalX, false, nil},
		{dicom.ProcedureStepDiscontinuationReasonCodeSequence, createNot, set, finalX, false, nil},
	}},

	// Unified Procedure Step Performed Procedure Information
	{dicom.UnifiedProcedureStepPerformedProcedureSequence, createE, set, finalP, true, []requirement{
		{dicom.PerformedStationNameCodeSequence, createNot, set, finalP, false, nil},
		{dicom.PerformedProcedureStepStartDateTime, createNot, set, finalP, false, nil},
		{dicom.PerformedWorkitemCodeSequence, createNot, set, finalP, false, nil},
		{dicom.PerformedProcedureStepEndDateTime, createNot, set, finalP, false, nil},
		// "If there are no relevant output objects, then this sequence may have no items": its presence is required.
		{dicom.OutputInformationSequence, createNot, set, finalO, false, nil},
	}},
}

// requirementOf finds the row of an attribute.
func requirementOf(t dicom.Tag) (requirement, bool) {
	for _, r := range requirements {
		if r.tag == t {
			return r, true
		}
	}
	return requirement{}, false
}

// Returned are the attributes that a search returns without being asked for, in the order of the table (PS3.18 11.9.2). Those that the server
// adds to the workitems of stored studies are among them.
func Returned() []dicom.Tag {
	var tags []dicom.Tag
	for _, r := range requirements {
		if r.returned {
			tags = append(tags, r.tag)
		}
	}
	return append(tags, studyAttributes...)
}
