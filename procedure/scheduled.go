package procedure

import (
	"cmp"
	"crypto/rand"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/usage"
	"github.com/noctis-dicom/noctis/worklist"
)

// Name names a scheduled step: a Scheduled Procedure Step ID says enough only within its study.
type Name struct {
	Study dicom.UID
	Step  string
}

// Scheduled is a scheduled procedure step, with its requested procedure, order and patient (PS3.4 Table K.6-1).
type Scheduled struct {
	// DataSet has one item in its Scheduled Procedure Step Sequence.
	DataSet *dicom.DataSet
	// Performed is the Scheduled Procedure Step Status that follows from what was performed for it, "" where nothing was: COMPLETED as soon as
	// one performed step is, else STARTED while one is IN PROGRESS. A DISCONTINUED one leaves it to be done.
	Performed string
}

// The states that follow from performed steps.
const (
	Started   = "STARTED"
	Completed = "COMPLETED"
)

// Step is the item of the Scheduled Procedure Step Sequence.
func (s *Scheduled) Step() *dicom.DataSet {
	return s.DataSet.Items(dicom.ScheduledProcedureStepSequence)[0]
}

// Name is its name.
func (s *Scheduled) Name() Name {
	return Name{s.DataSet.UID(dicom.StudyInstanceUID), s.Step().String(dicom.ScheduledProcedureStepID)}
}

// Start is when it begins, as comparable text.
func (s *Scheduled) Start() string {
	m, _ := match.NormalDateTime(s.Step().String(dicom.ScheduledProcedureStepStartDate)+s.Step().String(dicom.ScheduledProcedureStepStartTime), "")
	return m
}

// Status is its Scheduled Procedure Step Status: what follows from what was performed for it, else what it says itself.
func (s *Scheduled) Status() string {
	return cmp.Or(s.Performed, s.Step().String(dicom.ScheduledProcedureStepStatus), "SCHEDULED")
}

// Shown is the data set as others see it.
func (s *Scheduled) Shown() *dicom.DataSet {
	if s.Performed == "" {
		return s.DataSet
	}
	ds, step := s.DataSet.Clone(), s.Step().Clone()
	step.SetStrings(dicom.ScheduledProcedureStepStatus, dicom.CS, s.Performed)
	ds.SetItems(dicom.ScheduledProcedureStepSequence, step)
	return ds
}

// What every answer has (PS3.4 Table K.6-1): Return Key Types 1 and 2, and those of 1C and 2C that have a value.
var (
	required    = []dicom.Tag{dicom.PatientName, dicom.PatientID}
	ofStep      = []dicom.Tag{dicom.ScheduledStationAETitle, dicom.ScheduledProcedureStepStartDate, dicom.ScheduledProcedureStepStartTime, dicom.Modality}
	emptyOfStep = []dicom.Tag{dicom.ScheduledPerformingPhysicianName, dicom.ScheduledStationName, dicom.ScheduledProcedureStepLocation}
	empty       = []dicom.Tag{
		dicom.ReferencedStudySequence, dicom.RequestedProcedurePriority, dicom.PatientTransportArrangements, dicom.AccessionNumber,
		dicom.RequestingPhysician, dicom.ReferringPhysicianName, dicom.AdmissionID, dicom.CurrentPatientLocation, dicom.ReferencedPatientSequence,
		dicom.PatientBirthDate, dicom.PatientSex, dicom.PatientWeight, dicom.ConfidentialityConstraintOnPatientDataDescription, dicom.PatientState,
		dicom.PregnancyStatus, dicom.MedicalAlerts, dicom.Allergies, dicom.SpecialNeeds,
	}
	conditional = []dicom.Tag{dicom.SpecificCharacterSet, dicom.TimezoneOffsetFromUTC, dicom.RequestedProcedureDescription, dicom.RequestedProcedureCodeSequence,
		dicom.StudyInstanceUID, dicom.RequestedProcedureID, dicom.ScheduledProcedureStepSequence}
)

