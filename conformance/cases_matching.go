package conformance

import "strings"

// match is a search of studies and which of the suite's two it finds. {RUN} stands for the run, {ALPHA} and {BETA} for their UIDs.
type match struct {
	id, clause string
	level      Level
	gist       string
	query      string
	want       string // of A (alpha) and B (beta)
}

// Attribute matching, PS3.4 C.2.2.2 by way of PS3.18 8.3.4.1.
var matches = []match{
	{"single.patient-id", "PS3.4 C.2.2.2.1", Shall, "single value: Patient ID", "PatientID=CF-{RUN}-A", "A"},
	{"single.patient-id-tag", "PS3.18 8.3.4.1", Shall, "a key may be a tag", "00100020=CF-{RUN}-A", "A"},
	{"single.accession", "PS3.4 C.2.2.2.1", Shall, "single value: Accession Number", "AccessionNumber=CFB{RUN}", "B"},
	{"single.study-id", "PS3.4 C.2.2.2.1", Shall, "single value: Study ID", "StudyID=CFA{RUN}", "A"},
	{"single.other-value", "PS3.4 C.2.2.2.1", Shall, "single value: another value does not match", "AccessionNumber=CFC{RUN}", ""},
	{"single.part", "PS3.4 C.2.2.2.1", Shall, "single value: the beginning of a value does not match", "AccessionNumber=CFA&{MINE}", ""},
	{"single.name", "PS3.4 C.2.2.2.1", Shall, "single value: Patient's Name", "PatientName=Conform{RUN}%5EAlpha%5EMiddle", "A"},
	{"single.name-case", "PS3.4 C.2.2.2.1", Practice, "a name matches in any case", "PatientName=conform{RUN}%5Ealpha%5Emiddle", "A"},
	{"single.referring", "PS3.4 C.2.2.2.1", Shall, "single value: Referring Physician's Name", "ReferringPhysicianName=Referrer%5ERobin&{MINE}", "AB"},
	{"single.sex", "PS3.4 C.2.2.2.1", Practice, "optional key: Patient's Sex", "PatientSex=F&{MINE}", "A"},
	{"single.birth-date", "PS3.4 C.2.2.2.1", Practice, "optional key: Patient's Birth Date", "PatientBirthDate=19700102&{MINE}", "AB"},
	{"single.description", "PS3.4 C.2.2.2.1", Practice, "optional key: Study Description", "StudyDescription=Conformance%20beta&{MINE}", "B"},
	{"single.date", "PS3.4 C.2.2.2.1", Shall, "single value: Study Date", "StudyDate=20240310&{MINE}", "A"},
	{"single.time", "PS3.4 C.2.2.2.1", Shall, "single value: Study Time", "StudyTime=101500&{MINE}", "A"},
	{"single.plus", "PS3.18 8.3.1.1", Practice, "a blank may be written as a plus sign, as forms do", "StudyDescription=Conformance+beta&{MINE}", "B"},

	{"list.uids", "PS3.4 C.2.2.2.2", Shall, "a list of UIDs parted by commas matches each", "StudyInstanceUID={ALPHA},{BETA}", "AB"},
	{"list.uids-one-unknown", "PS3.4 C.2.2.2.2", Shall, "of a list of UIDs those that exist are found", "StudyInstanceUID={ALPHA}," + unknownUID, "A"},
	{"list.uids-encoded", "PS3.18 8.3.1.1", Practice, "the comma of a list of UIDs may be percent-encoded", "StudyInstanceUID={ALPHA}%2C{BETA}", "AB"},
	{"list.uid-single", "PS3.4 C.2.2.2.2", Shall, "one UID", "StudyInstanceUID={BETA}", "B"},
	{"list.uid-unknown", "PS3.4 C.2.2.2.2", Shall, "a UID that does not exist finds nothing", "StudyInstanceUID=" + unknownUID, ""},

	{"universal.empty", "PS3.4 C.2.2.2.3", Shall, "an empty key matches everything", "PatientName=&{MINE}", "AB"},
	{"universal.star", "PS3.4 C.2.2.2.4", Shall, "an asterisk alone matches everything", "PatientName=*&{MINE}", "AB"},
	{"universal.missing", "PS3.4 C.2.2.2.3", Shall, "an empty key matches instances without the attribute", "RequestingService=&{MINE}", "AB"},

	{"wildcard.end", "PS3.4 C.2.2.2.4", Shall, "an asterisk at the end", "AccessionNumber=CFA*&{MINE}", "A"},
	{"wildcard.name-end", "PS3.4 C.2.2.2.4", Shall, "an asterisk at the end of a name", "PatientName=Conform{RUN}*", "AB"},
	{"wildcard.name-middle", "PS3.4 C.2.2.2.4", Shall, "asterisks around a part of a name", "PatientName=*Alpha*&{MINE}", "A"},
	{"wildcard.name-encoded", "PS3.18 8.3.1.1", Shall, "an asterisk may be percent-encoded", "PatientName=%2AAlpha%2A&{MINE}", "A"},
	{"wildcard.begin", "PS3.4 C.2.2.2.4", Shall, "an asterisk at the beginning", "PatientID=*{RUN}-B", "B"},
	{"wildcard.inside", "PS3.4 C.2.2.2.4", Shall, "an asterisk inside", "PatientID=CF-*-B&{2024}", "B"},
	{"wildcard.question", "PS3.4 C.2.2.2.4", Shall, "a question mark stands for one character", "PatientID=CF-{RUN}-?", "AB"},
	{"wildcard.question-exactly", "PS3.4 C.2.2.2.4", Shall, "a question mark stands for exactly one character", "PatientID=CF-{RUN}-A?", ""},
	{"wildcard.two-stars", "PS3.4 C.2.2.2.4", Shall, "several asterisks", "PatientID=*F-*{RUN}*-B", "B"},
	{"wildcard.empty-run", "PS3.4 C.2.2.2.4", Shall, "an asterisk stands for nothing as well", "PatientID=CF-{RUN}-A*&StudyDate=20240310", "A"},
	{"wildcard.name-case", "PS3.4 C.2.2.2.4", Practice, "patterns of names match in any case", "PatientName=*ALPHA*&{MINE}", "A"},
	{"wildcard.ideographic", "PS3.4 C.2.2.2.4", Practice, "patterns of names are tried on the ideographic group", "PatientName=" + "%E5%B1%B1%E7%94%B0*" + "&{MINE}", "B"},
	{"wildcard.description", "PS3.4 C.2.2.2.4", Practice, "patterns of optional keys", "StudyDescription=*alpha*&{MINE}", "A"},
	{"wildcard.bracket", "PS3.4 C.2.2.2.4", Shall, "no other character is special: brackets and percent signs stand for themselves", "PatientID=%5BC%5DF-{RUN}-A", ""},
	{"wildcard.percent", "PS3.4 C.2.2.2.4", Shall, "a percent sign stands for itself", "PatientID=CF-{RUN}%25", ""},
	{"wildcard.underscore", "PS3.4 C.2.2.2.4", Shall, "an underscore stands for itself", "PatientID=CF-{RUN}-_", ""},
	{"quote", "PS3.4 C.2.2.2.1", Shall, "an apostrophe stands for itself", "PatientID=%27%20OR%20%271%27%3D%271", ""},

	{"range.date", "PS3.4 C.2.2.2.5", Shall, "a range of dates, ends included", "StudyDate=20240310-20240415&{MINE}", "AB"},
	{"range.date-part", "PS3.4 C.2.2.2.5", Shall, "a range of dates leaves others out", "StudyDate=20240311-20240430&{MINE}", "B"},
	{"range.date-from", "PS3.4 C.2.2.2.5", Shall, "a range without an end", "StudyDate=20240401-&{MINE}", "B"},
	{"range.date-to", "PS3.4 C.2.2.2.5", Shall, "a range without a beginning", "StudyDate=-20240401&{MINE}", "A"},
	{"range.date-none", "PS3.4 C.2.2.2.5", Shall, "a range that no study lies in", "StudyDate=20230101-20231231&{MINE}", ""},
	{"range.time", "PS3.4 C.2.2.2.5", Shall, "a range of times", "StudyTime=100000-110000&{MINE}", "A"},
	{"range.time-short", "PS3.4 C.2.2.2.5", Shall, "times of a range may leave minutes out", "StudyTime=14-15&{MINE}", "B"},
	{"range.time-from", "PS3.4 C.2.2.2.5", Shall, "a range of times without an end", "StudyTime=1200-&{MINE}", "B"},
	{"range.combined", "PS3.18 8.3.4.1.1", Shall, "date and time are one interval", "StudyDate=20240310-20240415&StudyTime=1200-1500&{MINE}", "B"},
	{"range.combined-both", "PS3.18 8.3.4.1.1", Shall, "the time of day counts at the ends of the interval alone", "StudyDate=20240309-20240415&StudyTime=1200-1500&{MINE}", "AB"},
	{"range.birth-date", "PS3.4 C.2.2.2.5", Practice, "a range of an optional date", "PatientBirthDate=19700101-19700103&{MINE}", "AB"},

	{"modality.ct", "PS3.18 Table 10.6.1-5", Shall, "ModalitiesInStudy: a study with a series of it", "ModalitiesInStudy=CT&{MINE}", "A"},
	{"modality.sr", "PS3.18 Table 10.6.1-5", Shall, "ModalitiesInStudy: any of its series", "ModalitiesInStudy=SR&{MINE}", "B"},
	{"modality.none", "PS3.18 Table 10.6.1-5", Shall, "ModalitiesInStudy: none of its series", "ModalitiesInStudy=XA&{MINE}", ""},
	{"modality.list", "PS3.18 Table 10.6.1-5", Practice, "ModalitiesInStudy=CT,SR: a study with either", "ModalitiesInStudy=CT,SR&{MINE}", "AB"},
	{"modality.list-encoded", "PS3.18 Table 10.6.1-5", Practice, "the comma of the list may be percent-encoded", "ModalitiesInStudy=XA%2CSR&{MINE}", "B"},

	{"several.and", "PS3.18 8.3.4.1", Shall, "several keys must all match", "StudyDate=20240310&AccessionNumber=CFA{RUN}", "A"},
	{"several.contradict", "PS3.18 8.3.4.1", Shall, "keys that contradict each other find nothing", "StudyDate=20240310&AccessionNumber=CFB{RUN}", ""},

	{"fuzzy.off", "PS3.18 8.3.4.2", Shall, "fuzzymatching=false is taken", "fuzzymatching=false&PatientName=*Alpha*&{MINE}", "A"},
	{"empty.value", "PS3.4 C.2.2.2.7", May, "emptyvaluematching: two quotation marks match an empty attribute", "emptyvaluematching=true&RequestingService=%22%22&{MINE}", "AB"},
	{"multiple.value", "PS3.4 C.2.2.2.8", May, "multiplevaluematching: every value of the list is there", "multiplevaluematching=true&ModalitiesInStudy=CT,US&{MINE}", "A"},
}

