package worklist_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/memlist"
	"github.com/noctis-dicom/noctis/worklist/worklisttest"
)

// itemTable is PS3.4 Table CC.2.5-3 in the items of its sequences: attribute, type, value. What is of type 1C has the type that it has beside the
// values here.
const itemTable = `
ScheduledProcessingParametersSequence 2
>ValueType 1 NUMERIC
>ConceptNameCodeSequence 1
>>CodeValue 1 C
>>CodingSchemeDesignator 1 99TEST
>>CodeMeaning 1 Meaning
>NumericValue 1 5
>MeasurementUnitsCodeSequence 1
>>CodeValue 1 mm
>>CodingSchemeDesignator 1 UCUM
>>CodeMeaning 1 mm
ScheduledStationNameCodeSequence 2
>URNCodeValue 1 urn:oid:1.2.3
>CodeMeaning 1 Room 1
ScheduledStationClassCodeSequence 2
>LongCodeValue 1 A code of more than sixteen characters
>CodingSchemeDesignator 1 99TEST
>CodeMeaning 1 Meaning
ScheduledStationGeographicLocationCodeSequence 2
>CodeMeaning 1 Here
>CodeValue 1 H
>CodingSchemeDesignator 1 99TEST
>CodingSchemeVersion 3 1
ScheduledHumanPerformersSequence 2
>HumanPerformerCodeSequence 1
>>CodeValue 1 R
>>CodingSchemeDesignator 1 99TEST
>>CodeMeaning 1 Rita
>HumanPerformerName 1 READER^RITA
>HumanPerformerOrganization 1 North
ScheduledWorkitemCodeSequence 2
>CodeValue 1 110005
>CodingSchemeDesignator 1 DCM
>CodeMeaning 1 Interpretation
InputInformationSequence 2
>TypeOfInstances 1 DICOM
>StudyInstanceUID 3 1.2.3
>SeriesInstanceUID 3
>ReferencedSOPSequence 2
>>ReferencedSOPClassUID 1 1.2.840.10008.5.1.4.1.1.2
>>ReferencedSOPInstanceUID 1 1.2.3.4
>DICOMRetrievalSequence 3
>>RetrieveAETitle 1 PACS
>DICOMMediaRetrievalSequence 3
>>StorageMediaFileSetID 2
>>StorageMediaFileSetUID 1 1.2.3.5
>WADORetrievalSequence 3
>>RetrieveURI 1 http://pacs.example/wado
>XDSRetrievalSequence 3
>>RepositoryUniqueID 1 1.2.3.6
>WADORSRetrievalSequence 3
>>RetrieveURL 1 http://pacs.example/studies/1.2.3
OutputDestinationSequence 3
>STOWRSStorageSequence 1
>>StorageURL 1 http://pacs.example/studies
OtherPatientIDsSequence 2
>PatientID 1 P2
>IssuerOfPatientID 2
>IssuerOfPatientIDQualifiersSequence 3
>>UniversalEntityID 3 1.2.3
>>UniversalEntityIDType 1 ISO
>>AssigningFacilitySequence 3
>>>LocalNamespaceEntityID 1 North
IssuerOfAdmissionIDSequence 2
>LocalNamespaceEntityID 1 North
>UniversalEntityIDType 3 ISO
AdmittingDiagnosesCodeSequence 2
>CodeValue 1 I10
>CodingSchemeDesignator 1 I10
>CodeMeaning 1 Hypertension
ReferencedRequestSequence 2
>StudyInstanceUID 1 1.2.3
>AccessionNumber 2 A1
>IssuerOfAccessionNumberSequence 2
>>LocalNamespaceEntityID 1 North
>OrderPlacerIdentifierSequence 2
>>LocalNamespaceEntityID 1 North
>OrderFillerIdentifierSequence 2
>RequestedProcedureID 2 R1
>RequestedProcedureDescription 2 Head
>RequestedProcedureCodeSequence 2
>>CodeValue 1 H
>>CodingSchemeDesignator 1 99TEST
>>CodeMeaning 1 Head
>RequestingPhysician 3 DOE^JOHN
ReplacedProcedureStepSequence 3
>ReferencedSOPClassUID 1 1.2.840.10008.5.1.4.34.6.1
>ReferencedSOPInstanceUID 1 1.2.3.9
`

// row is a line of itemTable.
type row struct {
	path  []dicom.Tag
	typ   string
	value string
}

