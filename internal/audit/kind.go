package audit

import "slices"

// Kind is what was done.
type Kind string

// The kinds.
const (
	Start Kind = "start" // of the server
	Stop  Kind = "stop"

	Store    Kind = "store"    // instances
	Query    Kind = "query"    // of studies, series, instances, workitems or steps
	Retrieve Kind = "retrieve" // instances, metadata, bulk data or frames
	View     Kind = "view"     // pictures
	Delete   Kind = "delete"   // into the recycle bin
	Restore  Kind = "restore"  // out of it
	Purge    Kind = "purge"    // for good
	Commit   Kind = "commit"   // storage commitment

	ReadProcedure   Kind = "read-procedure" // a workitem or a procedure step
	CreateProcedure Kind = "create-procedure"
	UpdateProcedure Kind = "update-procedure"
	RemoveProcedure Kind = "remove-procedure"

	Login  Kind = "login"
	Logout Kind = "logout"
	Link   Kind = "link"   // a signed link was issued or revoked
	Key    Kind = "key"    // an API key, a user or a session was made, changed or revoked
	Admin  Kind = "admin"  // what only administrators may do
	Other  Kind = "other"  // what tells nothing of patients
	Export Kind = "export" // studies to files or another server, and backups
	Import Kind = "import"

	ReadAudit Kind = "read-audit"
	Interrupt Kind = "interrupt" // the record was interrupted: events are missing, or the log was found damaged
)

// code is a coded value of PS3.16.
type code struct{ value, system, meaning string }

func dcm(value, meaning string) code { return code{value, "DCM", meaning} }

// trait is what the standards say of a kind.
type trait struct {
	kind      Kind
	event     code   // EventID, PS3.15 A.5.3
	eventType code   // EventTypeCode; zero: none
	action    string // EventActionCode
	lifeCycle string // ParticipantObjectDataLifeCycle of the study, PS3.15 A.5.1.2.3
	rest      string // interaction of FHIR; "": the event is none
	profile   string // of BALP, where a patient is known with "Patient" before it
}

var (
	instancesAccessed    = dcm("110103", "DICOM Instances Accessed")
	instancesTransferred = dcm("110104", "DICOM Instances Transferred")
	studyDeleted         = dcm("110105", "DICOM Study Deleted")
	procedureRecord      = dcm("110111", "Procedure Record")
	securityAlert        = dcm("110113", "Security Alert")
	userAuthentication   = dcm("110114", "User Authentication")
	activity             = dcm("110100", "Application Activity")
)

// traits are the kinds by what the standards call them.
var traits = []trait{
	{Start, activity, dcm("110120", "Application Start"), "E", "", "", ""},
	{Stop, activity, dcm("110121", "Application Stop"), "E", "", "", ""},
	{Store, instancesTransferred, code{}, "C", "1", "create", "Create"},
	{Query, dcm("110112", "Query"), code{}, "E", "", "search", "Query"},
	{Retrieve, instancesTransferred, code{}, "R", "6", "read", "Read"},
	{View, instancesAccessed, code{}, "R", "6", "read", "Read"},
	{Delete, instancesAccessed, code{}, "D", "14", "delete", "Delete"},
	{Restore, instancesAccessed, code{}, "U", "3", "update", "Update"},
	{Purge, instancesAccessed, code{}, "D", "15", "delete", "Delete"},
	{Commit, instancesAccessed, code{}, "R", "4", "read", "Read"},
	{ReadProcedure, procedureRecord, code{}, "R", "6", "read", "Read"},
	{CreateProcedure, procedureRecord, code{}, "C", "1", "create", "Create"},
	{UpdateProcedure, procedureRecord, code{}, "U", "3", "update", "Update"},
	{RemoveProcedure, procedureRecord, code{}, "D", "15", "delete", "Delete"},
	{Login, userAuthentication, dcm("110122", "Login"), "E", "", "", ""},
	{Logout, userAuthentication, dcm("110123", "Logout"), "E", "", "", ""},
	{Link, securityAlert, dcm("110135", "Object Security Attributes Changed"), "U", "", "", ""},
	{Key, securityAlert, dcm("110137", "User Security Attributes Changed"), "U", "", "", ""},
	{Admin, securityAlert, dcm("110132", "Use of Restricted Function"), "E", "", "", ""},
	{Other, activity, code{}, "E", "", "", ""},
	{Export, dcm("110106", "Export"), code{}, "R", "10", "", ""},
	{Import, dcm("110107", "Import"), code{}, "C", "2", "", ""},
	{ReadAudit, dcm("110101", "Audit Log Used"), code{}, "R", "", "", ""},
	{Interrupt, securityAlert, dcm("110133", "Audit Recording Stopped"), "E", "", "", ""},
}

// traitOf returns what the standards say of an event; that of Other for a kind that nobody knows.
func traitOf(e *Event) trait {
	i := slices.IndexFunc(traits, func(t trait) bool { return t.kind == e.Kind })
	if i < 0 {
		return trait{Other, activity, code{}, "E", "", "", ""}
	}
	t := traits[i]
	if (e.Kind == Delete || e.Kind == Purge) && len(e.Series)+len(e.Instances) == 0 {
		t.event = studyDeleted
	}
	return t
}

// Kinds are all of them.
func Kinds() []Kind {
	var all []Kind
	for _, t := range traits {
		all = append(all, t.kind)
	}
	return all
}
