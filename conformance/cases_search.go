package conformance

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// searchResources are the six resources of PS3.18 10.6.1.
var searchResources = []struct {
	id, clause, uid string // uid: the tag that tells results apart
	path            func(*fixture) string
	want            func(*fixture) []string
}{
	{"studies", "PS3.18 10.6.1", "0020000D", func(f *fixture) string { return "/studies?" + f.mine() },
		func(f *fixture) []string { return []string{f.alpha(), f.beta()} }},
	{"study-series", "PS3.18 10.6.1", "0020000E", func(f *fixture) string { return f.ct[0].studyPath() + "/series?" },
		func(f *fixture) []string { return []string{f.ct[0].series, f.us.series, f.gsps.series} }},
	{"study-instances", "PS3.18 10.6.1", "00080018", func(f *fixture) string { return f.ct[0].studyPath() + "/instances?" },
		func(f *fixture) []string {
			return []string{f.ct[0].uid, f.ct[1].uid, f.ct[2].uid, f.us.uid, f.gsps.uid}
		}},
	{"series", "PS3.18 10.6.1", "0020000E", func(f *fixture) string { return "/series?StudyInstanceUID=" + f.alpha() },
		func(f *fixture) []string { return []string{f.ct[0].series, f.us.series, f.gsps.series} }},
	{"series-instances", "PS3.18 10.6.1", "00080018", func(f *fixture) string { return f.ct[0].seriesPath() + "/instances?" },
		func(f *fixture) []string { return []string{f.ct[0].uid, f.ct[1].uid, f.ct[2].uid} }},
	{"instances", "PS3.18 10.6.1", "00080018", func(f *fixture) string { return "/instances?StudyInstanceUID=" + f.alpha() },
		func(f *fixture) []string {
			return []string{f.ct[0].uid, f.ct[1].uid, f.ct[2].uid, f.us.uid, f.gsps.uid}
		}},
}

// returned are the attributes that results have unasked (PS3.18 Tables 10.6.3-3, -4 and -5): those that shall be there.
var returned = map[string][]string{
	"studies":          strings.Fields("00080020 00080030 00080050 00080061 00080090 00081190 00100010 00100020 00100030 00100040 0020000D 00200010 00201206 00201208"),
	"study-series":     strings.Fields("00080060 00081190 0020000E 00200011 00201209"),
	"series":           strings.Fields("00080060 00081190 0020000E 00200011 00201209 0020000D 00100020"),
	"study-instances":  strings.Fields("00080016 00080018 00081190 00200013 0020000E"),
	"series-instances": strings.Fields("00080016 00080018 00081190 00200013"),
	"instances":        strings.Fields("00080016 00080018 00081190 00200013 0020000E 0020000D"),
}

