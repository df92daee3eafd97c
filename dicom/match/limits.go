package match

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Limits restrict what of an archive is seen to the studies that satisfy every limit that is set, each by one of its values; docs/adr/0025
// says why whole studies. The zero value is everything. Values are compared as matching compares them (Normal), but a wildcard is nothing
// but a character, and an empty value is nobody's.
//
// A study satisfies a limit if its instances name somebody and nobody else: every value that any of them has is among those of the limit,
// and one has a value. So a study into which an instance of another patient has come is seen by no one who may see only one of the two.
type Limits struct {
	Patients   []string    // Patient ID; or Patient ID, "^^^" and Issuer of Patient ID, which without an issuer is any
	Studies    []dicom.UID // Study Instance UID
	Facilities []string    // Institution Name
	Physicians []string    // Referring Physician's Name
}

// Everything reports whether there are no limits.
func (l Limits) Everything() bool {
	return len(l.Patients)+len(l.Studies)+len(l.Facilities)+len(l.Physicians) == 0
}

type limitsKey struct{}

// Within returns a context in which nothing is seen but what lies within the limits. They replace those of ctx.
func Within(ctx context.Context, l Limits) context.Context {
	if _, limited := ctx.Value(limitsKey{}).(Limits); !limited && l.Everything() {
		return ctx // as it is
	}
	return context.WithValue(ctx, limitsKey{}, l)
}

// LimitsOf returns the limits of a context; there are none in one that Within did not make.
func LimitsOf(ctx context.Context) Limits {
	l, _ := ctx.Value(limitsKey{}).(Limits)
	return l
}

// Text is the limits as a short text, which is another one for other limits. Of no limits it is "".
func (l Limits) Text() string {
	if l.Everything() {
		return ""
	}
	b := make([]byte, 0, 128)
	list := func(values []string) {
		for _, v := range values {
			b = strconv.AppendInt(b, int64(len(v)), 10)
			b = append(append(b, ' '), v...)
		}
		b = append(b, ';')
	}
	list(l.Patients)
	list(l.Facilities)
	list(l.Physicians)
	for _, u := range l.Studies {
		list([]string{string(u)})
	}
	if len(b) <= sha256.Size {
		return string(b)
	}
	sum := sha256.Sum256(b)
	return string(sum[:])
}

// Holder is what limits go by, beside the study itself.
type Holder int

// The holders of a study.
const (
	Patient Holder = iota
	Facility
	Physician
	holders
)

// Named is whom one instance names, by Holder, in normal form; "" is nobody.
type Named [holders]string

// NamedBy returns whom an instance names.
func NamedBy(ds *dicom.DataSet) Named {
	return Named{
		Patient:   withIssuer(value(ds, dicom.PatientID), value(ds, dicom.IssuerOfPatientID)),
		Facility:  value(ds, dicom.InstitutionName),
		Physician: value(ds, dicom.ReferringPhysicianName),
	}
}

