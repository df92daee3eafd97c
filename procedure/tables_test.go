package procedure

import (
	"errors"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/usage"
)

// worklistTable is PS3.4 Table K.6-1: attribute, Matching Key Type, Return Key Type. Those behind ">" are in the item of Scheduled Procedure
// Step Sequence. Of the attributes of type O and 3 some stand for all.
const worklistTable = `
SpecificCharacterSet                              O 1C
>ScheduledStationAETitle                          R 1
>ScheduledProcedureStepStartDate                  R 1
>ScheduledProcedureStepStartTime                  R 1
>Modality                                         R 1
>ScheduledPerformingPhysicianName                 R 2
>ScheduledProcedureStepDescription                O 1C
>ScheduledStationName                             O 2
>ScheduledProcedureStepLocation                   O 2
>ScheduledProtocolCodeSequence                    O 1C
>PreMedication                                    O 2C
>ScheduledProcedureStepID                         O 1
>RequestedContrastAgent                           O 2C
>ScheduledProcedureStepStatus                     O 3
>CommentsOnTheScheduledProcedureStep              O 3
RequestedProcedureID                              O 1
RequestedProcedureDescription                     O 1C
RequestedProcedureCodeSequence                    O 1C
StudyInstanceUID                                  O 1
StudyDate                                         O 3
StudyTime                                         O 3
ReferencedStudySequence                           O 2
RequestedProcedurePriority                        O 2
PatientTransportArrangements                      O 2
NamesOfIntendedRecipientsOfResults                O 3
AccessionNumber                                   O 2
RequestingPhysician                               O 2
ReferringPhysicianName                            O 2
PlacerOrderNumberImagingServiceRequest            O 3
AdmissionID                                       O 2
CurrentPatientLocation                            O 2
ReferencedPatientSequence                         O 2
PatientName                                       R 1
PatientID                                         R 1
IssuerOfPatientID                                 O 3
PatientBirthDate                                  O 2
PatientSex                                        O 2
PatientWeight                                     O 2
ConfidentialityConstraintOnPatientDataDescription O 2
PatientState                                      O 2
PregnancyStatus                                   O 2
MedicalAlerts                                     O 2
Allergies                                         O 2
SpecialNeeds                                      O 2
PatientSize                                       O 3
`

// sample is a value of each VR, and another.
var sample = map[dicom.VR][2]string{
	dicom.UT: {"A", "B"},
	dicom.AE: {"CT1", "MR9"}, dicom.CS: {"ONE", "TWO"}, dicom.DA: {"20300102", "20310102"}, dicom.TM: {"0930", "1030"}, dicom.PN: {"DOE^JANE", "ROE^RICK"},
	dicom.LO: {"one", "two"}, dicom.SH: {"one", "two"}, dicom.LT: {"one", "two"}, dicom.ST: {"one", "two"}, dicom.UI: {"1.2.3", "1.2.4"}, dicom.DS: {"61.5", "70"},
	dicom.US: {"4", "1"},
}

