package store

import (
	"math"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// online is the Instance Availability of all that is here (PS3.3 C.4.23.1.1).
const online = "ONLINE"

// StudyCounts are the computed attributes of a study (PS3.4 C.3.4).
type StudyCounts struct {
	Modalities []string // ascending, distinct
	SOPClasses []string // ascending, distinct
	Series     int
	Instances  int
}

// StudyDataSet is the virtual data set of a study: its merged attributes and the computed ones.
func StudyDataSet(merged *dicom.DataSet, c StudyCounts) *dicom.DataSet {
	ds := merged.Clone()
	ds.SetStrings(dicom.InstanceAvailability, dicom.CS, online)
	ds.SetStrings(dicom.ModalitiesInStudy, dicom.CS, c.Modalities...)
	ds.SetStrings(dicom.SOPClassesInStudy, dicom.UI, c.SOPClasses...)
	ds.SetStrings(dicom.NumberOfStudyRelatedSeries, dicom.IS, strconv.Itoa(c.Series))
	ds.SetStrings(dicom.NumberOfStudyRelatedInstances, dicom.IS, strconv.Itoa(c.Instances))
	return ds
}

// SeriesDataSet is the virtual data set of a series: that of its study, its merged attributes, and the computed one.
func SeriesDataSet(study, merged *dicom.DataSet, instances int) *dicom.DataSet {
	ds := merged.Over(study)
	ds.SetStrings(dicom.NumberOfSeriesRelatedInstances, dicom.IS, strconv.Itoa(instances))
	return ds
}

// InstanceDataSet is the virtual data set of an instance: that of its series, and what the instance says about itself. What it
// says about its study and series counts only as far as it became part of those.
func InstanceDataSet(series, instance *dicom.DataSet, transferSyntax dicom.UID) *dicom.DataSet {
	ds := instance.Only(func(t dicom.Tag) bool {
		return !match.Computed(t) && (match.LevelOf(t) == match.Instance || !series.Has(t))
	}).Over(series)
	ds.SetStrings(dicom.InstanceAvailability, dicom.CS, online)
	ds.SetStrings(dicom.AvailableTransferSyntaxUID, dicom.UI, string(transferSyntax))
	return ds
}

// SortTime is the moment by which studies are ordered, newest first: Study Date and Study Time in their comparable forms. A study
// without a date comes last, a time that is missing counts as the first of the day.
func SortTime(study *dicom.DataSet) (date, time string) {
	date, _ = match.NormalDate(study.String(dicom.StudyDate))
	time, _ = match.NormalTime(study.String(dicom.StudyTime))
	return date, time
}

// SortNumber is the number by which a series (Series Number) or an instance (Instance Number) is ordered. What has none, or one
// that is no integer, comes last.
func SortNumber(ds *dicom.DataSet, number dicom.Tag) int64 {
	n, err := strconv.ParseInt(match.Normal(dicom.IS, ds.String(number)), 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return n
}
