package match

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// LevelOf returns the level that the attribute belongs to, by the information entities of the modules of PS3.3: Patient,
// Clinical Trial Subject and Study, General and Patient Study are of the study; General Series, Clinical Trial Series,
// General Equipment, Frame of Reference and Synchronization are of the series. Everything else is of the instance; so are
// private attributes, because nobody says where they belong, but Project returns them at every level. Attributes that PS3.18
// 10.6.3.3 returns at several levels count as of the highest.
func LevelOf(t dicom.Tag) Level {
	if _, of := slices.BinarySearch(seriesAttributes, t); of {
		return Series
	}
	switch t.Group() {
	case 0x0010, 0x0012, 0x0032, 0x0038:
		return Study
	}
	if _, of := slices.BinarySearch(studyAttributes, t); of {
		return Study
	}
	return Instance
}

// studyAttributes are those outside of the groups that are of the study altogether: 0010 and 0012 patient and clinical
// trial, 0032 requested study, 0038 visit.
var studyAttributes = sorted(
	// SOP Common (PS3.3 C.12.1) and Query/Retrieve (PS3.4 C.3.4), returned at all levels.
	dicom.SpecificCharacterSet, dicom.TimezoneOffsetFromUTC, dicom.InstanceAvailability, dicom.RetrieveURL,
	dicom.RetrieveAETitle,
	// Patient (PS3.3 C.7.1.1).
	dicom.ReferencedPatientSequence,
	// General Study (PS3.3 C.7.2.1).
	dicom.StudyInstanceUID, dicom.StudyDate, dicom.StudyTime, dicom.ReferringPhysicianName,
	dicom.ReferringPhysicianIdentificationSequence, dicom.ReferringPhysicianAddress,
	dicom.ReferringPhysicianTelephoneNumbers, dicom.ConsultingPhysicianName,
	dicom.ConsultingPhysicianIdentificationSequence, dicom.StudyID, dicom.AccessionNumber,
	dicom.IssuerOfAccessionNumberSequence, dicom.StudyDescription, dicom.PhysiciansOfRecord,
	dicom.PhysiciansOfRecordIdentificationSequence, dicom.NameOfPhysiciansReadingStudy,
	dicom.PhysiciansReadingStudyIdentificationSequence, dicom.ReferencedStudySequence, dicom.ProcedureCodeSequence,
	dicom.ReasonForPerformedProcedureCodeSequence, dicom.OtherStudyNumbers,
	// Patient Study (PS3.3 C.7.2.2).
	dicom.AdmittingDiagnosesDescription, dicom.AdmittingDiagnosesCodeSequence,
	// Computed (PS3.4 C.3.4).
	dicom.ModalitiesInStudy, dicom.SOPClassesInStudy, dicom.AnatomicRegionsInStudyCodeSequence,
	dicom.NumberOfPatientRelatedStudies, dicom.NumberOfPatientRelatedSeries, dicom.NumberOfPatientRelatedInstances,
	dicom.NumberOfStudyRelatedSeries, dicom.NumberOfStudyRelatedInstances,
)

