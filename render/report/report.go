// Package report renders structured reports as text (PS3.18 Table 8.7.4-1): the content tree of PS3.3 C.17.3 with its concept names,
// codes, measurements, coordinates and references, for people as HTML and plain text, for programs as XML.
//
// report.go reads the document and its tree, values.go the values of the items; html.go, text.go and xml.go write them.
package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Report is an SR document (PS3.3 C.17) or a Key Object Selection (PS3.3 C.17.6).
type Report struct {
	SOPClass dicom.UID
	Ref      dicom.Ref
	Facts    []Fact // what is said about the document as a whole
	Root     *Item
}

// Fact is a line of the document's header: what it is called in XML, its label, its value.
type Fact struct{ Name, Label, Value string }

// Item is a content item (PS3.3 C.17.3): what it is about, its value, and the items below it.
type Item struct {
	ID           string // its place in the tree: "1" is the root, "1.2" the root's second child (PS3.3 C.17.3.2.5)
	Kind         string // Value Type (0040,A040)
	Relationship string // to the item above, "" of the root
	Concept      Code
	Continuous   bool   // a container whose items are one running text
	Observed     string // Observation DateTime
	Value        Value
	Target       *Item // of a relationship by reference: the item that is meant
	Items        []*Item

	target string // the ID of Target, before it is found
}

// maxDepth bounds the nesting that is shown; no template of PS3.16 comes near it.
const maxDepth = 64

// Read reads the document. ok is false if the data set is no report.
func Read(ds *dicom.DataSet) (r *Report, ok bool) {
	if strings.TrimSpace(ds.String(dicom.ValueType)) != "CONTAINER" {
		return nil, false
	}
	t := tree{evidence: evidence(ds), byID: map[string]*Item{}}
	r = &Report{SOPClass: ds.UID(dicom.SOPClassUID), Ref: ds.Ref(), Facts: facts(ds), Root: t.read(ds, "1", maxDepth)}
	for _, item := range t.byID {
		if item.target != "" {
			item.Target = t.byID[item.target]
		}
	}
	return r, true
}

// Title is the concept name of the root.
func (r *Report) Title() string {
	if m := r.Root.Concept.Meaning; m != "" {
		return m
	}
	return "Report"
}

// tree reads content items.
type tree struct {
	evidence map[dicom.UID]dicom.Ref // where the referenced instances lie
	byID     map[string]*Item
}

func (t tree) read(ds *dicom.DataSet, id string, depth int) *Item {
	item := &Item{
		ID:           id,
		Kind:         text(ds, dicom.ValueType),
		Relationship: text(ds, dicom.RelationshipType),
		Concept:      code(ds, dicom.ConceptNameCodeSequence),
		Continuous:   text(ds, dicom.ContinuityOfContent) == "CONTINUOUS",
		Observed:     dateTime(text(ds, dicom.ObservationDateTime)),
		Value:        t.value(ds),
		target:       identifier(ds),
	}
	t.byID[id] = item
	children := ds.Items(dicom.ContentSequence)
	if depth == 0 && len(children) > 0 {
		item.Items = []*Item{{ID: id + ".1", Kind: "TEXT", Value: Value{Text: fmt.Sprintf("%d items below this depth are not shown", len(children))}}}
		return item
	}
	for i, child := range children {
		item.Items = append(item.Items, t.read(child, id+"."+strconv.Itoa(i+1), depth-1))
	}
	return item
}

// identifier is the place that a Referenced Content Item Identifier names, "" if the item is no reference (PS3.3 C.17.3.2.5).
func identifier(ds *dicom.DataSet) string {
	e, _ := ds.Get(dicom.ReferencedContentItemIdentifier)
	numbers, _ := e.Value.(dicom.Ints)
	return list(numbers, ".")
}

// evidence finds the study and series of the instances that the document names (PS3.3 C.17.2.3).
func evidence(ds *dicom.DataSet) map[dicom.UID]dicom.Ref {
	found := map[dicom.UID]dicom.Ref{}
	for _, sequence := range []dicom.Tag{dicom.CurrentRequestedProcedureEvidenceSequence, dicom.PertinentOtherEvidenceSequence} {
		for _, study := range ds.Items(sequence) {
			for _, series := range study.Items(dicom.ReferencedSeriesSequence) {
				for _, instance := range series.Items(dicom.ReferencedSOPSequence) {
					ref := dicom.Ref{Study: study.UID(dicom.StudyInstanceUID), Series: series.UID(dicom.SeriesInstanceUID),
						Instance: instance.UID(dicom.ReferencedSOPInstanceUID)}
					if ref.Study.Valid() && ref.Series.Valid() && ref.Instance.Valid() {
						found[ref.Instance] = ref
					}
				}
			}
		}
	}
	return found
}

// facts are the patient, the study, and the state of the document with those who wrote and verified it (PS3.3 C.17.2).
func facts(ds *dicom.DataSet) []Fact {
	var all []Fact
	add := func(name, label, value string) {
		if value != "" {
			all = append(all, Fact{name, label, value})
		}
	}
	add("patientName", "Patient", personName(text(ds, dicom.PatientName)))
	add("patientID", "Patient ID", text(ds, dicom.PatientID))
	add("patientBirthDate", "Birth date", date(text(ds, dicom.PatientBirthDate)))
	add("patientSex", "Sex", text(ds, dicom.PatientSex))
	add("studyDate", "Study", spaced(date(text(ds, dicom.StudyDate)), clock(text(ds, dicom.StudyTime))))
	add("studyDescription", "Study description", text(ds, dicom.StudyDescription))
	add("accessionNumber", "Accession number", text(ds, dicom.AccessionNumber))
	add("referringPhysician", "Referring physician", personName(text(ds, dicom.ReferringPhysicianName)))
	add("institution", "Institution", text(ds, dicom.InstitutionName))
	add("device", "Device", spaced(text(ds, dicom.Manufacturer), text(ds, dicom.ManufacturerModelName)))
	add("content", "Document of", spaced(date(text(ds, dicom.ContentDate)), clock(text(ds, dicom.ContentTime))))
	add("completion", "Completion", text(ds, dicom.CompletionFlag))
	add("completionDescription", "Completion description", text(ds, dicom.CompletionFlagDescription))
	add("preliminary", "Preliminary", text(ds, dicom.PreliminaryFlag))
	add("verification", "Verification", text(ds, dicom.VerificationFlag))
	for _, o := range ds.Items(dicom.VerifyingObserverSequence) {
		add("verifiedBy", "Verified by", spaced(personName(text(o, dicom.VerifyingObserverName)),
			text(o, dicom.VerifyingOrganization), dateTime(text(o, dicom.VerificationDateTime))))
	}
	for _, o := range append(ds.Items(dicom.AuthorObserverSequence), ds.Items(dicom.ParticipantSequence)...) {
		name, value := "author", spaced(personName(text(o, dicom.PersonName)), text(o, dicom.StationName), text(o, dicom.InstitutionName))
		if kind := text(o, dicom.ParticipationType); kind != "" {
			name, value = "participant", spaced(value, "("+kind+")", dateTime(text(o, dicom.ParticipationDateTime)))
		}
		add(name, strings.ToUpper(name[:1])+name[1:], value)
	}
	return all
}
