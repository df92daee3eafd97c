package worklist

import (
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// ReadingLabel is the Worklist Label of the reading workitems of stored studies.
const ReadingLabel = "Reading"

// studyAttributes are what a reading workitem says about its study, beside the attributes of PS3.4 Table CC.2.5-3. Those of a workitem are
// always those of the study, whatever clients set.
var studyAttributes = []dicom.Tag{
	dicom.StudyDate, dicom.StudyTime, dicom.AccessionNumber, dicom.ModalitiesInStudy, dicom.InstitutionName, dicom.ReferringPhysicianName,
	dicom.StudyDescription, dicom.StudyInstanceUID, dicom.StudyID, dicom.NumberOfStudyRelatedSeries, dicom.NumberOfStudyRelatedInstances, privateCreator, LateInstances,
}

// patientAttributes are those of PS3.4 Table CC.2.5-3 that a study has.
var patientAttributes = []dicom.Tag{
	dicom.PatientName, dicom.PatientID, dicom.IssuerOfPatientID, dicom.IssuerOfPatientIDQualifiersSequence, dicom.OtherPatientIDsSequence,
	dicom.PatientBirthDate, dicom.PatientSex, dicom.AdmissionID, dicom.IssuerOfAdmissionIDSequence, dicom.AdmittingDiagnosesDescription,
	dicom.AdmittingDiagnosesCodeSequence,
}

func isOfStudy(t dicom.Tag) bool {
	for _, list := range [][]dicom.Tag{studyAttributes, patientAttributes} {
		for _, of := range list {
			if of == t {
				return true
			}
		}
	}
	return t == dicom.ReferencedRequestSequence || t == dicom.InputInformationSequence
}

// Reading makes the reading workitem of a study that is stored: SCHEDULED, to be interpreted from now on. study is its virtual data set;
// nothing in it is required but its UID. facility is where it was made, and may be empty.
func Reading(study *dicom.DataSet, facility string, now time.Time) *Workitem {
	ds := &dicom.DataSet{}
	for _, r := range requirements {
		if (r.create == create2 || r.create == createE) && r.tag != dicom.TransactionUID {
			ds.Set(dicom.Element{Tag: r.tag, VR: r.tag.VR()})
		}
	}
	ds.SetStrings(dicom.SpecificCharacterSet, dicom.CS, "ISO_IR 192")
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, string(SOPClass))
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(NewUID()))
	ds.SetStrings(dicom.ProcedureStepState, dicom.CS, string(Scheduled))
	ds.SetStrings(dicom.ScheduledProcedureStepPriority, dicom.CS, "MEDIUM")
	ds.SetStrings(dicom.ProcedureStepLabel, dicom.LO, "Interpretation")
	ds.SetStrings(dicom.WorklistLabel, dicom.LO, ReadingLabel)
	ds.SetStrings(dicom.InputReadinessState, dicom.CS, "READY")
	ds.SetStrings(dicom.ScheduledProcedureStepStartDateTime, dicom.DT, dateTime(now))
	ds.SetStrings(dicom.ScheduledProcedureStepModificationDateTime, dicom.DT, dateTime(now))
	ds.SetItems(dicom.ScheduledWorkitemCodeSequence, code("110005", "DCM", "Interpretation"))
	w := &Workitem{DataSet: ds, Study: study.UID(dicom.StudyInstanceUID)}
	w.Refresh(study, facility)
	return w
}

// Refresh takes over what the study says of itself now, as more of its instances came, and reports whether that changed anything. An
// empty facility leaves that of the workitem.
func (w *Workitem) Refresh(study *dicom.DataSet, facility string) bool {
	ds := w.DataSet.Clone()
	for _, list := range [][]dicom.Tag{studyAttributes[:9], patientAttributes} {
		for _, t := range list {
			switch e, there := study.Get(t); {
			case t == dicom.InstitutionName: // of the series, not of the study
			case there:
				ds.Set(e)
			default:
				ds.Set(dicom.Element{Tag: t, VR: t.VR()})
			}
		}
	}
	switch {
	case facility != "":
		ds.SetStrings(dicom.InstitutionName, dicom.LO, facility)
	case !ds.Has(dicom.InstitutionName):
		ds.SetStrings(dicom.InstitutionName, dicom.LO)
	}
	ds.SetItems(dicom.ReferencedRequestSequence, request(study))
	ds.SetItems(dicom.InputInformationSequence, input(study))
	if ds.Equal(w.DataSet) {
		return false
	}
	w.DataSet = ds
	return true
}

// request is the item of Referenced Request Sequence (PS3.3 C.30.3).
func request(study *dicom.DataSet) *dicom.DataSet {
	item := &dicom.DataSet{}
	for _, t := range []dicom.Tag{dicom.AccessionNumber, dicom.IssuerOfAccessionNumberSequence, dicom.ReferringPhysicianName, dicom.StudyInstanceUID,
		dicom.RequestingPhysician, dicom.RequestedProcedureDescription, dicom.RequestedProcedureCodeSequence, dicom.RequestedProcedureID} {
		e, there := study.Get(t)
		if !there {
			e = dicom.Element{Tag: t, VR: t.VR()}
		}
		item.Set(e)
	}
	return item
}

// input is the item of Input Information Sequence: all that is stored of the study (PS3.3 Table 10-3b).
func input(study *dicom.DataSet) *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetItems(dicom.ReferencedSOPSequence)
	item.SetStrings(dicom.StudyInstanceUID, dicom.UI, string(study.UID(dicom.StudyInstanceUID)))
	item.SetStrings(dicom.TypeOfInstances, dicom.CS, "DICOM")
	return item
}

// replacement makes the workitem that takes the place of one that was given back: the same step, SCHEDULED again, under a UID of its own
// because a step never becomes SCHEDULED again (PS3.4 Table CC.1.1-2). What was performed of it is left out.
func (w *Workitem) replacement(now time.Time) *Workitem {
	ds := w.DataSet.Clone()
	replaced := &dicom.DataSet{}
	replaced.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, string(SOPClass))
	replaced.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, string(w.UID()))
	ds.SetItems(dicom.ReplacedProcedureStepSequence, replaced)
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(NewUID()))
	ds.SetStrings(dicom.ProcedureStepState, dicom.CS, string(Scheduled))
	ds.SetStrings(dicom.ScheduledProcedureStepModificationDateTime, dicom.DT, dateTime(now))
	ds.SetItems(dicom.ProcedureStepProgressInformationSequence)
	ds.SetItems(dicom.UnifiedProcedureStepPerformedProcedureSequence)
	return &Workitem{DataSet: ds, Study: w.Study, Series: w.Series, Instances: w.Instances}
}
