package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// metadataCases are PS3.18 10.4.1.1.2 and Annex F.
func metadataCases() []Case {
	var cases []Case
	for _, l := range []struct {
		id   string
		path func(*instance) string
		want func(*fixture) []string
	}{
		{"study", (*instance).studyPath, func(f *fixture) []string {
			return []string{f.ct[0].uid, f.ct[1].uid, f.ct[2].uid, f.us.uid, f.gsps.uid}
		}},
		{"series", (*instance).seriesPath, func(f *fixture) []string { return []string{f.ct[0].uid, f.ct[1].uid, f.ct[2].uid} }},
		{"instance", (*instance).path, func(f *fixture) []string { return []string{f.ct[0].uid} }},
	} {
		cases = append(cases,
			reads(l.id+".complete", "PS3.18 10.4.1.1.2", Shall, "there is an object for each instance", func(t *T) {
				f := t.own()
				t.get(l.path(f.ct[0])+"/metadata", acceptJSON).status(200).wantUIDs("00080018", l.want(f)...)
			}),
			reads(l.id+".model", "PS3.18 F.2", Shall, "the metadata keep the DICOM JSON model", func(t *T) {
				t.get(l.path(t.image())+"/metadata", acceptJSON).status(200).objects()
			}),
			reads(l.id+".xml", "PS3.18 Table 10.4.4-1", Shall, "metadata come as multipart application/dicom+xml, a part each", func(t *T) {
				f := t.own()
				parts := t.get(l.path(f.ct[0])+"/metadata", acceptXMLs).status(200).parts(dicomXML)
				if len(parts) != len(l.want(f)) {
					t.failGot(fmt.Sprintf("%d parts", len(parts)), "%d parts", len(l.want(f)))
				}
				for _, p := range parts {
					if _, err := dicom.ParseXML(bytes.NewReader(p.body)); err != nil {
						t.failGot(err.Error(), "a Native DICOM Model (PS3.19 A.1)")
					}
				}
			}),
			reads(l.id+".default", "PS3.18 Table 10.4.4-1", Shall, "*/* gives application/dicom+json", func(t *T) {
				t.get(l.path(t.image())+"/metadata", "Accept: */*").status(200).mediaType(dicomJSON)
			}))
	}
	metadata := func(t *T, in *instance) object {
		found := t.get(in.path()+"/metadata", acceptJSON).status(200).objects()
		if len(found) != 1 {
			t.failGot(fmt.Sprintf("%d objects", len(found)), "one object")
		}
		return found[0]
	}
	cases = append(cases,
		reads("all-attributes", "PS3.18 10.4.1.1.2", Shall, "every attribute of the data set is there", func(t *T) {
			in := t.own().ct[0]
			got := metadata(t, in)
			for e := range t.scan(in.file).DataSet.All() {
				if !got.has(e.Tag.String()) {
					t.failGot(e.Tag.String()+" is missing", "%s", e.Tag)
				}
			}
		}),
		reads("no-group-2", "PS3.18 10.4.1.1.2", Shall, "there is no File Meta Information", func(t *T) {
			for tag := range metadata(t, t.image()) {
				if strings.HasPrefix(tag, "0002") {
					t.failGot(tag, "no attribute of group 0002")
				}
			}
		}),
		reads("pixel-data", "PS3.18 10.4.3.3.2", Shall, "pixel data are not in the metadata; a BulkDataURI may stand for them", func(t *T) {
			if p := metadata(t, t.own().ct[0])[pixelData]; p.InlineBinary != nil && len(*p.InlineBinary) > 100 {
				t.fail("no InlineBinary for (7FE0,0010)")
			}
		}),
		reads("sequence", "PS3.18 F.2.4", Shall, "sequences come with their items", func(t *T) {
			items := metadata(t, t.own().ct[0]).items("00400275")
			if len(items) != 1 || items[0].text("00400009") != "SPS"+t.data.run {
				t.fail("(0040,0275) with its item")
			}
		}),
		reads("private", "PS3.18 10.4.1.1.2", Shall, "private attributes come with their creator", func(t *T) {
			got := metadata(t, t.own().ct[1])
			if got.text("00090010") != "NOCTIS CONFORMANCE" || !got.has("00091001") {
				t.fail("(0009,0010) and (0009,1001)")
			}
		}),
		reads("decimal-strings", "PS3.18 F.2.3", Shall, "DS and IS are numbers or strings, with the value that was stored", func(t *T) {
			got := metadata(t, t.own().ct[0])
			t.wantValue(got, "00281050", "100")
			t.wantValue(got, "00281051", "200")
		}),
		reads("names", "PS3.18 F.2.2", Shall, "person names come in component groups, in UTF-8", func(t *T) {
			a := t.get(t.own().rgb.path()+"/metadata", acceptJSON).status(200)
			if !strings.Contains(compact(a.body), `"Ideographic":"山田^太郎"`) {
				t.fail("the ideographic group of (0010,0010)")
			}
		}),
		reads("number-of-frames", "PS3.18 10.4.1.1.2", Shall, "image attributes come with their values", func(t *T) {
			got := metadata(t, t.own().us)
			t.wantValue(got, "00280008", "3")
			t.wantValue(got, "00280010", "12")
			t.wantValue(got, "00280011", "10")
		}),
		reads("report", "PS3.18 10.4.1.1.2", Shall, "the content tree of a report comes whole", func(t *T) {
			items := metadata(t, t.own().sr).items("0040A730")
			if len(items) != 1 || items[0].text("0040A160") != "Conformance finding & <more>" {
				t.fail("(0040,A730) with the text of the finding")
			}
		}),
		reads("available-transfer-syntax", "PS3.18 10.4.1.1.2", Practice, "Available Transfer Syntax UID (0008,3002) says how the instance is stored: viewers know videos by it", func(t *T) {
			if got := metadata(t, t.own().mr).texts("00083002"); !slices.Contains(got, t.data.mr.syntax) {
				t.failGot(list(got), "%s", t.data.mr.syntax)
			}
		}),
		reads("bulk-uri", "PS3.18 F.2.6", Shall, "a BulkDataURI in the metadata leads to its value", func(t *T) {
			t.get(t.bulkURI(t.own().pdf, encapsulated), acceptBytesAny).status(200, 206)
		}),
		reads("gzip", "PS3.18 8.4", Practice, "metadata are compressed for a client that takes gzip", func(t *T) {
			a := t.get(t.image().studyPath()+"/metadata", acceptJSON, "Accept-Encoding: gzip").status(200)
			if len(a.body) > 2048 {
				a.has("Content-Encoding", "gzip", func(v string) bool { return v == "gzip" })
			}
		}),
		reads("json-alias", "PS3.18 8.7.3.1", Practice, "Accept: application/json is taken for DICOM JSON", func(t *T) {
			t.get(t.image().path()+"/metadata", "Accept: application/json").status(200).mediaType(dicomJSON, "application/json")
		}),
		reads("mixed-accept", "PS3.18 8.7.8.1", Practice, "the mixed list that OHIF sends is answered with DICOM JSON", func(t *T) {
			t.get(t.image().path()+"/metadata", "Accept: application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*").status(200).mediaType(dicomJSON)
		}),
	)
	for _, in := range []struct {
		id   string
		pick func(*fixture) *instance
	}{
		{"us", func(f *fixture) *instance { return f.us }}, {"rgb", func(f *fixture) *instance { return f.rgb }},
		{"implicit", func(f *fixture) *instance { return f.bare }}, {"rle", func(f *fixture) *instance { return f.mr }},
		{"sr", func(f *fixture) *instance { return f.sr }}, {"seg", func(f *fixture) *instance { return f.seg }},
		{"pdf", func(f *fixture) *instance { return f.pdf }},
	} {
		cases = append(cases, reads("model."+in.id, "PS3.18 F.2", Shall, "the metadata of instances of every kind keep the DICOM JSON model, and have the UIDs", func(t *T) {
			i := in.pick(t.own())
			got := metadata(t, i)
			t.wantValue(got, "0020000D", i.study)
			t.wantValue(got, "0020000E", i.series)
			t.wantValue(got, "00080018", i.uid)
			t.wantValue(got, "00080016", i.class)
		}))
	}
	for i := range cases {
		cases[i].ID = "metadata." + cases[i].ID
	}
	return of(Retrieve, cases...)
}