func searchCases() []Case {
	var cases []Case
	for _, r := range searchResources {
		cases = append(cases,
			reads(r.id, r.clause, Shall, "the resource is searched and gives what lies below it", func(t *T) {
				f := t.own()
				t.get(r.path(f), acceptJSON).status(200).wantUIDs(r.uid, r.want(f)...)
			}),
			reads(r.id+".xml", "PS3.18 10.6.4", Shall, "results come as multipart/related of application/dicom+xml, a part each", func(t *T) {
				f := t.own()
				parts := t.get(r.path(f), acceptXMLs).status(200).parts(dicomXML)
				if len(parts) != len(r.want(f)) {
					t.failGot(fmt.Sprintf("%d parts", len(parts)), "%d parts", len(r.want(f)))
				}
				for _, p := range parts {
					if !bytes.Contains(p.body, []byte("<NativeDicomModel")) {
						t.fail("each part is a Native DICOM Model (PS3.19 A.1)")
					}
				}
			}),
			reads(r.id+".none", "PS3.18 8.3.4.4.1", Shall, "no result: 204 without a body", func(t *T) {
				f := t.own()
				t.get(r.path(f)+"&StudyDate=19010101&SeriesInstanceUID="+unknownUID+"&SOPInstanceUID="+unknownUID, acceptJSON)
				t.get(strings.Replace(r.path(f), "?", "?"+noMatch(r.uid)+"&", 1), acceptJSON).status(204).empty()
			}),
			reads(r.id+".limit", "PS3.18 8.3.4.4", Shall, "limit bounds the results, and the Warning says how many remain", func(t *T) {
				f := t.own()
				a := t.get(r.path(f)+"&limit=1", acceptJSON).status(200)
				if n := len(a.objects()); n != 1 {
					t.failGot(fmt.Sprintf("%d results", n), "one result")
				}
				a.warns(fmt.Sprintf("There are %d additional results that can be requested", len(r.want(f))-1))
			}),
			reads(r.id+".pages", "PS3.18 8.3.4.4.1", Shall, "offset and limit walk through all results, none twice", func(t *T) {
				f := t.own()
				var got []string
				for i := range r.want(f) {
					for _, o := range t.get(fmt.Sprintf("%s&limit=1&offset=%d", r.path(f), i), acceptJSON).status(200).objects() {
						got = append(got, o.text(r.uid))
					}
				}
				if !sameSet(got, r.want(f)) {
					t.failGot("pages: "+list(got), "the results %s", list(r.want(f)))
				}
			}),
			reads(r.id+".offset-behind", "PS3.18 8.3.4.4.1", Shall, "an offset behind the last result: 204", func(t *T) {
				t.get(r.path(t.own())+"&offset=1000", acceptJSON).status(204)
			}),
			reads(r.id+".limit-0", "PS3.18 8.3.4.4.1", Shall, "limit=0: 204, since the number of results is then 0", func(t *T) {
				t.get(r.path(t.own())+"&limit=0", acceptJSON).status(204)
			}),
			reads(r.id+".order", "PS3.18 8.3.4.4.1", Shall, "the same search gives the same order", func(t *T) {
				f := t.own()
				a, b := t.get(r.path(f), acceptJSON).status(200), t.get(r.path(f), acceptJSON).status(200)
				if !slices.Equal(uidsOf(a, r.uid), uidsOf(b, r.uid)) {
					t.fail("the order of the first answer")
				}
			}),
			reads(r.id+".includefield-all", "PS3.18 8.3.4.3", Shall, "includefield=all is taken", func(t *T) {
				f := t.own()
				t.get(r.path(f)+"&includefield=all", acceptJSON).status(200).wantUIDs(r.uid, r.want(f)...)
			}),
			reads(r.id+".no-lower-level", "PS3.18 10.6.3.3", Shall, "attributes of a lower level are not returned", func(t *T) {
				for _, o := range t.get(r.path(t.own()), acceptJSON).status(200).objects() {
					if r.uid != "00080018" && o.has("00080018") || r.uid == "0020000D" && o.has("0020000E") {
						t.fail("no SOP Instance UID above the instance level, no Series Instance UID above the series level")
					}
				}
			}),
		)
		for _, tag := range returned[r.id] {
			cases = append(cases, reads(r.id+".returns-"+tag, "PS3.18 10.6.3.3", Shall, "every result has this attribute, empty where it is unknown", func(t *T) {
				for _, o := range t.get(r.path(t.own()), acceptJSON).status(200).objects() {
					if !o.has(tag) {
						t.failGot("a result without "+tag, "%s in every result", tag)
					}
				}
			}))
		}
	}
	return of(Search, append(cases, resultCases()...)...)
}

func noMatch(uid string) string {
	return map[string]string{"0020000D": "StudyInstanceUID", "0020000E": "SeriesInstanceUID", "00080018": "SOPInstanceUID"}[uid] + "=" + unknownUID
}

func uidsOf(a *answer, tag string) []string {
	var out []string
	for _, o := range a.objects() {
		out = append(out, o.text(tag))
	}
	return out
}

// one ends the case unless the search gives one result, and returns it.
func (t *T) one(target string) object {
	found := t.get(target, acceptJSON).status(200).objects()
	if len(found) != 1 {
		t.failGot(fmt.Sprintf("%d results", len(found)), "one result")
	}
	return found[0]
}

// wantValue ends the case unless the attribute has the values.
func (t *T) wantValue(o object, tag string, values ...string) {
	if got := o.texts(tag); !slices.Equal(got, values) {
		t.failGot(tag+": "+list(got), "%s: %s", tag, list(values))
	}
}