func itemRows(t *testing.T) (rows []row) {
	t.Helper()
	var path []dicom.Tag
	for line := range strings.Lines(strings.TrimSpace(itemTable)) {
		depth := strings.Count(line, ">")
		f := strings.SplitN(strings.Trim(line, ">\n"), " ", 3)
		a, found := dicom.LookupKeyword(f[0])
		if !found {
			t.Fatal(f[0])
		}
		path = append(path[:depth:depth], a.Tag)
		rows = append(rows, row{path, f[1], append(f, "")[2]})
	}
	return rows
}

// itemsWithout makes a workitem with an item in each sequence, of all rows but one.
func itemsWithout(rows []row, left int) *dicom.DataSet {
	var fill func(to *dicom.DataSet, within []dicom.Tag) *dicom.DataSet
	fill = func(to *dicom.DataSet, within []dicom.Tag) *dicom.DataSet {
		for i, r := range rows {
			n := len(within)
			switch tag := r.path[len(r.path)-1]; {
			case i == left || len(r.path) != n+1 || !slices.Equal(r.path[:n], within):
			case tag.VR() != dicom.SQ:
				to.SetStrings(tag, tag.VR(), r.value)
			case i+1 < len(rows) && len(rows[i+1].path) > len(r.path):
				to.SetItems(tag, fill(&dicom.DataSet{}, r.path))
			default:
				to.SetItems(tag)
			}
		}
		return to
	}
	return fill(worklisttest.Item(nil), nil)
}

// name is how an error names the attribute.
func (r row) name() string {
	var names []string
	for _, tag := range r.path {
		names = append(names, tag.Keyword())
	}
	return strings.Join(names, "[1].")
}

// in is the attribute of a workitem.
func (r row) in(ds *dicom.DataSet) (dicom.Element, bool) {
	for _, tag := range r.path[:len(r.path)-1] {
		ds = ds.Items(tag)[0]
	}
	return ds.Get(r.path[len(r.path)-1])
}

// TestItems: what an item of a created or updated workitem lacks of type 1 is named by its path; what it lacks of type 2 is there afterwards, empty.
func TestItems(t *testing.T) {
	rows := itemRows(t)
	if _, code, err := worklist.Create(itemsWithout(rows, -1), "1.2", time.Now()); err != nil || code != worklist.Success {
		t.Fatalf("with everything: %04X, %v", uint16(code), err)
	}
	for i, r := range rows {
		given := itemsWithout(rows, i)
		length := given.Len()
		w, _, err := worklist.Create(given, "1.2", time.Now())
		var refusal *worklist.Refusal
		switch {
		case r.typ == "1":
			if !errors.As(err, &refusal) || refusal.Code != worklist.MissingAttribute || !strings.Contains(refusal.Detail, "[1]") ||
				!sameItem(refusal.Detail, r.name()) {
				t.Errorf("without %s: %v", r.name(), err)
			}
		case err != nil:
			t.Errorf("without %s: %v", r.name(), err)
		case r.typ == "2":
			if e, there := r.in(w.DataSet); !there || e.HasValue() {
				t.Errorf("%s is of type 2: %t, %v", r.name(), there, e)
			}
		}
		if given.Len() != length {
			t.Errorf("without %s: what was given has changed", r.name())
		}
		if r.typ == "1" && r.path[0] != dicom.AdmittingDiagnosesCodeSequence && r.path[0] != dicom.ReferencedRequestSequence &&
			r.path[0] != dicom.ReplacedProcedureStepSequence && r.path[0] != dicom.IssuerOfAdmissionIDSequence {
			refusesUpdate(t, r, given)
		}
	}
}

// sameItem: a code that is missing is told by the first of its three attributes.
func sameItem(detail, name string) bool {
	item, last := name[:strings.LastIndex(name, ".")], name[strings.LastIndex(name, ".")+1:]
	path, why, _ := strings.Cut(detail, " ")
	return strings.HasPrefix(path, item+".") && (strings.HasSuffix(path, "."+last) || strings.Contains(why, last))
}

// refusesUpdate: the sequence of a row, as it was given, is refused at an update.
func refusesUpdate(t *testing.T, r row, given *dicom.DataSet) {
	t.Helper()
	l := worklist.New(memlist.New())
	if _, _, err := l.Create(t.Context(), worklisttest.Item(nil), "1.2"); err != nil {
		t.Fatal(err)
	}
	change := &dicom.DataSet{}
	e, _ := given.Get(r.path[0])
	change.Set(e)
	if code := codeOf(l.Update(t.Context(), "1.2", change, "")); code != worklist.MissingAttribute {
		t.Errorf("an update without %s: %04X", r.name(), uint16(code))
	}
}
