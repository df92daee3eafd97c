package match

import (
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// Combine joins those keys of a query that must be looked at together, and returns the keys for Query.Keys. Afterwards every
// path has one tag, and what lies in a sequence is in the keys of a Sequence.
//
//   - Keys in one sequence must be satisfied by one item (PS3.4 C.2.2.2.6): they become one Sequence key.
//   - A range of dates and a range of times of the same form, whose attributes belong together (TimeOf), become
//     one DateTimeRange (PS3.18 8.3.4.1.1, PS3.4 C.2.2.2.5.4).
//   - A private creator that is asked for says whose private attributes are asked for (PS3.18 8.3.4.1): it becomes
//     their Creator.
//   - Timezone Offset From UTC says which zone the dates and times of the query are in (PS3.18 8.3.4.1.1): it becomes
//     their Zone, and is not matched itself, but returned.
//
// keys is not changed.
func Combine(keys []Key) []Key {
	keys = slices.Clone(keys)
	zone := ""
	for i, k := range keys {
		if c, ok := k.Condition.(Single); ok && slices.Equal(k.Path, Path{dicom.TimezoneOffsetFromUTC}) {
			zone, keys[i].Condition = c.Value, Universal{}
		}
	}
	return combine(keys, zone)
}

func combine(keys []Key, zone string) []Key {
	keys = slices.Clone(keys)
	for i, k := range keys {
		if len(k.Path) > 0 && k.Creator == "" {
			keys[i].Creator = creatorIn(keys, k.Path[0])
		}
		if vr := k.vr(); zone != "" && k.Zone == "" && (vr == dicom.DA || vr == dicom.TM || vr == dicom.DT) {
			keys[i].Zone = zone
		}
	}
	return joinDateTimes(joinSequences(keys, zone))
}

// creatorIn returns the creator that one of the keys gives to a private attribute, "" if none does.
func creatorIn(keys []Key, t dicom.Tag) string {
	if !t.IsPrivate() || t.IsPrivateCreator() {
		return ""
	}
	for _, k := range keys {
		if c, ok := k.Condition.(Single); ok && slices.Equal(k.Path, Path{t.PrivateCreator()}) {
			return c.Value
		}
	}
	return ""
}

func joinSequences(keys []Key, zone string) []Key {
	type place struct {
		tag     dicom.Tag
		creator string
	}
	var joined []Key
	at := map[place]int{}
	for _, k := range keys {
		inner, nested := inside(k)
		if !nested {
			joined = append(joined, k)
			continue
		}
		p := place{k.Path[0], k.Creator}
		i, seen := at[p]
		if !seen {
			i = len(joined)
			at[p] = i
			joined = append(joined, Key{Path: k.Path[:1], VR: dicom.SQ, Creator: k.Creator, Condition: Sequence{}})
		}
		joined[i].Condition = Sequence{append(joined[i].Condition.(Sequence).Keys, inner...)}
	}
	for _, i := range at {
		joined[i].Condition = Sequence{combine(joined[i].Condition.(Sequence).Keys, zone)}
	}
	return joined
}

// inside returns the keys that a key sets on the items of the first sequence in its path.
func inside(k Key) ([]Key, bool) {
	if len(k.Path) > 1 {
		k.Path, k.Creator = k.Path[1:], ""
		return []Key{k}, true
	}
	c, ok := k.Condition.(Sequence)
	return c.Keys, ok
}

func joinDateTimes(keys []Key) []Key {
	joined := make([]bool, len(keys)) // times that have become part of a DateTimeRange
	for i, k := range keys {
		if len(k.Path) != 1 {
			continue
		}
		clock, ok := TimeOf(k.Path[0])
		if !ok {
			continue
		}
		for j, other := range keys {
			if joined[j] || !slices.Equal(other.Path, Path{clock}) {
				continue
			}
			if c, ok := joinRanges(k, other, clock); ok {
				keys[i].Condition, joined[j] = c, true
				break
			}
		}
	}
	var left []Key
	for i, k := range keys {
		if !joined[i] {
			left = append(left, k)
		}
	}
	return left
}

// joinRanges makes one condition of two ranges that are open at the same end or at neither.
func joinRanges(date, clock Key, tag dicom.Tag) (DateTimeRange, bool) {
	d, dated := date.Condition.(Range)
	t, timed := clock.Condition.(Range)
	if !dated || !timed || (d.Low == "") != (t.Low == "") || (d.High == "") != (t.High == "") {
		return DateTimeRange{}, false
	}
	firstDay, lastDay, ok := rangeBounds(dicom.DA, d, "")
	firstTime, lastTime, ok2 := rangeBounds(dicom.TM, t, "")
	if !ok || !ok2 {
		return DateTimeRange{}, false
	}
	return DateTimeRange{Time: tag, Low: firstDay + firstTime, High: lastDay + lastTime}, true
}

// TimeOf returns the time attribute that stands beside a date attribute and completes it.
func TimeOf(date dicom.Tag) (dicom.Tag, bool) {
	for _, pair := range dateTimes {
		if pair.date == date {
			return pair.time, true
		}
	}
	return 0, false
}

// dateTimes are the pairs of attributes that are a date and a time (PS3.4 C.2.2.2.5.4), as the modules of PS3.3 have them.
var dateTimes = [...]struct{ date, time dicom.Tag }{
	{dicom.InstanceCreationDate, dicom.InstanceCreationTime},
	{dicom.StudyDate, dicom.StudyTime},
	{dicom.SeriesDate, dicom.SeriesTime},
	{dicom.AcquisitionDate, dicom.AcquisitionTime},
	{dicom.ContentDate, dicom.ContentTime},
	{dicom.OverlayDate, dicom.OverlayTime},
	{dicom.CurveDate, dicom.CurveTime},
	{dicom.PatientBirthDate, dicom.PatientBirthTime},
	{dicom.DateOfSecondaryCapture, dicom.TimeOfSecondaryCapture},
	{dicom.DateOfLastCalibration, dicom.TimeOfLastCalibration},
	{dicom.DateOfLastDetectorCalibration, dicom.TimeOfLastDetectorCalibration},
	{dicom.ModifiedImageDate, dicom.ModifiedImageTime},
	{dicom.StudyVerifiedDate, dicom.StudyVerifiedTime},
	{dicom.StudyReadDate, dicom.StudyReadTime},
	{dicom.ScheduledStudyStartDate, dicom.ScheduledStudyStartTime},
	{dicom.ScheduledStudyStopDate, dicom.ScheduledStudyStopTime},
	{dicom.StudyArrivalDate, dicom.StudyArrivalTime},
	{dicom.StudyCompletionDate, dicom.StudyCompletionTime},
	{dicom.ScheduledAdmissionDate, dicom.ScheduledAdmissionTime},
	{dicom.ScheduledDischargeDate, dicom.ScheduledDischargeTime},
	{dicom.AdmittingDate, dicom.AdmittingTime},
	{dicom.DischargeDate, dicom.DischargeTime},
	{dicom.ScheduledProcedureStepStartDate, dicom.ScheduledProcedureStepStartTime},
	{dicom.ScheduledProcedureStepEndDate, dicom.ScheduledProcedureStepEndTime},
	{dicom.PerformedProcedureStepStartDate, dicom.PerformedProcedureStepStartTime},
	{dicom.PerformedProcedureStepEndDate, dicom.PerformedProcedureStepEndTime},
	{dicom.IssueDateOfImagingServiceRequest, dicom.IssueTimeOfImagingServiceRequest},
	{dicom.Date, dicom.Time},
	{dicom.PresentationCreationDate, dicom.PresentationCreationTime},
	{dicom.CreationDate, dicom.CreationTime},
	{dicom.StructureSetDate, dicom.StructureSetTime},
	{dicom.TreatmentControlPointDate, dicom.TreatmentControlPointTime},
	{dicom.SafePositionExitDate, dicom.SafePositionExitTime},
	{dicom.SafePositionReturnDate, dicom.SafePositionReturnTime},
	{dicom.TreatmentDate, dicom.TreatmentTime},
	{dicom.RTPlanDate, dicom.RTPlanTime},
	{dicom.SourceStrengthReferenceDate, dicom.SourceStrengthReferenceTime},
	{dicom.ReviewDate, dicom.ReviewTime},
	{dicom.InterpretationRecordedDate, dicom.InterpretationRecordedTime},
	{dicom.InterpretationTranscriptionDate, dicom.InterpretationTranscriptionTime},
	{dicom.InterpretationApprovalDate, dicom.InterpretationApprovalTime},
}