var seriesAttributes = sorted(
	// General Series (PS3.3 C.7.3.1).
	dicom.Modality, dicom.SeriesInstanceUID, dicom.SeriesNumber, dicom.Laterality, dicom.SeriesDate, dicom.SeriesTime,
	dicom.PerformingPhysicianName, dicom.PerformingPhysicianIdentificationSequence, dicom.ProtocolName,
	dicom.SeriesDescription, dicom.SeriesDescriptionCodeSequence, dicom.OperatorsName,
	dicom.OperatorIdentificationSequence, dicom.ReferencedPerformedProcedureStepSequence, dicom.RelatedSeriesSequence,
	dicom.BodyPartExamined, dicom.PatientPosition, dicom.SmallestPixelValueInSeries, dicom.LargestPixelValueInSeries,
	dicom.RequestAttributesSequence, dicom.PerformedProcedureStepID, dicom.PerformedProcedureStepStartDate,
	dicom.PerformedProcedureStepStartTime, dicom.PerformedProcedureStepEndDate, dicom.PerformedProcedureStepEndTime,
	dicom.PerformedProcedureStepDescription, dicom.PerformedProtocolCodeSequence,
	dicom.CommentsOnThePerformedProcedureStep, dicom.AnatomicalOrientationType, dicom.TreatmentSessionUID,
	// Clinical Trial Series (PS3.3 C.7.3.2).
	dicom.ClinicalTrialCoordinatingCenterName, dicom.ClinicalTrialSeriesID, dicom.IssuerOfClinicalTrialSeriesID,
	dicom.ClinicalTrialSeriesDescription,
	// Frame of Reference, Synchronization (PS3.3 C.7.4.1, C.7.4.2).
	dicom.FrameOfReferenceUID, dicom.PositionReferenceIndicator, dicom.SynchronizationFrameOfReferenceUID,
	dicom.SynchronizationTrigger, dicom.TriggerSourceOrType, dicom.SynchronizationChannel,
	dicom.AcquisitionTimeSynchronized, dicom.TimeSource, dicom.TimeDistributionProtocol, dicom.NTPSourceAddress,
	// General Equipment (PS3.3 C.7.5.1).
	dicom.Manufacturer, dicom.InstitutionName, dicom.InstitutionAddress, dicom.StationName,
	dicom.InstitutionalDepartmentName, dicom.InstitutionalDepartmentTypeCodeSequence, dicom.ManufacturerModelName,
	dicom.ManufacturerDeviceClassUID, dicom.DeviceSerialNumber, dicom.SoftwareVersions, dicom.GantryID, dicom.UDISequence,
	dicom.DeviceUID, dicom.SpatialResolution, dicom.DateOfManufacture, dicom.DateOfInstallation,
	dicom.DateOfLastCalibration, dicom.TimeOfLastCalibration,
	// Computed (PS3.4 C.3.4).
	dicom.NumberOfSeriesRelatedInstances,
)

func sorted(tags ...dicom.Tag) []dicom.Tag {
	slices.Sort(tags)
	return tags
}

// Required returns the attributes by which every origin server matches at the level (PS3.18 Table 10.6.1-5).
func Required(l Level) []Path {
	return [...][]Path{
		Study: {
			{dicom.StudyDate}, {dicom.StudyTime}, {dicom.AccessionNumber}, {dicom.ModalitiesInStudy},
			{dicom.ReferringPhysicianName}, {dicom.PatientName}, {dicom.PatientID}, {dicom.StudyInstanceUID}, {dicom.StudyID},
		},
		Series: {
			{dicom.Modality}, {dicom.SeriesInstanceUID}, {dicom.SeriesNumber}, {dicom.PerformedProcedureStepStartDate},
			{dicom.PerformedProcedureStepStartTime}, {dicom.RequestAttributesSequence, dicom.ScheduledProcedureStepID},
			{dicom.RequestAttributesSequence, dicom.RequestedProcedureID},
		},
		Instance: {{dicom.SOPClassUID}, {dicom.SOPInstanceUID}, {dicom.InstanceNumber}},
	}[l]
}

// KeyType says when an attribute of a result is there (PS3.18 Table 10.6.1-3, PS3.4 C.2.2.1).
type KeyType byte

// Unique keys are always there; required ones too, empty if need be; conditional and optional ones if there is a value.
const (
	Unique      KeyType = 'U'
	RequiredKey KeyType = 'R'
	Conditional KeyType = 'C'
	Optional    KeyType = 'O'
)

// Return is a row of PS3.18 Tables 10.6.3-3 to 10.6.3-5.
type Return struct {
	Path     Path
	Type     KeyType
	Computed bool // not of the instances, but made by the index, or for RetrieveURL by the request
}