// value is what an attribute has, normalized. Several values where one is allowed are together another one.
func value(ds *dicom.DataSet, t dicom.Tag) string {
	var all []string
	for _, v := range ds.Strings(t) {
		if v = Normal(t.VR(), v); v != "" {
			all = append(all, v)
		}
	}
	return strings.Join(all, `\`)
}

// issued parts a Patient ID from its issuer, as HL7 does (CX).
const issued = "^^^"

func withIssuer(id, issuer string) string {
	if id == "" || issuer == "" {
		return id
	}
	return id + issued + issuer
}

// Names returns the limits, in normal form, that a value which is named satisfies.
func (h Holder) Names(value string) []string {
	switch h {
	case Patient:
		if id, _, found := strings.Cut(value, issued); found {
			return []string{value, id}
		}
	case Physician: // any component group, as matching has it
		names := []string{value}
		for _, group := range NameGroups(value) {
			if group != "" && group != value {
				names = append(names, group)
			}
		}
		return names
	}
	return []string{value}
}

// Of returns the values of a limit in normal form, without empty ones; set is false where there is no such limit.
func (l Limits) Of(h Holder) (values []string, set bool) {
	given := [holders][]string{l.Patients, l.Facilities, l.Physicians}[h]
	for _, v := range given {
		switch h {
		case Patient:
			id, issuer, _ := strings.Cut(v, issued)
			v = withIssuer(Normal(dicom.LO, id), Normal(dicom.LO, issuer))
		case Facility:
			v = Normal(dicom.LO, v)
		case Physician:
			v = FoldName(v)
		}
		if v != "" {
			values = append(values, v)
		}
	}
	return values, len(given) > 0
}

// Holders are whom the instances of a study name, by Holder: each value once, ascending; "" where an instance names nobody.
type Holders [holders][]string

// Add takes in what an instance names, and reports whether that is new.
func (h *Holders) Add(n Named) bool {
	changed := false
	for i, v := range n {
		if at, found := slices.BinarySearch(h[i], v); !found {
			h[i] = slices.Insert(h[i], at, v)
			changed = true
		}
	}
	return changed
}

// Agree reports whether all instances name the same.
func (h *Holders) Agree() bool {
	return !slices.ContainsFunc(h[:], func(values []string) bool { return len(values) > 1 })
}

// Allow reports whether a study whose instances name these is within the limits.
func (l Limits) Allow(study dicom.UID, of Holders) bool {
	return l.allow(study, of, false)
}

// AllowInto reports whether an instance that names these may come into a study that is within the limits: it names nobody else.
func (l Limits) AllowInto(study dicom.UID, n Named) bool {
	var of Holders
	of.Add(n)
	return l.allow(study, of, true)
}

func (l Limits) allow(study dicom.UID, of Holders, nobody bool) bool {
	if len(l.Studies) > 0 && !slices.Contains(l.Studies, study) {
		return false
	}
	for h := range holders {
		allowed, set := l.Of(h)
		if !set {
			continue
		}
		named := nobody
		for _, v := range of[h] {
			if v == "" {
				continue
			}
			named = true
			if !slices.ContainsFunc(h.Names(v), func(name string) bool { return slices.Contains(allowed, name) }) {
				return false
			}
		}
		if !named {
			return false
		}
	}
	return true
}

// AllowTask reports whether a workitem or a procedure step is within the limits. It satisfies a limit as a study does: all that it names,
// in itself and in the orders and studies that it refers to, is allowed, and it names somebody.
func (l Limits) AllowTask(ds *dicom.DataSet) bool {
	if l.Everything() {
		return true
	}
	var of Holders
	var studies []dicom.UID
	gather(ds, &of, &studies)
	if len(l.Studies) > 0 && (len(studies) == 0 || slices.ContainsFunc(studies, func(u dicom.UID) bool { return !slices.Contains(l.Studies, u) })) {
		return false
	}
	l.Studies = nil
	return l.Allow("", of)
}

func gather(ds *dicom.DataSet, of *Holders, studies *[]dicom.UID) {
	of.Add(NamedBy(ds))
	if u := ds.UID(dicom.StudyInstanceUID); u != "" {
		*studies = append(*studies, u)
	}
	for e := range ds.All() {
		items, _ := e.Value.(dicom.Items)
		if e.Tag == dicom.OtherPatientIDsSequence { // of the same patient
			continue
		}
		for _, item := range items {
			gather(item, of, studies)
		}
	}
}

// TaskKeys are keys that all tasks within the limits match, to narrow a search down; AllowTask has to decide.
func (l Limits) TaskKeys() []Key {
	var keys []Key
	if values, set := l.Of(Patient); set && len(values) <= maxTaskKeys {
		any := AnyOf{}
		for _, v := range values {
			id, _, _ := strings.Cut(v, issued)
			any.Conditions = append(any.Conditions, Single{id})
		}
		keys = append(keys, Key{Path: Path{dicom.PatientID}, Condition: any})
	}
	return keys
}

// maxTaskKeys bounds the conditions of a search that are not the client's.
const maxTaskKeys = 100
