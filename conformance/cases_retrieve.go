package conformance

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// retrieveCases are PS3.18 10.4: instances and bulk data.
func retrieveCases() []Case {
	var cases []Case
	for _, r := range retrievable() {
		cases = append(cases,
			reads("ok."+r.id, r.clause, levelOf(r), "the resource is there", func(t *T) {
				t.get(r.path(t.image()), r.accept).orUnsupportedIf(r.optional).status(200, 206, 302, 303)
			}),
			reads("head."+r.id, "PS3.18 8.1.1.1", Should, "HEAD is answered with the header of GET, without a body", func(t *T) {
				path := r.path(t.image())
				get := t.get(path, r.accept).orUnsupportedIf(r.optional).status(200, 206, 302, 303)
				head := t.head(path, r.accept).status(get.code)
				if a, b := typeOf(get), typeOf(head); a != b {
					t.fail("Content-Type: %s, as GET", a)
				}
			}),
			reads("no-match."+r.id, "PS3.18 8.4", Practice, "a request whose If-None-Match has the ETag is answered 304", func(t *T) {
				path := r.path(t.image())
				a := t.get(path, r.accept).orUnsupportedIf(r.optional).status(200, 206, 302, 303)
				tag := a.header.Get("ETag")
				if tag == "" {
					t.unsupported("no ETag")
				}
				t.get(path, r.accept, "If-None-Match: "+tag).status(304).empty()
			}))
	}
	cases = append(cases, instanceCases()...)
	return of(Retrieve, append(cases, bulkCases()...)...)
}

func levelOf(r resource) Level {
	if r.optional != nil {
		return May
	}
	return Shall
}

func typeOf(a *answer) string {
	m, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return m
}

// wantFiles ends the case unless the parts are these instances, byte for byte, in any order.
func (t *T) wantFiles(parts []part, instances ...*instance) {
	left := append([]part(nil), parts...)
	for _, in := range instances {
		found := false
		for i, p := range left {
			if found = bytes.Equal(p.body, in.file); found {
				left = append(left[:i], left[i+1:]...)
				break
			}
		}
		if !found {
			t.failGot(fmt.Sprintf("%d parts", len(parts)), "instance %s as it was stored", in.uid)
		}
	}
	if len(left) > 0 {
		t.failGot(fmt.Sprintf("%d parts more", len(left)), "%d parts", len(instances))
	}
}

// scan ends the case unless the bytes are a Part 10 file.
func (t *T) scan(file []byte) *part10.File {
	f, err := part10.Scan(bytes.NewReader(file), part10.Limits{})
	if err != nil {
		t.failGot(err.Error(), "a PS3.10 file")
	}
	return f
}

