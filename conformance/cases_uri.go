package conformance

import (
	"bytes"
	"strings"
)

// uri asks the URI service for an instance.
func (t *T) uriGet(in *instance, parameters, accept string) *answer {
	return t.get(t.server.uri+"?requestType=WADO&studyUID="+in.study+"&seriesUID="+in.series+"&objectUID="+in.uid+parameters, accept)
}

// uriCases are PS3.18 chapter 9.
func uriCases() []Case {
	cases := []Case{
		reads("default", "PS3.18 9.3", Shall, "without contentType a single-frame image comes as image/jpeg", func(t *T) {
			t.uriGet(t.image(), "", "Accept: */*").status(200).picture("image/jpeg")
		}),
		reads("dicom", "PS3.18 9.4", Shall, "contentType=application/dicom gives the instance", func(t *T) {
			a := t.uriGet(t.image(), "&contentType=application/dicom", "Accept: */*").status(200)
			a.mediaType(dicomFile)
			t.scan(a.body)
		}),
		reads("dicom-encoded", "PS3.18 8.3.1.1", Practice, "contentType=application%2Fdicom is decoded", func(t *T) {
			t.uriGet(t.image(), "&contentType=application%2Fdicom", "Accept: */*").status(200).mediaType(dicomFile)
		}),
		reads("dicom-accept", "PS3.18 9.1.2.1", Practice, "the contentType parameter beats an Accept that does not fit", func(t *T) {
			t.uriGet(t.image(), "&contentType=application/dicom&transferSyntax=*", acceptBytesAny).status(200).mediaType(dicomFile)
		}),
		reads("dicom-default-syntax", "PS3.18 9.4.2", Shall, "without transferSyntax the file comes in Explicit VR Little Endian", func(t *T) {
			a := t.uriGet(t.own().mr, "&contentType=application/dicom", "Accept: */*").status(200)
			if f := t.scan(a.body); f.TransferSyntax != "1.2.840.10008.1.2.1" {
				t.failGot(string(f.TransferSyntax), "1.2.840.10008.1.2.1")
			}
		}),
		reads("transfer-syntax", "PS3.18 9.4.1.2.3", Shall, "transferSyntax chooses the transfer syntax", func(t *T) {
			a := t.uriGet(t.own().mr, "&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.5", "Accept: */*").status(200, 406)
			if a.code == 406 {
				t.unsupported("the server answers 406")
			}
			if f := t.scan(a.body); f.TransferSyntax != "1.2.840.10008.1.2.5" {
				t.failGot(string(f.TransferSyntax), "1.2.840.10008.1.2.5")
			}
		}),
		reads("transfer-syntax-invalid", "PS3.18 9.4.1.2.3", Shall, "a transferSyntax that is no UID is answered 400", func(t *T) {
			t.uriGet(t.image(), "&contentType=application/dicom&transferSyntax=jpeg", "Accept: */*").status(400)
		}),
		reads("transfer-syntax-unknown", "PS3.18 9.4.1.2.3", Shall, "a transferSyntax that is not supported is answered 406", func(t *T) {
			t.uriGet(t.image(), "&contentType=application/dicom&transferSyntax=1.2.840.10008.99.99", "Accept: */*").status(406)
		}),
		reads("anonymize", "PS3.18 9.4.1.2.1", May, "anonymize=yes gives the instance without the patient", func(t *T) {
			a := t.uriGet(t.own().ct[0], "&contentType=application/dicom&anonymize=yes", "Accept: */*").status(200, 400, 406)
			if a.code != 200 {
				t.unsupported("the server answers %d", a.code)
			}
			if bytes.Contains(a.body, []byte("Conform"+t.data.run)) || bytes.Contains(a.body, []byte("CF-"+t.data.run)) {
				t.fail("no name and no ID of the patient in the file")
			}
			if string(t.scan(a.body).DataSet.Ref().Instance) == t.data.ct[0].uid {
				t.fail("a new SOP Instance UID")
			}
		}),
		reads("anonymize-invalid", "PS3.18 9.4.1.2.1", Shall, "another value of anonymize than yes is answered 400", func(t *T) {
			t.uriGet(t.image(), "&contentType=application/dicom&anonymize=perhaps", "Accept: */*").status(400)
		}),
		reads("png", "PS3.18 Table 8.7.4-1", May, "contentType=image/png", func(t *T) {
			t.uriGet(t.image(), "&contentType=image/png", "Accept: */*").optional().status(200).picture("image/png")
		}),
		reads("rows-columns", "PS3.18 9.5.1.2.4", Shall, "rows and columns bound the picture", func(t *T) {
			t.wantSize(t.uriGet(t.own().ct[0], "&contentType=image/jpeg&rows=8&columns=8", "Accept: */*").status(200).picture("image/jpeg"), 8, 8)
		}),
		reads("frame", "PS3.18 9.5.1.2.1", Shall, "frameNumber chooses a frame", func(t *T) {
			t.uriGet(t.own().us, "&contentType=image/jpeg&frameNumber=2", "Accept: */*").status(200).picture("image/jpeg")
		}),
		reads("frame-behind", "PS3.18 9.5.1.2.1", Shall, "a frameNumber that the instance does not have is answered 400 or 404", func(t *T) {
			t.uriGet(t.own().us, "&contentType=image/jpeg&frameNumber=99", "Accept: */*").status(400, 404)
		}),
		reads("window", "PS3.18 9.5.1.2.6", Shall, "windowCenter and windowWidth are applied", func(t *T) {
			a := t.uriGet(t.own().ct[0], "&contentType=image/jpeg&windowCenter=100&windowWidth=20", "Accept: */*").status(200)
			b := t.uriGet(t.own().ct[0], "&contentType=image/jpeg&windowCenter=2000&windowWidth=4000", "Accept: */*").status(200)
			if bytes.Equal(a.body, b.body) {
				t.fail("another picture for another window")
			}
		}),
		reads("region", "PS3.18 9.5.1.2.5", Shall, "region cuts out a part", func(t *T) {
			t.uriGet(t.own().ct[0], "&contentType=image/jpeg&region=0.25,0.25,0.75,0.75", "Accept: */*").status(200).picture("image/jpeg")
		}),
		reads("quality", "PS3.18 9.5.1.2.3", Shall, "imageQuality is taken", func(t *T) {
			t.uriGet(t.image(), "&contentType=image/jpeg&imageQuality=50", "Accept: */*").status(200).picture("image/jpeg")
		}),
		reads("annotation", "PS3.18 9.5.1.2.2", Shall, "annotation is taken", func(t *T) {
			t.uriGet(t.image(), "&contentType=image/jpeg&annotation=patient,technique", "Accept: */*").status(200).picture("image/jpeg")
		}),
		reads("report", "PS3.18 Table 8.7.4-1", Shall, "a report comes as text/html", func(t *T) {
			t.uriGet(t.own().sr, "&contentType=text/html", "Accept: */*").status(200).mediaType("text/html")
		}),
		reads("report-text", "PS3.18 Table 8.7.4-1", Shall, "a report comes as text/plain where that is asked for", func(t *T) {
			t.uriGet(t.own().sr, "&contentType=text/plain", "Accept: */*").status(200).mediaType("text/plain")
		}),
		reads("not-found", "PS3.18 9.4.3", Shall, "what does not exist is answered 404", func(t *T) {
			t.uriGet(&instance{study: unknownUID, series: unknownUID, uid: unknownUID}, "&contentType=application/dicom", "Accept: */*").status(404, 410)
		}),
		reads("unknown-parameter", "PS3.18 8.3", Shall, "parameters that are not supported are ignored", func(t *T) {
			t.uriGet(t.image(), "&contentType=application/dicom&noSuchParameter=1", "Accept: */*").status(200)
		}),
		reads("content-type-unknown", "PS3.18 9.1.2.1", Shall, "a contentType that cannot be given is answered by the default type (8.3.3.1), or by 406", func(t *T) {
			if a := t.uriGet(t.image(), "&contentType=application/x-unknown", "Accept: */*").status(200, 406); a.code == 200 {
				a.mediaType("image/jpeg")
			}
		}),
	}
	for _, m := range []string{"requestType", "studyUID", "seriesUID", "objectUID"} {
		cases = append(cases, reads("missing."+m, "PS3.18 9.1.2", Shall, "a mandatory parameter that is missing is answered 400", func(t *T) {
			in := t.image()
			all := "?requestType=WADO&studyUID=" + in.study + "&seriesUID=" + in.series + "&objectUID=" + in.uid
			t.get(t.server.uri+strings.Replace(all, m+"=", "x"+m+"=", 1), "Accept: */*").status(400)
		}))
	}
	for _, p := range []struct{ id, clause, parameters string }{
		{"request-type", "PS3.18 9.1.2", "&requestType=NOT"}, {"window-one", "PS3.18 9.5.1.2.6", "&contentType=image/jpeg&windowCenter=40"},
		{"window-text", "PS3.18 9.5.1.2.6", "&contentType=image/jpeg&windowCenter=a&windowWidth=b"},
		{"rows-text", "PS3.18 9.5.1.2.4", "&contentType=image/jpeg&rows=a&columns=b"},
		{"region-order", "PS3.18 9.5.1.2.5", "&contentType=image/jpeg&region=0.9,0.9,0.1,0.1"},
		{"region-outside", "PS3.18 9.5.1.2.5", "&contentType=image/jpeg&region=0,0,2,2"},
		{"quality", "PS3.18 9.5.1.2.3", "&contentType=image/jpeg&imageQuality=0"},
		{"frame-text", "PS3.18 9.5.1.2.1", "&contentType=image/jpeg&frameNumber=x"},
		{"media-type-parameter", "PS3.18 9.1.2.2.1", "&contentType=application/dicom%3Btransfer-syntax%3D1.2.840.10008.1.2.1"},
	} {
		cases = append(cases, reads("invalid."+p.id, p.clause, Shall, "an invalid parameter is answered 400", func(t *T) {
			in := t.own().ct[0]
			if p.id == "request-type" {
				t.get(t.server.uri+"?requestType=NOT&studyUID="+in.study+"&seriesUID="+in.series+"&objectUID="+in.uid, "Accept: */*").status(400)
				return
			}
			t.uriGet(in, p.parameters, "Accept: */*").status(400)
		}))
	}
	return of(URI, cases...)
}
