package dicomweb

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// instanceQuery asks for all instances.
func instanceQuery() match.Query { return match.Query{Level: match.Instance, Limit: -1} }

// describe writes parameters on one line, for the table.
func describe(p *searchParameters) string {
	var b strings.Builder
	for _, k := range p.keys {
		fmt.Fprintf(&b, "%s=%T%v ", k.Path, k.Condition, k.Condition)
	}
	for _, path := range p.include {
		fmt.Fprintf(&b, "+%s ", path)
	}
	if p.includeAll {
		b.WriteString("all ")
	}
	if p.fuzzy {
		b.WriteString("fuzzy ")
	}
	for _, o := range p.order {
		fmt.Fprintf(&b, "<%s%s ", o.Tag, map[bool]string{true: "-"}[o.Descending])
	}
	if p.recordKeys {
		b.WriteString("keys ")
	}
	if len(p.prior) > 0 {
		fmt.Fprintf(&b, "after %q ", p.prior)
	}
	fmt.Fprintf(&b, "%d:%d", p.offset, p.limit)
	return strings.ReplaceAll(b.String(), "match.", "")
}

func TestParseSearch(t *testing.T) {
	for query, want := range map[string]string{
		"":                          "0:-1",
		"limit=101&offset=7":        "7:101",
		"limit=0":                   "0:0",
		"limit=5&limit=5":           "0:5",
		"limit=&offset":             "0:-1",
		"limit=9999999999999999999": "0:2147483647",
		"fuzzymatching=true":        "fuzzy 0:-1",
		"fuzzymatching=True":        "fuzzy 0:-1",
		"fuzzymatching=false":       "0:-1",
		"includefield=00081030%2C00080060&includefield=PatientName,OtherPatientIDsSequence.PatientID": "+00081030 +00080060 +00100010 +00101002.00100020 0:-1",
		"includefield=all":                                     "all 0:-1",
		"includefield=,,StudyDate":                             "+00080020 0:-1",
		"IncludeField=all&OrderBy=-StudyDate&foo&_=1":          "0:-1",
		"orderby=-StudyDate,00100010&orderby=":                 "<00080020- <00100010 0:-1",
		"RecordKey":                                            "keys 0:-1",
		"includefield=0008041B,PatientID":                      "+00100020 keys 0:-1",
		"PriorRecordKey=MXwyfDEuMg%3D%3D&limit=9":              `keys after "1|2|1.2" 0:9`,
		"0008041C=&MaximumNumberOfRecords=7&limit=9":           "keys 0:7",
		"accept=application/dicom%2Bjson&charset=x":            "0:-1",
		"PatientID=1%2C2":                                      "00100020=Single{1,2} 0:-1",
		"00100020=x":                                           "00100020=Single{x} 0:-1",
		"0020000d=1.2,1.3":                                     "0020000D=UIDList{[1.2 1.3]} 0:-1",
		"StudyInstanceUID=1.2&0020000D=1.3":                    "0020000D=UIDList{[1.2 1.3]} 0:-1",
		"StudyInstanceUID=1.2&StudyInstanceUID=1.2":            "0020000D=Single{1.2} 0:-1",
		"PatientName=":                                         "00100010=Universal{} 0:-1",
		"PatientName":                                          "00100010=Universal{} 0:-1",
		"patientname=x":                                        "0:-1",
		"PatientName=a+b%20c*":                                 "00100010=Wildcard{a b c*} 0:-1",
		`PatientID=""`:                                         `00100020=Single{""} 0:-1`,
		`PatientID=""&emptyvaluematching=true`:                 `00100020=Empty{} 0:-1`,
		"RequestAttributesSequence.ScheduledProcedureStepID=7": "00400275.00400009=Single{7} 0:-1",
		"00230010=Acme&00231001=1":                             "00230010=Single{Acme} 00231001=Single{1} 0:-1",
		"&&PatientID=1&":                                       "00100020=Single{1} 0:-1",
	} {
		p, err := parseSearch(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if diff := cmp.Diff(want, describe(p)); diff != "" {
			t.Errorf("%s\n%s", query, diff)
		}
	}
}

// Errors say what was wrong.
func TestParseSearchErrors(t *testing.T) {
	for query, want := range map[string]string{
		"limit=-1":                          "limit",
		"limit=1.5":                         "limit",
		"offset=%201":                       "offset",
		"limit=1&limit=2":                   "more than once",
		"fuzzymatching=1":                   "fuzzymatching",
		"emptyvaluematching=yes":            "emptyvaluematching",
		"PatientID=%Z1":                     "percent",
		"PatientID=%ff":                     "PatientID",
		"PatientID=a%00b":                   "PatientID",
		"PatientID=a&00100020=b":            "PatientID is given more than once",
		"orderby=Nothing":                   "orderby",
		"includefield=PatientID,Nothing":    "Nothing",
		"orderby=RequestAttributesSequence": "orderby",
		"PriorRecordKey=!":                  "PriorRecordKey",
		"MaximumNumberOfRecords=x":          "MaximumNumberOfRecords",
		"RecordKey=MQ==":                    "RecordKey",
		"StudyDate=2024-13-01":              "StudyDate",
		"StudyDate=20241301":                "StudyDate",
		"InstanceNumber=one":                "InstanceNumber",
		"00231001=1":                        "private creator",
		"PixelData=1":                       "PixelData",
		"RequestAttributesSequence=1":       "RequestAttributesSequence",
		strings.Repeat("a=b&", 1001):        "1000 parameters",
		"includefield=" + strings.Repeat("PatientID,", 1001): "includefield",
	} {
		_, err := parseSearch(query)
		if err == nil || problemOf(err).status != 400 || !strings.Contains(problemOf(err).detail, want) {
			t.Errorf("%.60s: %v, want 400 with %q", query, err, want)
		}
	}
}

// TestKeysBelowTheLevel: at which level keys are decided, and when the study answers for those that it gathers.
func TestKeysBelowTheLevel(t *testing.T) {
	for query, want := range map[string][3]match.Level{
		"PatientID=1":                                {match.Study, match.Series, match.Instance},
		"BodyPartExamined=CHEST&PatientID=1":         {match.Series, match.Series, match.Instance},
		"BodyPartExamined=CHEST&Rows=5":              {match.Instance, match.Instance, match.Instance},
		"BodyPartExamined=&Rows=&PatientID=1":        {match.Study, match.Series, match.Instance},
		"Modality=CT,MR":                             {match.Study, match.Series, match.Instance},
		"Modality=CT&SOPClassUID=1.2":                {match.Study, match.Instance, match.Instance},
		"Modality=CT&BodyPartExamined=CHEST":         {match.Series, match.Series, match.Instance},
		"Modality=CT&00230010=Acme&00231001=":        {match.Instance, match.Instance, match.Instance},
		"RequestAttributesSequence.StudyInstanceUID": {match.Study, match.Series, match.Instance},
		"RequestAttributesSequence.StudyInstanceUID=1.2&limit=3&offset=2&fuzzymatching=true": {match.Series, match.Series, match.Instance},
	} {
		p, err := parseSearch(query)
		if err != nil {
			t.Fatal(err)
		}
		for level, decisive := range want {
			q, err := p.query(match.Level(level), dicom.Ref{Study: "1.2"})
			if err != nil || q.Level != match.Level(level) || q.Limit != p.limit || q.Offset != p.offset || q.Fuzzy != p.fuzzy || q.Scope.Study != "1.2" {
				t.Errorf("%s at the %v level: %+v, %v", query, match.Level(level), q, err)
			}
			if got := q.Decisive(); got != decisive {
				t.Errorf("%s at the %v level is decided at the %v level, want %v", query, match.Level(level), got, decisive)
			}
		}
	}
}

// Parameters that are right by themselves, but not of this level.
func TestQueryErrors(t *testing.T) {
	for query, want := range map[string]string{
		"orderby=InstanceNumber":              "InstanceNumber",
		"PriorRecordKey=MXwyfDEuMnwxfDEuMg==": "PriorRecordKey", // of a series
		"PriorRecordKey=eA==":                 "PriorRecordKey",
		"RecordKey&orderby=StudyDate":         "exclude",
	} {
		p, err := parseSearch(query)
		if err == nil {
			_, err = p.query(match.Study, dicom.Ref{})
		}
		if err == nil || problemOf(err).status != 400 || !strings.Contains(problemOf(err).detail, want) {
			t.Errorf("%s: %v, want 400 with %q", query, err, want)
		}
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{
		"PatientName=*Head*&limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060",
		"StudyDate=20240101-20240201&StudyTime=10-12&TimezoneOffsetFromUTC=%2B0100", "00230010=Acme&00231001=1&includefield=00231002",
		"OtherPatientIDsSequence.PatientID=1&multiplevaluematching=true&ModalitiesInStudy=CT,MR", "%=&&=&a", "00080005=x&limit=",
		"orderby=-StudyDate,PatientName&RecordKey", "PriorRecordKey=MXwyfDEuMg&MaximumNumberOfRecords=7",
	} {
		f.Add(s)
	}
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2")
	ds.SetStrings(dicom.PatientName, dicom.PN, "DOE^JANE")
	f.Fuzz(func(t *testing.T, query string) {
		p, err := parseSearch(query)
		if err != nil {
			if problemOf(err).status != 400 {
				t.Fatal(err)
			}
			return
		}
		if p.limit < -1 || p.offset < 0 {
			t.Fatalf("%q: %d:%d", query, p.offset, p.limit)
		}
		for level := match.Study; level <= match.Instance; level++ {
			q, err := p.query(level, dicom.Ref{})
			if err != nil {
				if problemOf(err).status != 400 {
					t.Fatal(err)
				}
				continue
			}
			q.Match(ds)
			if _, err := q.Project(ds).MarshalJSON(); err != nil {
				t.Fatal(err)
			}
		}
		// What was read means the same when it is written again.
		if values, err := url.ParseQuery(query); err == nil && !strings.Contains(query, ";") {
			again, err := parseSearch(values.Encode())
			if err != nil || again.limit != p.limit || again.offset != p.offset || len(again.keys) != len(p.keys) {
				t.Fatalf("%q: %v", query, err)
			}
		}
	})
}
