package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/valid"
)

// Rules are what an archive asks of an instance that is to be stored, beyond what every instance has to be (newEntry). The zero
// value takes whatever can be read. Rules are asked at ingest only: what is stored stays, and can be indexed again, whatever they
// say later.
type Rules struct {
	SOPClasses       []dicom.UID // that are taken; none: all
	TransferSyntaxes []dicom.UID // that are taken; none: all
	// WholeFiles refuses what PS3.10 7.1 does not allow and can be read all the same: a preamble, prefix, File Meta Information or
	// transfer syntax that is missing or wrong.
	WholeFiles bool
	// LenientUIDs takes Study, Series, SOP Instance and SOP Class UIDs whose components have leading zeros, with a warning. PS3.5 9.1 forbids
	// them: others may read 1.2.03 as 1.2.3, and then two things have one name, or one two.
	LenientUIDs bool
	// Coercions are applied in their order. A file that none changes is stored as it came.
	Coercions []Coercion
	// Validation is what is made of attributes that break the standard (package valid).
	Validation Validation
}

// Validation is what is made of findings.
type Validation int

// They are not looked for; they are told (Receipt.Findings), and the instance is stored; the instance is refused.
const (
	ValidationOff Validation = iota
	ValidationWarn
	ValidationStrict
)

// mostFindings is how many findings of one instance are told.
const mostFindings = 50

// validate returns what breaks the standard, and the failure that comes of it where that is wanted.
func (r *Rules) validate(e *Entry) ([]valid.Finding, *Failure) {
	if r.Validation == ValidationOff {
		return nil, nil
	}
	found := valid.Check(e.DataSet, mostFindings)
	if r.Validation != ValidationStrict || len(found) == 0 {
		return found, nil
	}
	failure := e.failure(ReasonInvalid, errors.New("it breaks the standard: "+valid.Summary(found)))
	failure.Findings = found
	return nil, failure
}

// check returns why an instance that can be stored is not wanted; nil if it is.
func (r *Rules) check(f *part10.File, e *Entry) *Failure {
	if name := leadingZero(e); name != "" {
		text := name + " has a component with a leading zero (PS3.5 9.1)"
		if !r.LenientUIDs {
			return e.failure(ReasonInvalidUID, errors.New(text))
		}
		f.Warnings = append(f.Warnings, text)
	}
	switch {
	case !takes(r.SOPClasses, e.SOPClass):
		return e.failure(ReasonSOPClassUnsupported, fmt.Errorf("SOP Class %s is not taken here", e.SOPClass))
	case !takes(r.TransferSyntaxes, e.TransferSyntax):
		return e.failure(ReasonUnsupportedSyntax, fmt.Errorf("transfer syntax %s is not taken here", named(e.TransferSyntax)))
	case r.WholeFiles && f.Lenient > 0:
		return e.failure(ReasonCannotUnderstand, errors.New("only whole files are taken here (PS3.10 7.1): "+strings.Join(f.Warnings[:f.Lenient], "; ")))
	}
	return nil
}

// leadingZero names the UID of an entry that is legal but for a leading zero.
func leadingZero(e *Entry) string {
	for _, u := range e.identifiers() {
		if !e.DataSet.UID(u.tag).Canonical() {
			return u.name
		}
	}
	return ""
}

// takes reports whether a list allows a UID.
func takes(list []dicom.UID, uid dicom.UID) bool { return len(list) == 0 || slices.Contains(list, uid) }

// named is a transfer syntax in a text: a file may declare anything in its place.
func named(ts dicom.UID) string {
	if !ts.Valid() {
		return "that is no UID"
	}
	return string(ts)
}

// failure is that of an instance whose UIDs are legal.
func (e *Entry) failure(reason uint16, err error) *Failure {
	return &Failure{Reason: reason, SOPClass: e.SOPClass, Instance: e.Ref.Instance, Err: err}
}