// Returns returns the attributes that a result of the level has without being asked for (PS3.18 10.6.3.3), ascending.
// StudyDescription, SOPClassesInStudy and AvailableTransferSyntaxUID go beyond the tables, because viewers want them.
// RetrieveURL is conditional in spite of its type, since an entity that cannot be retrieved has none.
func Returns(l Level) []Return { return returns[l] }

// Returned returns the top-level tags of Returns.
func Returned(l Level) []dicom.Tag {
	var tags []dicom.Tag
	for _, r := range returns[l] {
		if t := r.Path[0]; !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags
}

// Computed reports whether no instance has the attribute: the index counts and collects it (PS3.4 C.3.4).
func Computed(t dicom.Tag) bool {
	for _, rows := range returns {
		for _, r := range rows {
			if r.Path[0] == t {
				return r.Computed
			}
		}
	}
	return false
}

var returns = [...][]Return{
	Study: {
		{Path{dicom.StudyDate}, RequiredKey, false},
		{Path{dicom.StudyTime}, RequiredKey, false},
		{Path{dicom.AccessionNumber}, RequiredKey, false},
		{Path{dicom.InstanceAvailability}, Conditional, true},
		{Path{dicom.ModalitiesInStudy}, RequiredKey, true},
		{Path{dicom.SOPClassesInStudy}, Optional, true},
		{Path{dicom.ReferringPhysicianName}, RequiredKey, false},
		{Path{dicom.TimezoneOffsetFromUTC}, Conditional, false},
		{Path{dicom.StudyDescription}, RequiredKey, false},
		{Path{dicom.RetrieveURL}, Conditional, true},
		{Path{dicom.PatientName}, RequiredKey, false},
		{Path{dicom.PatientID}, RequiredKey, false},
		{Path{dicom.PatientBirthDate}, RequiredKey, false},
		{Path{dicom.PatientSex}, RequiredKey, false},
		{Path{dicom.StudyInstanceUID}, Unique, false},
		{Path{dicom.StudyID}, RequiredKey, false},
		{Path{dicom.NumberOfStudyRelatedSeries}, RequiredKey, true},
		{Path{dicom.NumberOfStudyRelatedInstances}, RequiredKey, true},
	},
	Series: {
		{Path{dicom.Modality}, RequiredKey, false},
		{Path{dicom.TimezoneOffsetFromUTC}, Conditional, false},
		{Path{dicom.SeriesDescription}, RequiredKey, false},
		{Path{dicom.RetrieveURL}, Conditional, true},
		{Path{dicom.SeriesInstanceUID}, Unique, false},
		{Path{dicom.SeriesNumber}, RequiredKey, false},
		{Path{dicom.NumberOfSeriesRelatedInstances}, RequiredKey, true},
		{Path{dicom.PerformedProcedureStepStartDate}, Conditional, false},
		{Path{dicom.PerformedProcedureStepStartTime}, Conditional, false},
		{Path{dicom.RequestAttributesSequence, dicom.ScheduledProcedureStepID}, RequiredKey, false},
		{Path{dicom.RequestAttributesSequence, dicom.RequestedProcedureID}, RequiredKey, false},
	},
	Instance: {
		{Path{dicom.SOPClassUID}, RequiredKey, false},
		{Path{dicom.SOPInstanceUID}, Unique, false},
		{Path{dicom.InstanceAvailability}, Conditional, true},
		{Path{dicom.TimezoneOffsetFromUTC}, Conditional, false},
		{Path{dicom.RetrieveURL}, Conditional, true},
		{Path{dicom.AvailableTransferSyntaxUID}, Optional, true},
		{Path{dicom.InstanceNumber}, RequiredKey, false},
		{Path{dicom.NumberOfFrames}, Conditional, false},
		{Path{dicom.Rows}, Conditional, false},
		{Path{dicom.Columns}, Conditional, false},
		{Path{dicom.BitsAllocated}, Conditional, false},
	},
}