func instanceCases() []Case {
	cases := []Case{
		reads("study.stored", "PS3.18 8.7.3.5.2", Practice, "transfer-syntax=* returns every instance of a study as it was stored", func(t *T) {
			f := t.own()
			t.wantFiles(t.get(f.ct[0].studyPath(), acceptFiles).status(200).parts(dicomFile), f.ct[0], f.ct[1], f.ct[2], f.us, f.gsps)
		}),
		reads("series.stored", "PS3.18 8.7.3.5.2", Practice, "transfer-syntax=* returns every instance of a series as it was stored", func(t *T) {
			f := t.own()
			t.wantFiles(t.get(f.ct[0].seriesPath(), acceptFiles).status(200).parts(dicomFile), f.ct[0], f.ct[1], f.ct[2])
		}),
		reads("instance.single-part", "PS3.18 Table 10.4.4-1", May, "an instance may be one part: application/dicom", func(t *T) {
			a := t.get(t.image().path(), "Accept: application/dicom").optional().status(200)
			a.mediaType(dicomFile)
			t.scan(a.body)
		}),
		reads("study.single-part", "PS3.18 Table 10.4.4-1", Shall, "a study is never one part: Accept: application/dicom alone is answered 406", func(t *T) {
			t.get(t.image().studyPath(), "Accept: application/dicom").status(406)
		}),
		reads("series.single-part", "PS3.18 Table 10.4.4-1", Shall, "a series is never one part", func(t *T) {
			t.get(t.image().seriesPath(), "Accept: application/dicom").status(406)
		}),
		reads("part.content-type", "PS3.18 Table 8.6.1-1", Shall, "each part has Content-Type: application/dicom", func(t *T) {
			for _, p := range t.get(t.image().seriesPath(), acceptFiles).status(200).parts(dicomFile) {
				if m, _ := p.mediaType(); m != dicomFile {
					t.failGot("part: "+p.header.Get("Content-Type"), "application/dicom in each part")
				}
			}
		}),
		reads("part.content-location", "PS3.18 Table 8.6.1-1", Shall, "each part has Content-Location, which leads to the instance", func(t *T) {
			for _, p := range t.get(t.image().seriesPath(), acceptFiles).status(200).parts(dicomFile) {
				if !strings.Contains(p.header.Get("Content-Location"), "/instances/") {
					t.failGot("part: Content-Location: "+p.header.Get("Content-Location"), "the address of the instance")
				}
			}
		}),
		reads("part.content-length", "PS3.18 Table 8.6.1-1", Shall, "each part has its Content-Length", func(t *T) {
			for _, p := range t.get(t.image().seriesPath(), acceptFiles).status(200).parts(dicomFile) {
				if p.header.Get("Content-Length") != strconv.Itoa(len(p.body)) {
					t.failGot("part: Content-Length: "+p.header.Get("Content-Length"), "%d", len(p.body))
				}
			}
		}),
		reads("type-quoted", "PS3.18 8.7.1", Practice, "the type parameter of multipart/related is quoted, as many clients need it", func(t *T) {
			t.get(t.image().path(), acceptFiles).status(200).has("Content-Type", `multipart/related; type="application/dicom"; …`,
				func(v string) bool { return strings.Contains(v, `type="application/dicom"`) })
		}),
		reads("boundary.length", "PS3.18 8.6.1.2", Shall, "the boundary has at most 70 characters (RFC 2046 5.1.1)", func(t *T) {
			a := t.get(t.image().path(), acceptFiles).status(200)
			if b := a.mediaType("multipart/related")["boundary"]; len(b) == 0 || len(b) > 70 {
				t.fail("a boundary of 1 to 70 characters")
			}
		}),
		reads("boundary.stable", "PS3.18 8.6.1.2", Should, "the same request gives the same bytes, so that ranges of them fit together", func(t *T) {
			a, b := t.get(t.image().path(), acceptFiles).status(200), t.get(t.image().path(), acceptFiles).status(200)
			if !bytes.Equal(a.body, b.body) {
				t.fail("the same bytes as before")
			}
		}),
		reads("default.explicit-little", "PS3.18 8.7.3.4", Shall, "without a transfer syntax an implicit VR instance comes in Explicit VR Little Endian", func(t *T) {
			f := t.scan(t.onePart(t.own().bare.path(), acceptDefault, dicomFile).body)
			if f.TransferSyntax != dicom.ExplicitVRLittleEndian {
				t.failGot("transfer syntax "+string(f.TransferSyntax), "1.2.840.10008.1.2.1")
			}
		}),
		reads("default.decompressed", "PS3.18 8.7.3.4", Shall, "without a transfer syntax a losslessly compressed instance comes in Explicit VR Little Endian", func(t *T) {
			in := t.own().mr
			p := t.onePart(in.path(), acceptDefault, dicomFile)
			f := t.scan(p.body)
			if f.TransferSyntax != dicom.ExplicitVRLittleEndian {
				t.failGot("transfer syntax "+string(f.TransferSyntax), "1.2.840.10008.1.2.1")
			}
			if !bytes.Contains(p.body, in.frames[0]) || !bytes.Contains(p.body, in.frames[1]) {
				t.fail("the decoded frames in the file")
			}
		}),
		reads("default.same-data-set", "PS3.18 8.7.3.4", Shall, "what comes in another transfer syntax is the same data set", func(t *T) {
			in := t.own().bare
			got := t.scan(t.onePart(in.path(), acceptDefault, dicomFile).body).DataSet
			want := t.scan(in.file).DataSet
			for e := range want.All() {
				if g, there := got.Get(e.Tag); e.Tag != dicom.PixelData && e.Tag != dicom.SpecificCharacterSet && (!there || !g.Equal(e)) {
					t.failGot("differs: "+e.Tag.String(), "every element as it was stored")
				}
			}
		}),
		reads("transfer-syntax.explicit", "PS3.18 8.7.3.5.2", Shall, "the transfer syntax that is asked for is sent", func(t *T) {
			accept := `Accept: multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1`
			if f := t.scan(t.onePart(t.own().mr.path(), accept, dicomFile).body); f.TransferSyntax != dicom.ExplicitVRLittleEndian {
				t.failGot("transfer syntax "+string(f.TransferSyntax), "1.2.840.10008.1.2.1")
			}
		}),
		reads("transfer-syntax.unknown", "PS3.18 8.7.3.5.2", Shall, "a transfer syntax that the server cannot make is answered 406", func(t *T) {
			t.get(t.image().path(), `Accept: multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.99.99`).status(406)
		}),
		reads("transfer-syntax.choice", "PS3.18 8.7.3.5.2", Shall, "of several transfer syntaxes that are acceptable one that can be made is sent", func(t *T) {
			t.get(t.image().path(), `Accept: multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.99.99, multipart/related; type="application/dicom"; transfer-syntax=*;q=0.5`).status(200)
		}),
		reads("octet-stream.instance", "PS3.18 Table 10.4.4-1", Shall, "an instance as multipart application/octet-stream is its bulk data", func(t *T) {
			params := t.get(t.image().path(), acceptBytesAny).status(200, 206).mediaType("multipart/related")
			if params["type"] == dicomFile {
				t.fail("multipart/related of bulk data")
			}
		}),
		reads("zip.study", "PS3.18 10.4.4", May, "a study as application/zip", func(t *T) {
			a := t.get(t.image().studyPath(), "Accept: application/zip").optional().status(200)
			a.mediaType("application/zip")
			if !bytes.HasPrefix(a.body, []byte("PK")) {
				t.fail("an archive")
			}
		}),
		reads("mixed-accept", "PS3.18 8.7.8.1", Shall, "a list of several acceptable types is answered with one of them", func(t *T) {
			t.get(t.image().path(), `Accept: multipart/related; type="application/dicom"; transfer-syntax=*, multipart/related; type="application/octet-stream";q=0.5, application/x-unknown;q=0.9`).status(200)
		}),
		reads("etag.strong", "PS3.18 8.4", Practice, "answers carry a strong ETag, so that clients can keep them", func(t *T) {
			t.get(t.image().path(), acceptFiles).status(200).has("ETag", "a strong entity tag", func(v string) bool { return strings.HasPrefix(v, `"`) })
		}),
		reads("range.single-part", "PS3.18 8.6.1.1", May, "a range of a single part is answered 206", func(t *T) {
			path := t.image().path()
			whole := t.get(path, "Accept: application/dicom; transfer-syntax=*")
			if whole.code != 200 {
				t.unsupported("no single part")
			}
			a := t.get(path, "Accept: application/dicom; transfer-syntax=*", "Range: bytes=10-19")
			if a.code == 200 {
				t.unsupported("ranges are ignored")
			}
			if a.status(206); !bytes.Equal(a.body, whole.body[10:20]) {
				t.fail("the bytes 10 to 19")
			}
			a.has("Content-Range", fmt.Sprintf("bytes 10-19/%d", len(whole.body)), func(v string) bool {
				return v == fmt.Sprintf("bytes 10-19/%d", len(whole.body))
			})
		}),
	}
	for _, f := range []struct{ id, accept string }{
		{"unquoted", "multipart/related; type=application/dicom; transfer-syntax=*"},
		{"quoted-syntax", `multipart/related; type="application/dicom"; transfer-syntax="*"`},
		{"no-blanks", `multipart/related;type="application/dicom";transfer-syntax=*`},
		{"blanks", `multipart/related ; type = "application/dicom" ; transfer-syntax=*`},
		{"syntax-first", `multipart/related; transfer-syntax=*; type="application/dicom"`},
		{"upper-case", `Multipart/Related; Type="application/dicom"; Transfer-Syntax=*`},
		{"anything", "*/*"}, {"multipart", "multipart/related"}, {"multipart-any", `multipart/related; type="*/*"`},
	} {
		cases = append(cases, reads("accept-form."+f.id, "PS3.18 8.7", Practice, "spellings of Accept that clients send are understood", func(t *T) {
			t.get(t.image().path(), "Accept: "+f.accept).status(200)
		}))
	}
	return cases
}

