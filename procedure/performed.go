package procedure

import (
	"cmp"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/usage"
)

// SOPClass is that of every performed step.
const SOPClass dicom.UID = "1.2.840.10008.3.1.2.3.3"

// Performed is a modality performed procedure step (PS3.4 Table F.7.2-1).
type Performed struct{ DataSet *dicom.DataSet }

// The values of Performed Procedure Step Status (PS3.3 C.4.14).
const (
	InProgress   = "IN PROGRESS"
	Discontinued = "DISCONTINUED"
)

// UID is its SOP Instance UID.
func (p *Performed) UID() dicom.UID { return p.DataSet.UID(dicom.SOPInstanceUID) }

// Status is its Performed Procedure Step Status.
func (p *Performed) Status() string { return p.DataSet.String(dicom.PerformedProcedureStepStatus) }

// Names are those of the scheduled steps that it was performed for. A step without a Scheduled Procedure Step ID was not scheduled.
func (p *Performed) Names() []Name {
	var names []Name
	for _, item := range p.DataSet.Items(dicom.ScheduledStepAttributesSequence) {
		n := Name{item.UID(dicom.StudyInstanceUID), item.String(dicom.ScheduledProcedureStepID)}
		if n.Step != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Study is the study that it is for, "" if there are several.
func (p *Performed) Study() (study dicom.UID) {
	for i, item := range p.DataSet.Items(dicom.ScheduledStepAttributesSequence) {
		if of := item.UID(dicom.StudyInstanceUID); i == 0 {
			study = of
		} else if of != study {
			return ""
		}
	}
	return study
}

// Begin makes a performed step of what a client sent (PS3.4 F.7.2.1). What is of type 2 is there afterwards, if only empty. The error is
// ErrInvalid.
func Begin(given *dicom.DataSet, uid dicom.UID) (*Performed, error) {
	ds := contentOf(given)
	if u := given.UID(dicom.SOPInstanceUID); u != "" && u != uid {
		return nil, invalid("SOP Instance UID is another one than that of the address")
	}
	if err := complete(ds, whole()); err != nil {
		return nil, err
	}
	if s := ds.String(dicom.PerformedProcedureStepStatus); s != InProgress {
		return nil, invalid("a step is created with Performed Procedure Step Status (0040,0252) IN PROGRESS (PS3.4 F.7.2.1.2)")
	}
	ds.SetStrings(dicom.SpecificCharacterSet, dicom.CS, "ISO_IR 192")
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, string(SOPClass))
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, string(uid))
	return &Performed{ds}, nil
}

// contentOf is what a client says of a step, without what it says of itself.
func contentOf(given *dicom.DataSet) *dicom.DataSet {
	ds := &dicom.DataSet{}
	for e := range given.All() {
		if e.Tag.Group() > 2 && e.Tag != dicom.SOPClassUID && e.Tag != dicom.SOPInstanceUID && e.Tag != dicom.SpecificCharacterSet {
			ds.Set(e)
		}
	}
	return ds
}

// Update applies a modification (PS3.4 F.7.2.2): only what there was at the creation can be set (Table F.7.2-1 Note 5). The error is ErrInvalid
// or ErrConflict.
func (p *Performed) Update(given *dicom.DataSet) error {
	if p.Status() != InProgress {
		return conflict("it is %s, and may no longer be updated (PS3.4 F.7.2.2.2: 0110H, A710H)", p.Status())
	}
	if u := given.UID(dicom.SOPInstanceUID); u != "" && u != p.UID() {
		return invalid("SOP Instance UID is another one than that of the address")
	}
	ds := p.DataSet.Clone()
	for e := range contentOf(given).All() {
		row, change := rowOf(e.Tag), &dicom.DataSet{}
		change.Set(e)
		if err := complete(change, &usage.Table{Rows: []usage.Row{{Tag: row.tag, Items: row.items}}}); err != nil {
			return err
		}
		e, _ = change.Get(e.Tag)
		old, there := ds.Get(e.Tag)
		switch {
		case !there && !e.HasValue():
		case !there:
			return conflict("%s was not there when the step was created, if only empty, and cannot be set (PS3.4 F.7.2.2.2)", cmp.Or(e.Tag.Keyword(), e.Tag.String()))
		case row.set == mayChange:
			ds.Set(e)
		case !old.Equal(e):
			return conflict("%s is not changed by an update (PS3.4 Table F.7.2-1)", e.Tag.Keyword())
		}
	}
	switch status := ds.String(dicom.PerformedProcedureStepStatus); status {
	case InProgress:
	case Completed, Discontinued:
		if err := mayEnd(ds, status); err != nil {
			return err
		}
	default:
		return invalid("Performed Procedure Step Status (0040,0252) has none of the values IN PROGRESS, COMPLETED, DISCONTINUED (PS3.3 C.4.14)")
	}
	p.DataSet = ds
	return nil
}

// mayEnd looks whether there is what a final state requires (PS3.4 Table F.7.2-1).
func mayEnd(ds *dicom.DataSet, status string) error {
	for _, t := range finalTable {
		if !usage.HasValue(ds, t) {
			return conflict("%s is required of a step that is %s (PS3.4 Table F.7.2-1)", t.Keyword(), status)
		}
	}
	return nil
}
