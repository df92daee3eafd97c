package dicomweb

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// worklistCapabilities are those of PS3.18 chapters 8.10, 11, 14 and 15, as capabilities has the others. What changes something has no payload
// in its answer.
var worklistCapabilities = map[string]capability{
	"workitem-create":          {nil, keptDataSets, parameters("workitem"), "201", "400 408 409 413 415 503"},
	"workitem-search":          {metadataTypes, nil, keyParameters(workitemKeys), "200 204", "400 406 503"},
	"workitem-retrieve":        {keptDataSets, nil, nil, "200", "400 404 406 410 503"},
	"workitem-update":          {nil, keptDataSets, parameters("transaction-uid"), "200", "400 404 408 409 410 413 415 503"},
	"workitem-state":           {nil, keptDataSets, nil, "200", "400 404 408 409 410 413 415 503"},
	"workitem-cancel":          {nil, keptDataSets, nil, "202", "400 404 408 409 410 413 415 503"},
	"workitem-release":         {nil, nil, parameters("transaction-uid"), "201", "400 404 409 410 503"},
	"workitem-subscribe":       {nil, nil, parameters("deletionlock", "filter"), "201", "400 404 410 503"},
	"workitem-unsubscribe":     {nil, nil, nil, "200", "400 404 410 503"},
	"workitem-suspend":         {nil, nil, nil, "200", "400 404 410 503"},
	"notifications":            {nil, nil, parameters("aetitle"), "101", "400 403 404 426 503"},
	"notifications-subscriber": {nil, nil, nil, "101", "400 403 404 426 503"},

	"scheduled-search":   {keptDataSets, nil, slices.Concat(searchParameterNames, keyNames(stepKeys...)), "200 204", "400 406 503"},
	"performed-create":   {nil, keptDataSets, parameters("update"), "200 201", "400 404 408 409 413 415 503"},
	"performed-update":   {nil, keptDataSets, nil, "200", "400 404 408 409 413 415 503"},
	"performed-retrieve": {keptDataSets, nil, parameters("includefield"), "200", "400 404 406 503"},
	// Extensions.
	"scheduled-create":   {nil, keptDataSets, nil, "201", "400 403 408 409 413 415 503"},
	"scheduled-retrieve": {keptDataSets, nil, nil, "200", "400 404 406 503"},
	"scheduled-replace":  {nil, keptDataSets, nil, "200", "400 403 404 408 413 415 503"},
	"scheduled-remove":   {nil, nil, nil, "204", "400 403 404 503"},
}

// workitemKeys are the keys of PS3.4 Table CC.2.5-3 that every origin server matches; every other attribute can be one too.
var workitemKeys = []dicom.Tag{
	dicom.SOPInstanceUID, dicom.ScheduledProcedureStepPriority, dicom.ProcedureStepLabel, dicom.WorklistLabel, dicom.ScheduledStationNameCodeSequence,
	dicom.ScheduledStationClassCodeSequence, dicom.ScheduledStationGeographicLocationCodeSequence, dicom.ScheduledHumanPerformersSequence,
	dicom.ScheduledProcedureStepStartDateTime, dicom.ExpectedCompletionDateTime, dicom.ScheduledWorkitemCodeSequence, dicom.InputReadinessState,
	dicom.PatientName, dicom.PatientID, dicom.IssuerOfPatientID, dicom.PatientBirthDate, dicom.PatientSex, dicom.AdmissionID,
	dicom.IssuerOfAdmissionIDSequence, dicom.ReferencedRequestSequence, dicom.ReplacedProcedureStepSequence, dicom.ProcedureStepState,
}

// stepKeys are those of PS3.4 Table K.6-1; the keys in the sequence are SEQUENCE.ATTRIBUTE.
var stepKeys = []dicom.Tag{dicom.ScheduledProcedureStepSequence, dicom.PatientName, dicom.PatientID}
