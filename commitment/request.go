package commitment

import (
	"errors"
	"fmt"

	"github.com/noctis-dicom/noctis/dicom"
)

// Reason says why an instance was not committed; 0: it was (PS3.3 C.14.1.1).
type Reason uint16

// The failure reasons.
const (
	ProcessingFailure Reason = 0x0110
	NoSuchInstance    Reason = 0x0112
	ClassConflict     Reason = 0x0119
)

// Reference is an instance that somebody wants to be committed. Its study and series are empty where the request does not say them.
type Reference struct {
	Ref   dicom.Ref
	Class dicom.UID
}

// Request is what is to be committed.
type Request struct {
	References []Reference
	byStudy    bool // it came as Referenced Study Sequence, and so does its result
}

// Parse reads a Storage Commitment Request Module (PS3.18 J.1).
func Parse(ds *dicom.DataSet) (*Request, error) {
	sops, studies := ds.Items(dicom.ReferencedSOPSequence), ds.Items(dicom.ReferencedStudySequence)
	switch {
	case len(sops) > 0 && len(studies) > 0:
		return nil, errors.New("Referenced SOP Sequence (0008,1199) and Referenced Study Sequence (0008,1110) exclude each other")
	case len(sops)+len(studies) == 0:
		return nil, errors.New("Referenced SOP Sequence (0008,1199) or Referenced Study Sequence (0008,1110) is required, with an item at least")
	}
	q := &Request{byStudy: len(studies) > 0}
	for _, item := range sops {
		if err := q.add(dicom.Ref{}, item.UID(dicom.ReferencedSOPClassUID), item); err != nil {
			return nil, err
		}
	}
	for _, study := range studies {
		if err := q.addStudy(study); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (q *Request) addStudy(study *dicom.DataSet) error {
	ref := dicom.Ref{Study: study.UID(dicom.StudyInstanceUID)}
	list := study.Items(dicom.ReferencedSeriesSequence)
	if !ref.Study.Valid() || len(list) == 0 {
		return errors.New("an item of Referenced Study Sequence (0008,1110) wants Study Instance UID and Referenced Series Sequence (0008,1115)")
	}
	for _, series := range list {
		ref.Series = series.UID(dicom.SeriesInstanceUID)
		classes := series.Items(dicom.ReferencedInstancesBySOPClassSequence)
		if !ref.Series.Valid() || len(classes) == 0 {
			return errors.New("an item of Referenced Series Sequence (0008,1115) wants Series Instance UID and Referenced Instances by SOP Class Sequence (0008,1112)")
		}
		for _, class := range classes {
			instances := class.Items(dicom.ReferencedInstanceSequence)
			if len(instances) == 0 {
				return errors.New("an item of Referenced Instances by SOP Class Sequence (0008,1112) wants Referenced Instance Sequence (0008,114A)")
			}
			for _, item := range instances {
				if err := q.add(ref, class.UID(dicom.ReferencedSOPClassUID), item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (q *Request) add(ref dicom.Ref, class dicom.UID, item *dicom.DataSet) error {
	ref.Instance = item.UID(dicom.ReferencedSOPInstanceUID)
	if !ref.Instance.Valid() || !class.Valid() {
		return fmt.Errorf("reference %d: Referenced SOP Class UID (0008,1150) and Referenced SOP Instance UID (0008,1155) are UIDs and required", len(q.References)+1)
	}
	q.References = append(q.References, Reference{ref, class})
	return nil
}

// Result makes the Storage Commitment Response Module (PS3.18 J.2). reasons belong to the references, one to each.
func (q *Request) Result(reasons []Reason) *dicom.DataSet {
	ds := &dicom.DataSet{}
	var committed, failed []*dicom.DataSet
	for i, r := range q.References {
		list := &committed
		if reasons[i] != 0 {
			list = &failed
		}
		if q.byStudy {
			*list = place(*list, r, reasons[i])
			continue
		}
		item := itemOf(r, reasons[i])
		item.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, string(r.Class))
		*list = append(*list, item)
	}
	sequences := [2]dicom.Tag{dicom.ReferencedSOPSequence, dicom.FailedSOPSequence}
	if q.byStudy {
		sequences = [2]dicom.Tag{dicom.ReferencedStudySequence, dicom.FailedStudySequence}
	}
	for i, items := range [][]*dicom.DataSet{committed, failed} {
		if len(items) > 0 {
			ds.SetItems(sequences[i], items...)
		}
	}
	return ds
}

func itemOf(r Reference, reason Reason) *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, string(r.Ref.Instance))
	if reason != 0 {
		item.SetInts(dicom.FailureReason, dicom.US, int64(reason))
	}
	return item
}

// place puts an instance below its study, series and class. As in the request, an item follows those that it belongs with.
func place(studies []*dicom.DataSet, r Reference, reason Reason) []*dicom.DataSet {
	studies, study := lastWith(studies, dicom.StudyInstanceUID, r.Ref.Study)
	list, series := lastWith(study.Items(dicom.ReferencedSeriesSequence), dicom.SeriesInstanceUID, r.Ref.Series)
	classes, class := lastWith(series.Items(dicom.ReferencedInstancesBySOPClassSequence), dicom.ReferencedSOPClassUID, r.Class)
	class.SetItems(dicom.ReferencedInstanceSequence, append(class.Items(dicom.ReferencedInstanceSequence), itemOf(r, reason))...)
	series.SetItems(dicom.ReferencedInstancesBySOPClassSequence, classes...)
	study.SetItems(dicom.ReferencedSeriesSequence, list...)
	return studies
}

// lastWith is the last item if it has the UID, and else a new one.
func lastWith(items []*dicom.DataSet, t dicom.Tag, uid dicom.UID) ([]*dicom.DataSet, *dicom.DataSet) {
	if n := len(items); n > 0 && items[n-1].UID(t) == uid {
		return items, items[n-1]
	}
	item := &dicom.DataSet{}
	item.SetStrings(t, dicom.UI, string(uid))
	return append(items, item), item
}
