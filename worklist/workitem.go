package worklist

import (
	"crypto/rand"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Workitem is a Unified Procedure Step.
type Workitem struct {
	// DataSet has its UIDs and its state, and no Transaction UID.
	DataSet *dicom.DataSet
	// Lock is the Transaction UID that whoever performs the step has chosen, "" while it is SCHEDULED. It is never shown.
	Lock dicom.UID
	// Study is the stored study whose reading workitem this is, "" if it is none.
	Study dicom.UID
	// Read is how many instances the study had when its reading was COMPLETED.
	Read int
	// Series and Instances are how many the study has now. Whoever keeps the workitem knows; they are not part of it.
	Series, Instances int
}

// UID is its SOP Instance UID.
func (w *Workitem) UID() dicom.UID { return w.DataSet.UID(dicom.SOPInstanceUID) }

// State is its Procedure Step State.
func (w *Workitem) State() State { return State(w.DataSet.String(dicom.ProcedureStepState)) }

// Late is how many instances came after the reading was COMPLETED.
func (w *Workitem) Late() int {
	if w.Study == "" || w.State() != Completed {
		return 0
	}
	return max(0, w.Instances-w.Read)
}

// The private attribute that says how many instances of a study came after its reading was COMPLETED (PS3.5 7.8).
const (
	privateCreator dicom.Tag = 0x00750010
	LateInstances  dicom.Tag = 0x00751001
	creatorName              = "NOCTIS"
)

// Shown is the data set as others see it: with what is counted now.
func (w *Workitem) Shown() *dicom.DataSet {
	if w.Study == "" {
		return w.DataSet
	}
	ds := w.DataSet.Clone()
	ds.SetStrings(dicom.NumberOfStudyRelatedSeries, dicom.IS, strconv.Itoa(w.Series))
	ds.SetStrings(dicom.NumberOfStudyRelatedInstances, dicom.IS, strconv.Itoa(w.Instances))
	if late := w.Late(); late > 0 {
		ds.SetStrings(privateCreator, dicom.LO, creatorName)
		ds.SetStrings(LateInstances, dicom.IS, strconv.Itoa(late))
	}
	return ds
}

// NewUID makes a UID of random bits (PS3.5 B.2).
func NewUID() dicom.UID {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80 // a UUID of version 4
	return dicom.UID("2.25." + new(big.Int).SetBytes(b[:]).String())
}

// dateTime is a moment as a DT value.
func dateTime(t time.Time) string { return t.UTC().Format("20060102150405.000") + "+0000" }

// Create makes a workitem of what a client sent (PS3.4 CC.2.5), under the UID that it chose elsewhere, or "". What is of type 2 is there
// afterwards, if only empty. The code is Success or CreatedModified; the error is a *Refusal.
func Create(given *dicom.DataSet, uid dicom.UID, now time.Time) (*Workitem, Code, error) {
	ds, code := &dicom.DataSet{}, Success
	uid, err := uidOf(given, uid)
	if err != nil {
		return nil, 0, err
	}
	for e := range given.All() {
		if e.Tag.Group() <= 2 || e.Tag == dicom.SOPClassUID || e.Tag == dicom.SOPInstanceUID || e.Tag == dicom.SpecificCharacterSet {
			continue
		}
		r, known := requirementOf(e.Tag)
		if known && (r.create == createNot || r.create == createE) && e.HasValue() {
			code = CreatedModified
			continue
		}
		if e, err = withItems(e); err != nil {
			return nil, 0, err
		}
		ds.Set(e)
	}
	if state := State(ds.String(dicom.ProcedureStepState)); state != Scheduled {
		return nil, 0, refuse(NotCreatedScheduled, "a workitem is created with Procedure Step State (0074,1000) SCHEDULED (PS3.4 CC.2.5.3)")
	}
	for _, r := range requirements {
		e, _ := ds.Get(r.tag)
		switch {
		case r.create == create1 && !e.HasValue():
			return nil, 0, refuse(MissingAttribute, "%s is required (PS3.4 Table CC.2.5-3)", r.tag.Keyword())
		case r.tag == dicom.WorklistLabel && !e.HasValue():
			ds.SetStrings(r.tag, dicom.LO, DefaultLabel)
			code = CreatedModified
		case (r.create == create2 || r.create == createE) && !ds.Has(r.tag) && r.tag != dicom.TransactionUID:
			ds.Set(dicom.Element{Tag: r.tag, VR: r.tag.VR()})
		}
	}
	ds.Delete(dicom.TransactionUID)
	if err := checkValues(ds); err != nil {
		return nil, 0, err
	}
	ds.SetStrings(dicom.SpecificCharacterSet, dicom.CS, "ISO_IR 192")
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, string(SOPClass))
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(uid))
	ds.SetStrings(dicom.ScheduledProcedureStepModificationDateTime, dicom.DT, dateTime(now))
	return &Workitem{DataSet: ds}, code, nil
}

// DefaultLabel is the Worklist Label of workitems that are created without one.
const DefaultLabel = "General"

// uidOf is the UID of a workitem to be created: given apart, in the data set, or both; a new one if nowhere.
func uidOf(ds *dicom.DataSet, uid dicom.UID) (dicom.UID, error) {
	const affectedSOPInstanceUID dicom.Tag = 0x00001000
	for _, t := range []dicom.Tag{dicom.SOPInstanceUID, affectedSOPInstanceUID} {
		switch given := ds.UID(t); {
		case given == "":
		case uid == "":
			uid = given
		case uid != given:
			return "", refuse(InvalidValue, "the request names two different UIDs for the workitem")
		}
	}
	if uid == "" {
		return NewUID(), nil
	}
	if !uid.Valid() || uid == Global || uid == Filtered {
		return "", refuse(InvalidValue, "the UID of the workitem is not one that a workitem can have (PS3.5 9.1)")
	}
	return uid, nil
}

// enumerated are the attributes whose values PS3.3 C.30 enumerates.
var enumerated = map[dicom.Tag][]string{
	dicom.ScheduledProcedureStepPriority: {"HIGH", "MEDIUM", "LOW"},
	dicom.InputReadinessState:            {"INCOMPLETE", "UNAVAILABLE", "READY"},
}

// checkValues looks at the values by which a worklist is kept in order.
func checkValues(ds *dicom.DataSet) error {
	for t, values := range enumerated {
		if v := ds.String(t); !slices.Contains(values, v) {
			return refuse(InvalidValue, "%s has none of its values %v (PS3.3 C.30)", t.Keyword(), values)
		}
	}
	for _, t := range []dicom.Tag{dicom.ScheduledProcedureStepStartDateTime, dicom.ExpectedCompletionDateTime} {
		if v := ds.String(t); v != "" {
			if _, ok := match.NormalDateTime(v, ""); !ok {
				return refuse(InvalidValue, "%s is no date and time (PS3.5 6.2)", t.Keyword())
			}
		}
	}
	return nil
}

// code is a code sequence item (PS3.3 Table 8.8-1a).
func code(value, scheme, meaning string) *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetStrings(dicom.CodeValue, dicom.SH, value)
	item.SetStrings(dicom.CodingSchemeDesignator, dicom.SH, scheme)
	item.SetStrings(dicom.CodeMeaning, dicom.LO, meaning)
	return item
}