// resultCases look into results.
func resultCases() []Case {
	study := func(t *T) object { return t.one("/studies?StudyInstanceUID=" + t.own().alpha()) }
	return []Case{
		reads("result.modalities", "PS3.18 Table 10.6.3-3", Shall, "ModalitiesInStudy lists every modality of the study once", func(t *T) {
			got := study(t).texts("00080061")
			slices.Sort(got)
			if !slices.Equal(got, []string{"CT", "PR", "US"}) {
				t.failGot(list(got), "CT, PR and US")
			}
		}),
		reads("result.modalities-when-key", "PS3.18 Table 10.6.3-3", Practice, "ModalitiesInStudy is complete even when it was the key", func(t *T) {
			got := t.one("/studies?ModalitiesInStudy=US&StudyInstanceUID=" + t.own().alpha()).texts("00080061")
			if len(got) != 3 {
				t.failGot(list(got), "CT, PR and US")
			}
		}),
		reads("result.number-of-series", "PS3.18 Table 10.6.3-3", Shall, "Number of Study Related Series is right", func(t *T) {
			t.wantValue(study(t), "00201206", "3")
		}),
		reads("result.number-of-instances", "PS3.18 Table 10.6.3-3", Shall, "Number of Study Related Instances is right", func(t *T) {
			t.wantValue(study(t), "00201208", "5")
		}),
		reads("result.series-instances", "PS3.18 Table 10.6.3-4", Shall, "Number of Series Related Instances is right", func(t *T) {
			t.wantValue(t.one("/series?SeriesInstanceUID="+t.own().ct[0].series), "00201209", "3")
		}),
		reads("result.retrieve-url-study", "PS3.18 10.6.3.3", Shall, "Retrieve URL of a study leads to it", func(t *T) {
			t.get(study(t).text(retrieveURL)+"/metadata", acceptJSON).status(200)
		}),
		reads("result.retrieve-url-series", "PS3.18 10.6.3.3", Shall, "Retrieve URL of a series leads to it", func(t *T) {
			t.get(t.one("/series?SeriesInstanceUID="+t.own().ct[0].series).text(retrieveURL)+"/metadata", acceptJSON).status(200)
		}),
		reads("result.retrieve-url-instance", "PS3.18 10.6.3.3", Shall, "Retrieve URL of an instance leads to it", func(t *T) {
			t.get(t.one("/instances?SOPInstanceUID="+t.own().ct[0].uid).text(retrieveURL), acceptFiles).status(200)
		}),
		reads("result.available-transfer-syntax", "PS3.18 Table 10.6.3-5", May, "Available Transfer Syntax UID (0008,3002) of an instance is told", func(t *T) {
			o := t.one("/instances?SOPInstanceUID=" + t.own().mr.uid)
			if !o.has("00083002") {
				t.unsupported("not returned")
			}
			if !slices.Contains(o.texts("00083002"), string(t.data.mr.syntax)) {
				t.fail("(0008,3002) with %s", t.data.mr.syntax)
			}
		}),
		reads("result.available-transfer-syntax-asked", "PS3.18 10.4.1.1.2", Practice, "Available Transfer Syntax UID (0008,3002) is returned when it is asked for", func(t *T) {
			o := t.one("/instances?includefield=00083002&SOPInstanceUID=" + t.own().mr.uid)
			if !slices.Contains(o.texts("00083002"), string(t.data.mr.syntax)) {
				t.fail("(0008,3002) with %s", t.data.mr.syntax)
			}
		}),
		reads("result.rows", "PS3.18 Table 10.6.3-5", Shall, "Rows, Columns, Bits Allocated and Number of Frames of an image are returned", func(t *T) {
			o := t.one("/instances?SOPInstanceUID=" + t.own().us.uid)
			for tag, want := range map[string]string{"00280010": "12", "00280011": "10", "00280100": "8", "00280008": "3"} {
				t.wantValue(o, tag, want)
			}
		}),
		reads("result.request-attributes", "PS3.18 Table 10.6.3-4", Shall, "Request Attributes Sequence of a series has its two IDs", func(t *T) {
			items := t.one("/series?SeriesInstanceUID=" + t.own().ct[0].series).items("00400275")
			if len(items) != 1 || items[0].text("00400009") != "SPS"+t.data.run || items[0].text("00401001") != "RP"+t.data.run {
				t.fail("(0040,0275) with (0040,0009) and (0040,1001)")
			}
		}),
		reads("result.performed-start", "PS3.18 Table 10.6.3-4", Shall, "date and time of the performed step of a series are returned", func(t *T) {
			o := t.one("/series?SeriesInstanceUID=" + t.own().ct[0].series)
			t.wantValue(o, "00400244", "20240310")
			t.wantValue(o, "00400245", "100500")
		}),
		reads("result.series-description", "PS3.18 Table 10.6.3-4", Shall, "Series Description is returned", func(t *T) {
			t.wantValue(t.one("/series?SeriesInstanceUID="+t.own().ct[0].series), "0008103E", "Axial")
		}),
		reads("result.names", "PS3.18 F.2.2", Shall, "a person name comes with its three component groups", func(t *T) {
			a := t.get("/studies?StudyInstanceUID="+t.own().beta(), acceptJSON).status(200)
			a.objects()
			for _, want := range []string{`"Alphabetic":"Conform` + t.data.run + `^Beta"`, `"Ideographic":"山田^太郎"`, `"Phonetic":"やまだ^たろう"`} {
				if !strings.Contains(compact(a.body), want) {
					t.fail("(0010,0010) with %s", want)
				}
			}
		}),
		reads("result.empty", "PS3.18 F.2.5", Shall, "an attribute without a value has vr alone", func(t *T) {
			t.get("/studies?"+t.own().mine()+"&includefield=all", acceptJSON).status(200).objects()
		}),
		reads("includefield.keyword", "PS3.18 8.3.4.3", Shall, "an attribute named by its keyword is returned", func(t *T) {
			t.wantValue(t.one("/studies?includefield=StudyDescription&StudyInstanceUID="+t.own().alpha()), "00081030", "Conformance alpha")
		}),
		reads("includefield.tag", "PS3.18 8.3.4.3", Shall, "an attribute named by its tag is returned", func(t *T) {
			t.wantValue(t.one("/studies?includefield=00081030&StudyInstanceUID="+t.own().alpha()), "00081030", "Conformance alpha")
		}),
		reads("includefield.list", "PS3.18 8.3.4.3", Shall, "includefield takes a list parted by commas", func(t *T) {
			o := t.one("/studies?includefield=StudyDescription,00080050&StudyInstanceUID=" + t.own().alpha())
			t.wantValue(o, "00081030", "Conformance alpha")
			t.wantValue(o, "00080050", "CFA"+t.data.run)
		}),
		reads("includefield.list-encoded", "PS3.18 8.3.1.1", Practice, "the comma of the list may be percent-encoded", func(t *T) {
			t.wantValue(t.one("/studies?includefield=00080050%2C00081030&StudyInstanceUID="+t.own().alpha()), "00081030", "Conformance alpha")
		}),
		reads("includefield.repeated", "PS3.18 8.3.4.3", Shall, "includefield may be repeated", func(t *T) {
			t.wantValue(t.one("/studies?includefield=00080050&includefield=00081030&StudyInstanceUID="+t.own().alpha()), "00081030", "Conformance alpha")
		}),
		reads("includefield.higher-level", "PS3.18 10.6.3.3", May, "a series may be asked for attributes of its study", func(t *T) {
			o := t.one("/series?includefield=StudyDescription&SeriesInstanceUID=" + t.own().ct[0].series)
			if !o.has("00081030") {
				t.unsupported("not returned")
			}
			t.wantValue(o, "00081030", "Conformance alpha")
		}),
		reads("includefield.unknown", "PS3.18 8.3", Should, "includefield of an attribute that does not exist is answered 400", func(t *T) {
			t.get("/studies?includefield=NoSuchAttribute&"+t.own().mine(), acceptJSON).status(400)
		}),
		reads("key.returned", "PS3.18 10.6.3.3", Shall, "an attribute that was matched is returned", func(t *T) {
			t.wantValue(t.one("/studies?StudyDescription=Conformance%20alpha&StudyInstanceUID="+t.own().alpha()), "00081030", "Conformance alpha")
		}),
		reads("charset", "PS3.18 F.2", Should, "Specific Character Set, where it is returned, is ISO_IR 192", func(t *T) {
			if o := t.one("/studies?StudyInstanceUID=" + t.own().beta()); o.has("00080005") {
				t.wantValue(o, "00080005", "ISO_IR 192")
			}
		}),
		reads("content-type.no-charset", "PS3.18 8.8", Practice, "Content-Type is application/dicom+json; clients compare it as text", func(t *T) {
			t.get("/studies?"+t.own().mine(), acceptJSON).status(200).has("Content-Type", dicomJSON, func(v string) bool { return v == dicomJSON })
		}),
		reads("no-group-2", "PS3.18 F.2", Shall, "results have no File Meta Information", func(t *T) {
			for _, o := range t.get("/instances?includefield=all&StudyInstanceUID="+t.own().alpha(), acceptJSON).status(200).objects() {
				for tag := range o {
					if strings.HasPrefix(tag, "0002") {
						t.fail("no attribute of group 0002")
					}
				}
			}
		}),
		writes("after-delete", "PS3.18 8.5", May, "what was deleted is not found any more, and is answered 410 or 404", func(t *T) {
			in := t.spare("deleted")
			t.storeFiles("/studies", in).status(200)
			t.send(http.MethodDelete, in.studyPath(), nil).orUnsupported().status(200, 202, 204)
			t.get("/studies?StudyInstanceUID="+in.study, acceptJSON).status(204)
			t.get(in.path(), acceptFiles).status(404, 410)
		}),
	}
}

// compact takes the blanks around colons out of JSON.
func compact(b []byte) string {
	return strings.NewReplacer(`": "`, `":"`, `" : "`, `":"`).Replace(string(b))
}