func matchingCases() []Case {
	var cases []Case
	for _, m := range matches {
		run := func(t *T) {
			f := t.own()
			target := "/studies?" + strings.NewReplacer("{RUN}", f.run, "{2024}", "StudyDate=20240101-20241231", "{MINE}", f.mine(), "{ALPHA}", f.alpha(), "{BETA}", f.beta()).Replace(m.query)
			a := t.get(target, acceptJSON).status(200, 204)
			if m.level == May && strings.Contains(a.header.Get("Warning"), "not supported") {
				t.unsupported("the server warns that it does not")
			}
			var want []string
			for _, letter := range m.want {
				want = append(want, map[rune]string{'A': f.alpha(), 'B': f.beta()}[letter])
			}
			a.wantStudies(want...)
		}
		cases = append(cases, reads("match."+m.id, m.clause, m.level, m.gist, run))
	}
	return of(Search, append(cases, keyCases()...)...)
}

// keyCases are keys of series and instances, and what is matched as a whole.
func keyCases() []Case {
	none := []string(nil)
	series := func(id, clause string, level Level, gist, query string, want func(*fixture) []string) Case {
		return reads("series-key."+id, clause, level, gist, func(t *T) {
			f := t.own()
			target := "/series?" + strings.NewReplacer("{RUN}", f.run, "{ALPHA}", f.alpha(), "{BETA}", f.beta()).Replace(query)
			t.get(target, acceptJSON).status(200, 204).wantUIDs("0020000E", want(f)...)
		})
	}
	instances := func(id, clause string, level Level, gist, query string, want func(*fixture) []string) Case {
		return reads("instance-key."+id, clause, level, gist, func(t *T) {
			f := t.own()
			target := "/instances?" + strings.NewReplacer("{RUN}", f.run, "{ALPHA}", f.alpha(), "{BETA}", f.beta(), "{CTSERIES}", f.ct[0].series).Replace(query)
			t.get(target, acceptJSON).status(200, 204).wantUIDs("00080018", want(f)...)
		})
	}
	ctSeries := func(f *fixture) []string { return []string{f.ct[0].series} }
	usSeries := func(f *fixture) []string { return []string{f.us.series} }
	nothing := func(*fixture) []string { return none }
	return []Case{
		series("modality", "PS3.18 Table 10.6.1-5", Shall, "Modality", "StudyInstanceUID={ALPHA}&Modality=CT", ctSeries),
		series("number", "PS3.18 Table 10.6.1-5", Shall, "Series Number", "StudyInstanceUID={ALPHA}&SeriesNumber=2", usSeries),
		series("description", "PS3.4 C.2.2.2.1", Practice, "Series Description", "StudyInstanceUID={ALPHA}&SeriesDescription=Axial", ctSeries),
		series("performed-date", "PS3.18 Table 10.6.1-5", Shall, "Performed Procedure Step Start Date, a range",
			"StudyInstanceUID={ALPHA}&PerformedProcedureStepStartDate=20240309-20240311", ctSeries),
		series("performed-time", "PS3.18 Table 10.6.1-5", Shall, "Performed Procedure Step Start Time",
			"StudyInstanceUID={ALPHA}&PerformedProcedureStepStartTime=100500", ctSeries),
		series("request.keywords", "PS3.18 8.3.4.1", Shall, "an attribute inside a sequence, by keywords",
			"RequestAttributesSequence.ScheduledProcedureStepID=SPS{RUN}", ctSeries),
		series("request.tags", "PS3.18 8.3.4.1", Shall, "an attribute inside a sequence, by tags", "00400275.00401001=RP{RUN}", ctSeries),
		series("request.mixed", "PS3.18 8.3.4.1", Shall, "an attribute inside a sequence, by tag and keyword",
			"00400275.RequestedProcedureID=RP{RUN}", ctSeries),
		series("request.other", "PS3.4 C.2.2.2.6", Shall, "an attribute inside a sequence with another value",
			"StudyInstanceUID={ALPHA}&RequestAttributesSequence.ScheduledProcedureStepID=SPS{RUN}X", nothing),
		series("study-attribute", "PS3.18 Table 10.6.1-4", Shall, "all series can be searched by attributes of their studies",
			"PatientID=CF-{RUN}-A&Modality=US", usSeries),
		series("list", "PS3.4 C.2.2.2.2", Shall, "a list of Series Instance UIDs", "StudyInstanceUID={ALPHA},"+unknownUID+"&Modality=CT", ctSeries),
		instances("number", "PS3.18 Table 10.6.1-5", Shall, "Instance Number", "StudyInstanceUID={ALPHA}&SeriesInstanceUID={CTSERIES}&InstanceNumber=2",
			func(f *fixture) []string { return []string{f.ct[1].uid} }),
		instances("class", "PS3.18 Table 10.6.1-5", Shall, "SOP Class UID", "StudyInstanceUID={ALPHA}&SOPClassUID="+usMultiFrame,
			func(f *fixture) []string { return []string{f.us.uid} }),
		instances("modality", "PS3.18 Table 10.6.1-4", Shall, "all instances can be searched by attributes of their series",
			"StudyInstanceUID={ALPHA}&Modality=US", func(f *fixture) []string { return []string{f.us.uid} }),
		instances("patient", "PS3.18 Table 10.6.1-4", Shall, "all instances can be searched by attributes of their patient",
			"PatientID=CF-{RUN}-A&InstanceNumber=3", func(f *fixture) []string { return []string{f.ct[2].uid} }),
		instances("rows", "PS3.4 C.2.2.2.1", Practice, "an optional key of a number", "StudyInstanceUID={ALPHA}&Rows=12",
			func(f *fixture) []string { return []string{f.us.uid} }),
		instances("private", "PS3.18 8.3.4.1", Practice, "a private attribute, with its creator",
			"StudyInstanceUID={ALPHA}&00090010=NOCTIS%20CONFORMANCE&00091001=private%202", func(f *fixture) []string { return []string{f.ct[1].uid} }),
		reads("fuzzy.supported", "PS3.18 8.3.4.2", Shall, "fuzzymatching=true is done, or the Warning says that it was not", func(t *T) {
			f := t.own()
			a := t.get("/studies?fuzzymatching=true&PatientName=Alpha&"+f.mine(), acceptJSON).status(200, 204)
			if a.header.Get("Warning") == "" && a.code == 204 {
				t.fail("results, or Warning: 299 <service>: The fuzzymatching parameter is not supported. Only literal matching has been performed.")
			}
		}),
		reads("fuzzy.with-wildcard", "PS3.18 8.3.4.2", Practice, "fuzzymatching=true together with *…*, as OHIF sends them", func(t *T) {
			f := t.own()
			t.get("/studies?fuzzymatching=true&PatientName=*Alpha*&"+f.mine(), acceptJSON).status(200).wantStudies(f.alpha())
		}),
		reads("key.twice", "PS3.18 8.3.4.1", Should, "an attribute that is given twice is answered 400", func(t *T) {
			t.get("/studies?PatientID=A&00100020=B", acceptJSON).status(400)
		}),
	}
}