// onePart ends the case unless the answer is multipart with one part, and returns it.
func (t *T) onePart(path, accept string, rootTypes ...string) part {
	parts := t.get(path, accept).status(200, 206).parts(rootTypes...)
	if len(parts) != 1 {
		t.failGot(fmt.Sprintf("%d parts", len(parts)), "one part")
	}
	return parts[0]
}

// bulkURI returns the BulkDataURI of an attribute in the metadata of the instance.
func (t *T) bulkURI(in *instance, tag string) string {
	found := t.get(in.path()+"/metadata", acceptJSON).status(200).objects()
	if len(found) != 1 || found[0][tag].BulkDataURI == nil {
		t.skip("the metadata have no BulkDataURI for %s", tag)
	}
	return *found[0][tag].BulkDataURI
}

const (
	pixelData    = "7FE00010"
	encapsulated = "00420011"
)

func bulkCases() []Case {
	cases := []Case{
		reads("bulk.absolute", "PS3.18 F.2.6", Practice, "a BulkDataURI is absolute, since clients resolve relative ones in different ways", func(t *T) {
			if uri := t.bulkURI(t.own().pdf, encapsulated); !strings.Contains(uri, "://") {
				t.failGot("BulkDataURI: "+uri, "an absolute address")
			}
		}),
		reads("bulk.octet-stream", "PS3.18 10.4.1.1.5", Shall, "a BulkDataURI gives the value as multipart application/octet-stream", func(t *T) {
			uri := t.bulkURI(t.own().pdf, encapsulated)
			parts := t.get(uri, acceptBytes).status(200).parts(octetStream)
			if len(parts) != 1 || !bytes.HasPrefix(parts[0].body, []byte("%PDF")) {
				t.fail("one part with the document")
			}
		}),
		reads("bulk.range", "PS3.18 8.6.1.1", Practice, "a range of bulk data is answered 206", func(t *T) {
			uri := t.bulkURI(t.own().pdf, encapsulated)
			if a := t.get(uri, "Accept: application/octet-stream", "Range: bytes=0-3").status(206); string(a.body) != "%PDF" {
				t.fail("the bytes 0 to 3")
			}
		}),
		reads("bulk.not-found", "PS3.18 10.4.3", Shall, "bulk data that do not exist are answered 404", func(t *T) {
			uri := t.bulkURI(t.own().pdf, encapsulated)
			t.get(strings.Replace(uri, t.data.pdf.uid, unknownUID, 1), acceptBytesAny).status(404)
		}),
		reads("pixeldata.frames", "PS3.18 10.4.1.1.6", May, "/pixeldata of an instance has a part for each frame of encapsulated pixel data", func(t *T) {
			in := t.own().mr
			parts := t.get(in.path()+"/pixeldata", acceptBytes).orUnsupported().status(200).parts(octetStream)
			if len(parts) != 2 || !bytes.Equal(parts[0].body, in.frames[0]) || !bytes.Equal(parts[1].body, in.frames[1]) {
				t.failGot(fmt.Sprintf("%d parts", len(parts)), "two parts with the samples of the frames")
			}
		}),
	}
	for _, f := range []struct{ id, accept string }{
		{"any", "*/*"}, {"bytes", octetStream}, {"pdf", "application/pdf"}, {"multipart-any", `multipart/related; type="*/*"`},
		{"multipart-unquoted", "multipart/related; type=application/octet-stream"}, {"multipart-pdf", `multipart/related; type="application/pdf"`},
	} {
		cases = append(cases, reads("bulk.accept-"+f.id, "PS3.18 8.7.3.3", Practice, "a BulkDataURI of a document is answered in the ways in which clients ask", func(t *T) {
			a := t.get(t.bulkURI(t.own().pdf, encapsulated), "Accept: "+f.accept).status(200)
			if !bytes.Contains(a.body, []byte("%PDF")) {
				t.fail("the document")
			}
		}))
	}
	return cases
}