// Schedule makes a step of what a client sent. It is under the name given, or where that is empty under one of its own; identifiers that
// are missing are made up. The error is ErrInvalid.
func Schedule(given *dicom.DataSet, name Name) (*Scheduled, error) {
	ds := &dicom.DataSet{}
	for e := range given.All() {
		if e.Tag.Group() > 2 && e.Tag != dicom.SOPClassUID && e.Tag != dicom.SOPInstanceUID {
			ds.Set(e)
		}
	}
	items := ds.Items(dicom.ScheduledProcedureStepSequence)
	if len(items) != 1 {
		return nil, invalid("Scheduled Procedure Step Sequence (0040,0100) wants one item")
	}
	step := items[0].Clone()
	for _, of := range []struct {
		ds                *dicom.DataSet
		required, present []dicom.Tag
	}{{ds, required, empty}, {step, ofStep, emptyOfStep}} {
		for _, t := range of.required {
			if of.ds.String(t) == "" {
				return nil, invalid("%s is required (PS3.4 Table K.6-1)", t.Keyword())
			}
		}
		setEmpty(of.ds, of.present)
	}
	ds.SetStrings(dicom.SpecificCharacterSet, dicom.CS, "ISO_IR 192")
	orElse(ds, dicom.StudyInstanceUID, string(name.Study), func() string { return string(worklist.NewUID()) })
	orElse(step, dicom.ScheduledProcedureStepID, name.Step, func() string { return rand.Text()[:16] })
	orElse(ds, dicom.RequestedProcedureID, "", func() string { return step.String(dicom.ScheduledProcedureStepID) })
	describe(ds, step)
	ds.SetItems(dicom.ScheduledProcedureStepSequence, step)
	s := &Scheduled{DataSet: ds}
	return s, s.check(name)
}

func (s *Scheduled) check(name Name) error {
	n := s.Name()
	switch {
	case name.Study != "" && name != n:
		return invalid("Study Instance UID and Scheduled Procedure Step ID are those of the address")
	case !n.Study.Valid():
		return invalid("Study Instance UID is no UID (PS3.5 9.1)")
	case len(s.DataSet.Items(dicom.RequestedProcedureCodeSequence)) > 1:
		return invalid("Requested Procedure Code Sequence (0032,1064) has more than one item (PS3.4 Table K.6-1)")
	case len(n.Step) > 16 || strings.ContainsAny(n.Step, `*?\/`):
		return invalid("Scheduled Procedure Step ID has more than 16 characters, or one of * ? \\ /")
	case s.Start() == "":
		return invalid("Scheduled Procedure Step Start Date and Time are none (PS3.5 6.2)")
	}
	return nil
}

// setEmpty sets those that are not there, without a value.
func setEmpty(ds *dicom.DataSet, tags []dicom.Tag) {
	for _, t := range tags {
		if !ds.Has(t) {
			ds.Set(dicom.Element{Tag: t, VR: t.VR()})
		}
	}
}

// describe sees to it that procedure and step have a description or a code, or both (types 1C): what has neither gets the description of the
// other, or the meaning of its code, or where nobody says what is to be done the modality.
func describe(ds, step *dicom.DataSet) {
	said := func() string {
		for _, text := range []string{
			step.String(dicom.ScheduledProcedureStepDescription), ds.String(dicom.RequestedProcedureDescription),
			meaning(step, dicom.ScheduledProtocolCodeSequence), meaning(ds, dicom.RequestedProcedureCodeSequence),
		} {
			if text != "" {
				return text
			}
		}
		return step.String(dicom.Modality)
	}()
	if !usage.HasValue(ds, dicom.RequestedProcedureCodeSequence) {
		orElse(ds, dicom.RequestedProcedureDescription, said, nil)
	}
	if !usage.HasValue(step, dicom.ScheduledProtocolCodeSequence) {
		orElse(step, dicom.ScheduledProcedureStepDescription, said, nil)
	}
}

func meaning(ds *dicom.DataSet, code dicom.Tag) string {
	for _, item := range ds.Items(code) {
		return item.String(dicom.CodeMeaning)
	}
	return ""
}

func orElse(ds *dicom.DataSet, t dicom.Tag, value string, otherwise func() string) {
	if ds.String(t) != "" {
		return
	}
	if value == "" {
		value = otherwise()
	}
	if value != "" {
		ds.SetStrings(t, t.VR(), value)
	}
}

// Project returns what an answer to the query says of a step (PS3.18 14.4.2). An attribute within a sequence comes with its sequence.
func Project(q match.Query, s *Scheduled) *dicom.DataSet {
	ds := s.Shown()
	if q.IncludeAll {
		return ds
	}
	wanted := map[dicom.Tag]bool{}
	for _, tags := range [][]dicom.Tag{required, empty, conditional} {
		for _, t := range tags {
			wanted[t] = true
		}
	}
	for _, k := range q.Keys {
		wanted[k.Path[0]] = true
	}
	for _, path := range q.Include {
		wanted[path[0]] = true
	}
	result := &dicom.DataSet{}
	for e := range ds.All() {
		if wanted[e.Tag] || e.Tag.IsPrivateCreator() {
			result.Set(e)
		}
	}
	return result
}