// TestWorklistTable: an attribute is matched, whatever its type says; one of type 1, and of 1C and 2C with a value, is in every answer with it;
// one of type 2 without as well; one of type 3 where it was asked for.
func TestWorklistTable(t *testing.T) {
	rows := rowsOf(t, worklistTable)
	full, step := &dicom.DataSet{}, &dicom.DataSet{}
	for _, r := range rows {
		if r.nested {
			set(step, r.tag, sample[r.tag.VR()][0])
		} else if r.tag != dicom.SpecificCharacterSet {
			set(full, r.tag, sample[r.tag.VR()][0])
		}
	}
	full.SetItems(dicom.ScheduledProcedureStepSequence, step)
	s, err := Schedule(full, Name{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		path := match.Path{r.tag}
		if r.nested {
			path = match.Path{dicom.ScheduledProcedureStepSequence, r.tag}
		}
		if r.tag.VR() == dicom.SQ {
			path = append(path, firstOf(r.tag))
		}
		if r.tag != dicom.SpecificCharacterSet {
			for i, want := range []bool{true, false} {
				if found := search(t, s, path, sample[path[len(path)-1].VR()][i]); found != want {
					t.Errorf("%s: found %t with value %d", r.tag.Keyword(), found, i)
				}
			}
		}
		has := r.in(Project(match.Query{}, s))
		if want := r.types[1] != "3" || r.nested; has != want {
			t.Errorf("%s: in the answer %t", r.tag.Keyword(), has)
		}
		if !r.in(Project(match.Query{Include: []match.Path{path}}, s)) {
			t.Errorf("%s: not in the answer that asks for it", r.tag.Keyword())
		}
	}
	missing(t, rows, full, step)
}

// missing takes each attribute away in turn: one of type 1 is made up or required, one of type 2 is there without a value.
func missing(t *testing.T, rows []tableRow, full, step *dicom.DataSet) {
	for _, r := range rows {
		ds, item := full.Clone(), step.Clone()
		if r.nested {
			item.Delete(r.tag)
		} else {
			ds.Delete(r.tag)
		}
		ds.SetItems(dicom.ScheduledProcedureStepSequence, item)
		s, err := Schedule(ds, Name{})
		if err != nil {
			if !errors.Is(err, ErrInvalid) || r.types[1] != "1" {
				t.Errorf("without %s: %v", r.tag.Keyword(), err)
			}
			continue
		}
		answer := Project(match.Query{}, s)
		if r.nested {
			answer = answer.Items(dicom.ScheduledProcedureStepSequence)[0]
		}
		switch r.types[1] {
		case "1":
			if !usage.HasValue(answer, r.tag) {
				t.Errorf("without %s: none in the answer", r.tag.Keyword())
			}
		case "2":
			if !answer.Has(r.tag) || usage.HasValue(answer, r.tag) {
				t.Errorf("without %s: it is not empty in the answer", r.tag.Keyword())
			}
		}
	}
}

// TestCheckKeys: what Table K.6-1 has "only" for is matched by nothing else.
func TestCheckKeys(t *testing.T) {
	for key, want := range map[string]bool{
		"00400100.00400001=CT1": true, "00400100.00400001=CT*": false, "00400100.00400001=CT?": false, "00400100.00400001=*": true, "00400100.00400001=": true,
		"00400100.00080060=C*": true, "00400100.00400006=D*": true, "00100020=P*": true, "00100010=D*": true, "00400100.00400002=2030-2031": true,
		"00380100.00081155=1.2": false, "00380100.00081155=": true, "00400100.00400008.00080104=Head": true, "00400100.00400008.00400440.0040A160=x": false,
		"00400500.00400518.00080100=x": false, "00400500.00400512=C1": true,
	} {
		tags, value, _ := strings.Cut(key, "=")
		path, err := match.ParsePath(tags)
		if err != nil {
			t.Fatal(err)
		}
		k, err := match.ParseKey(path, value, match.ParseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, keys := range [][]match.Key{{k}, match.Combine([]match.Key{k})} {
			if err := CheckKeys(keys); (err == nil) != want || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

// TestTimezone: whoever reads the times of an answer needs the zone that they were given in (Table K.6-1a).
func TestTimezone(t *testing.T) {
	ds, _ := order()
	ds.SetStrings(dicom.TimezoneOffsetFromUTC, dicom.SH, "+0100")
	s, err := Schedule(ds, Name{})
	if err != nil || Project(match.Query{}, s).String(dicom.TimezoneOffsetFromUTC) != "+0100" {
		t.Errorf("%v, %v", s, err)
	}
}

// TestOneProcedure: Requested Procedure Code Sequence has one item.
func TestOneProcedure(t *testing.T) {
	code := with(&dicom.DataSet{}, map[dicom.Tag]string{dicom.CodeValue: "X1", dicom.CodingSchemeDesignator: "99X", dicom.CodeMeaning: "Head"})
	ds, step := order()
	ds.SetItems(dicom.ScheduledProcedureStepSequence, step)
	for n, want := range []error{nil, nil, ErrInvalid} {
		ds.SetItems(dicom.RequestedProcedureCodeSequence, []*dicom.DataSet{code, code}[:n]...)
		if _, err := Schedule(ds, Name{}); !errors.Is(err, want) {
			t.Errorf("%d items: %v", n, err)
		}
	}
}

// TestDescribed: PS3.4 Table K.6-1 wants a description, or a code, or both, of the step and of the procedure; each lends its own to the other.
func TestDescribed(t *testing.T) {
	code := with(&dicom.DataSet{}, map[dicom.Tag]string{dicom.CodeValue: "X1", dicom.CodingSchemeDesignator: "99X", dicom.CodeMeaning: "Head by code"})
	for _, c := range []struct {
		change            func(ds, step *dicom.DataSet)
		procedure, stepIs string
	}{
		{func(ds, step *dicom.DataSet) { ds.SetStrings(dicom.RequestedProcedureDescription, dicom.LO, "Head") }, "Head", "Head"},
		{func(ds, step *dicom.DataSet) { ds.SetItems(dicom.RequestedProcedureCodeSequence, code) }, "", "Head by code"},
		{func(ds, step *dicom.DataSet) { step.SetItems(dicom.ScheduledProtocolCodeSequence, code) }, "Head by code", ""},
		{func(ds, step *dicom.DataSet) {
			step.SetStrings(dicom.ScheduledProcedureStepDescription, dicom.LO, "Neck")
		}, "Neck", "Neck"},
		{func(ds, step *dicom.DataSet) {}, "CT", "CT"},
	} {
		ds, step := order()
		step.Delete(dicom.ScheduledProcedureStepDescription)
		c.change(ds, step)
		s, err := Schedule(ds, Name{})
		if err != nil {
			t.Fatal(err)
		}
		if p, st := s.DataSet.String(dicom.RequestedProcedureDescription), s.Step().String(dicom.ScheduledProcedureStepDescription); p != c.procedure || st != c.stepIs {
			t.Errorf("procedure %q, step %q; want %q, %q", p, st, c.procedure, c.stepIs)
		}
	}
}

type tableRow struct {
	tag    dicom.Tag
	nested bool
	types  []string
}

func rowsOf(t *testing.T, table string) (rows []tableRow) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(table)) {
		fields := strings.Fields(line)
		keyword := strings.TrimLeft(fields[0], ">")
		a, found := dicom.LookupKeyword(keyword)
		if !found {
			t.Fatalf("no attribute %s", keyword)
		}
		rows = append(rows, tableRow{a.Tag, keyword != fields[0], fields[1:]})
	}
	return rows
}

func (r tableRow) in(answer *dicom.DataSet) bool {
	if r.nested {
		answer = answer.Items(dicom.ScheduledProcedureStepSequence)[0]
	}
	return answer.Has(r.tag)
}

// firstOf is what an item of a sequence is searched by.
func firstOf(t dicom.Tag) dicom.Tag {
	if t == dicom.ReferencedStudySequence || t == dicom.ReferencedPatientSequence {
		return dicom.ReferencedSOPInstanceUID
	}
	return dicom.CodeValue
}

func set(ds *dicom.DataSet, t dicom.Tag, value string) {
	if t.VR() == dicom.SQ {
		item := &dicom.DataSet{}
		set(item, firstOf(t), sample[firstOf(t).VR()][0])
		ds.SetItems(t, item)
		return
	}
	if t.VR() == dicom.US {
		ds.SetInts(t, dicom.US, 4)
		return
	}
	ds.SetStrings(t, t.VR(), value)
}

func search(t *testing.T, s *Scheduled, path match.Path, value string) bool {
	t.Helper()
	key, err := match.ParseKey(path, value, match.ParseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return match.Query{Level: match.Instance, Keys: match.Combine([]match.Key{key})}.Match(s.Shown())
}
