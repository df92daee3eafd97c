package conformance

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// store posts parts as multipart/related and returns the answer.
func (t *T) store(path, rootType string, parts ...part) *answer {
	body, contentType := form(rootType, parts...)
	return t.send(http.MethodPost, path, body, "Content-Type: "+contentType, acceptJSON)
}

func (t *T) storeFiles(path string, instances ...*instance) *answer {
	var parts []part
	for _, in := range instances {
		parts = append(parts, dicomPart(in.file))
	}
	return t.store(path, dicomFile, parts...)
}

// failures returns the reasons in the sequence.
func failures(o object, sequence string) []string {
	var out []string
	for _, item := range o.items(sequence) {
		out = append(out, item.text("00081197"))
	}
	return out
}

const (
	referencedSOPs = "00081199"
	failedSOPs     = "00081198"
	otherFailures  = "0008119A"
	retrieveURL    = "00081190"
)

// storeCases are PS3.18 10.5 and Annex I.
func storeCases() []Case {
	cases := []Case{
		writes("status.200", "PS3.18 10.5.3.1", Shall, "200 when all instances were stored", func(t *T) {
			t.storeFiles("/studies", t.spare("200")).status(200)
		}),
		writes("study.200", "PS3.18 10.5.1.1", Shall, "instances of the addressed study are stored there", func(t *T) {
			in := t.spare("study")
			t.storeFiles(in.studyPath(), in).status(200)
		}),
		writes("study.mismatch", "PS3.18 10.5.2", Shall, "instances of another study than the addressed one are not stored", func(t *T) {
			in := t.spare("mismatch")
			a := t.storeFiles("/studies/"+t.spare("other").study, in).status(400, 409)
			if a.code == 409 && len(failures(a.object(), failedSOPs)) == 0 {
				t.fail("the instance in Failed SOP Sequence (0008,1198)")
			}
			t.get(in.path()+"/metadata", acceptJSON).status(404)
		}),
		writes("status.202", "PS3.18 10.5.3.1", Shall, "202 when some instances were stored and others were not", func(t *T) {
			a := t.store("/studies", dicomFile, dicomPart(t.spare("202").file), dicomPart([]byte("this is no DICOM file"))).status(202)
			o := a.object()
			if len(o.items(referencedSOPs)) != 1 || len(o.items(failedSOPs))+len(o.items(otherFailures)) != 1 {
				t.fail("one item in Referenced SOP Sequence (0008,1199), and one in Failed SOP (0008,1198) or Other Failures Sequence (0008,119A)")
			}
		}),
		writes("status.409", "PS3.18 10.5.3.1", Shall, "400 or 409 when no instance could be stored", func(t *T) {
			t.store("/studies", dicomFile, dicomPart([]byte("this is no DICOM file"))).status(400, 409)
		}),
		writes("status.415", "PS3.18 10.5.3.1", Shall, "415 when the Content-Type is not supported", func(t *T) {
			t.send(http.MethodPost, "/studies", []byte("hello"), "Content-Type: text/x-unknown", acceptJSON).status(415)
		}),
		writes("status.415-root", "PS3.18 10.5.3.1", Shall, "415 when the root type of the multipart is not supported", func(t *T) {
			t.store("/studies", "text/x-unknown", part{http.Header{"Content-Type": {"text/x-unknown"}}, []byte("hello")}).status(415)
		}),
		writes("content-type.absent", "PS3.18 8.7", Shall, "a payload without Content-Type is refused", func(t *T) {
			t.send(http.MethodPost, "/studies", t.spare("absent").file, acceptJSON).status(400, 415)
		}),
		writes("boundary.absent", "PS3.18 8.6.1.2", Shall, "multipart/related without a boundary is refused", func(t *T) {
			body, _ := form(dicomFile, dicomPart(t.spare("boundary").file))
			t.send(http.MethodPost, "/studies", body, `Content-Type: multipart/related; type="application/dicom"`, acceptJSON).status(400, 415)
		}),
		writes("boundary.unclosed", "PS3.18 10.5.3.1", Shall, "a body without its closing boundary is bad syntax: 400, never a silent 200", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("unclosed").file))
			t.send(http.MethodPost, "/studies", body[:len(body)-60], "Content-Type: "+contentType, acceptJSON).status(400)
		}),
		writes("body.empty", "PS3.18 10.5.3.1", Shall, "an empty body is bad syntax: 400", func(t *T) {
			_, contentType := form(dicomFile)
			t.send(http.MethodPost, "/studies", []byte{}, "Content-Type: "+contentType, acceptJSON).status(400)
		}),
		writes("body.truncated-file", "PS3.18 10.5.3.1", Shall, "a file that breaks off in its pixel data is not stored as if it were whole", func(t *T) {
			in := t.spare("truncated")
			t.store("/studies", dicomFile, dicomPart(in.file[:len(in.file)-7])).status(400, 409)
			t.get(in.path()+"/metadata", acceptJSON).status(404)
		}),
		writes("response.json", "PS3.18 10.5.3.3", Shall, "the payload is a Store Instances Response Module as DICOM JSON", func(t *T) {
			t.storeFiles("/studies", t.spare("json")).status(200).object()
		}),
		writes("response.xml", "PS3.18 10.5.3.3", Shall, "the payload is a Store Instances Response Module as XML where that is asked for", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("xml").file))
			a := t.send(http.MethodPost, "/studies", body, "Content-Type: "+contentType, "Accept: "+dicomXML).status(200)
			a.mediaType(dicomXML)
			if !bytes.Contains(a.body, []byte("<NativeDicomModel")) || !bytes.Contains(a.body, []byte(`tag="00081199"`)) {
				t.fail("a Native DICOM Model with Referenced SOP Sequence (0008,1199)")
			}
		}),
		writes("response.referenced", "PS3.18 I.2.1", Shall, "Referenced SOP Sequence names class and instance of what was stored", func(t *T) {
			in := t.spare("referenced")
			items := t.storeFiles("/studies", in).status(200).object().items(referencedSOPs)
			if len(items) != 1 || items[0].text("00081150") != in.class || items[0].text("00081155") != in.uid {
				t.fail("(0008,1199) with one item: (0008,1150) %s, (0008,1155) %s", in.class, in.uid)
			}
		}),
		writes("response.retrieve-url-instance", "PS3.18 I.2.1", Shall, "Retrieve URL of a stored instance leads to it", func(t *T) {
			in := t.spare("url")
			items := t.storeFiles("/studies", in).status(200).object().items(referencedSOPs)
			if len(items) != 1 || !strings.HasSuffix(items[0].text(retrieveURL), in.path()) {
				t.fail("(0008,1190) that ends in %s", in.path())
			}
			t.get(items[0].text(retrieveURL), acceptFiles).status(200)
		}),
		writes("response.retrieve-url-study", "PS3.18 Table I.1-1", Shall, "Retrieve URL (0008,1190) is in the module, with the study where there is one", func(t *T) {
			in := t.spare("url-study")
			o := t.storeFiles("/studies", in).status(200).object()
			if !o.has(retrieveURL) || o.text(retrieveURL) != "" && !strings.HasSuffix(o.text(retrieveURL), in.studyPath()) {
				t.fail("(0008,1190): the study's address, or empty")
			}
		}),
		writes("response.no-empty-sequences", "PS3.18 Table I.1-1", Shall, "Failed SOP Sequence is there only when an instance failed", func(t *T) {
			o := t.storeFiles("/studies", t.spare("empty")).status(200).object()
			for _, tag := range []string{failedSOPs, otherFailures} {
				if o.has(tag) {
					t.failGot(tag+" is there", "no %s where nothing failed", tag)
				}
			}
		}),
		writes("response.no-referenced-on-failure", "PS3.18 Table I.1-1", Shall, "Referenced SOP Sequence is there only when an instance was stored", func(t *T) {
			a := t.store("/studies", dicomFile, dicomPart([]byte("this is no DICOM file"))).status(400, 409)
			if a.code == 409 && a.object().has(referencedSOPs) {
				t.fail("no (0008,1199) where nothing was stored")
			}
		}),
		writes("response.other-failures", "PS3.18 I.2", Shall, "a part that is no instance is told in Other Failures Sequence, with a reason", func(t *T) {
			a := t.store("/studies", dicomFile, dicomPart(t.spare("others").file), dicomPart([]byte("this is no DICOM file"))).status(202)
			reasons := failures(a.object(), otherFailures)
			if len(reasons) != 1 || reasons[0] == "" {
				t.fail("(0008,119A) with one item that has Failure Reason (0008,1197)")
			}
		}),
		writes("response.location", "PS3.18 10.5.3.2", Should, "Content-Location or Location of an answer leads to what was stored", func(t *T) {
			in := t.spare("location")
			a := t.storeFiles(in.studyPath(), in).status(200)
			if a.header.Get("Content-Location")+a.header.Get("Location") == "" {
				t.fail("Location or Content-Location")
			}
		}),
		writes("duplicate.same-bytes", "PS3.18 10.5.3.1", Practice, "storing the same bytes again is a success and changes nothing", func(t *T) {
			in := t.spare("again")
			t.storeFiles("/studies", in).status(200)
			t.storeFiles("/studies", in).status(200)
			t.get("/instances?SOPInstanceUID="+in.uid, acceptJSON).status(200).wantUIDs("00080018", in.uid)
		}),
		writes("duplicate.in-one-request", "PS3.18 10.5.3.1", Practice, "the same instance twice in one request is stored once", func(t *T) {
			in := t.spare("twice")
			t.storeFiles("/studies", in, in).status(200, 202)
			t.get("/instances?SOPInstanceUID="+in.uid, acceptJSON).status(200).wantUIDs("00080018", in.uid)
		}),
		writes("duplicate.other-bytes", "PS3.18 10.5.2", Practice, "other bytes under a UID that is taken are refused, or replace it: never a 200 that drops them", func(t *T) {
			first := t.spare("conflict")
			second := t.spare("conflict", func(ds *dicom.DataSet) { ds.SetStrings(dicom.StudyDescription, dicom.LO, "Changed") })
			t.storeFiles("/studies", first).status(200)
			a := t.storeFiles("/studies", second).status(200, 202, 409)
			kept := t.get(first.path()+"/metadata", acceptJSON).status(200).objects()
			changed := len(kept) == 1 && kept[0].text("00081030") == "Changed"
			if a.code == 409 == changed || a.code == 200 && !changed {
				t.fail("409 and the first version, or 200/202 and what the answer says")
			}
		}),
		writes("order.parts", "PS3.18 10.5.1", Shall, "instances of several studies and series may come in one request", func(t *T) {
			a, b := t.spare("one"), t.spare("two")
			o := t.storeFiles("/studies", a, b).status(200).object()
			if len(o.items(referencedSOPs)) != 2 {
				t.fail("two items in (0008,1199)")
			}
			t.get("/studies?StudyInstanceUID="+a.study+","+b.study, acceptJSON).status(200).wantStudies(a.study, b.study)
		}),
		writes("visible.search", "PS3.18 10.5.2", Practice, "a stored instance is found as soon as the answer is there", func(t *T) {
			in := t.spare("visible")
			t.storeFiles("/studies", in).status(200)
			t.get("/studies?StudyInstanceUID="+in.study, acceptJSON).status(200).wantStudies(in.study)
		}),
		writes("visible.retrieve", "PS3.18 10.5.2", Practice, "a stored instance can be retrieved as soon as the answer is there", func(t *T) {
			in := t.spare("retrievable")
			t.storeFiles("/studies", in).status(200)
			t.get(in.path(), acceptFiles).status(200)
		}),
		writes("encoding.chunked", "PS3.18 8.4", Shall, "a body in chunks, without Content-Length, is taken (RFC 9112 7.1)", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("chunked").file))
			t.do(request{method: http.MethodPost, target: "/studies", body: body, chunked: true,
				headers: []string{"Content-Type: " + contentType, acceptJSON}}).status(200)
		}),
		writes("encoding.gzip", "PS3.18 8.4", May, "Content-Encoding: gzip is taken", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("gzip").file))
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			z.Write(body)
			z.Close()
			a := t.send(http.MethodPost, "/studies", b.Bytes(), "Content-Type: "+contentType, "Content-Encoding: gzip", acceptJSON)
			if a.code == 415 {
				t.unsupported("the server answers 415")
			}
			a.status(200)
		}),
		writes("encoding.unknown", "PS3.18 8.4", Should, "a Content-Encoding that nobody knows is answered 415 (RFC 9110 8.4)", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("coding").file))
			t.send(http.MethodPost, "/studies", body, "Content-Type: "+contentType, "Content-Encoding: rot13", acceptJSON).status(415)
		}),
	}
	cases = append(cases, storeSyntaxCases()...)
	cases = append(cases, storeUIDCases()...)
	cases = append(cases, storeMetadataCases()...)
	return of(Store, cases...)
}

// storeSyntaxCases store a file in each of the uncompressed transfer syntaxes, and read it back.
func storeSyntaxCases() []Case {
	var cases []Case
	for _, s := range []struct {
		id     string
		syntax dicom.UID
		level  Level
	}{
		{"explicit-little", dicom.ExplicitVRLittleEndian, Shall}, {"implicit-little", dicom.ImplicitVRLittleEndian, Practice},
		{"explicit-big", dicom.ExplicitVRBigEndian, Practice}, {"deflated", dicom.DeflatedExplicitVRLittleEndian, Practice},
		{"rle", dicom.RLELossless, Practice},
	} {
		make := func(t *T) *instance {
			ds := dicomtest.Series{Study: t.data.study("X" + s.id), Number: 1, Modality: "OT", Description: s.id}.Instance(secondaryCapture, 1)
			p := pixels{rows: 4, columns: 4, bits: 16, frames: 2}
			in, err := nativeAs(ds, p, s.syntax)
			if s.syntax == dicom.RLELossless {
				in, err = runLength(ds, p)
			}
			if err != nil {
				t.skip("the suite cannot make the instance: %v", err)
			}
			t.server.created.add(in.study)
			return in
		}
		cases = append(cases,
			writes("syntax."+s.id, "PS3.18 10.5.1", s.level, "an instance in this transfer syntax is stored", func(t *T) {
				t.storeFiles("/studies", make(t)).status(200)
			}),
			writes("syntax."+s.id+".bytes", "PS3.18 8.7.3.5.2", Practice, "transfer-syntax=* returns it byte for byte", func(t *T) {
				in := make(t)
				t.storeFiles("/studies", in).status(200)
				parts := t.get(in.path(), acceptFiles).status(200).parts(dicomFile)
				if len(parts) != 1 || !bytes.Equal(parts[0].body, in.file) {
					t.fail("the file as it was stored")
				}
			}),
			writes("syntax."+s.id+".frames", "PS3.18 10.4.1.1.6", Shall, "its frames come back in little endian with the samples that were stored", func(t *T) {
				in := make(t)
				t.storeFiles("/studies", in).status(200)
				parts := t.get(in.path()+"/frames/2", acceptBytes).status(200).parts(octetStream)
				if len(parts) != 1 || !bytes.Equal(parts[0].body, in.frames[1]) {
					t.fail("one part with the samples of frame 2")
				}
			}))
	}
	return cases
}

// storeUIDCases store what has no, or no legal, UIDs.
func storeUIDCases() []Case {
	var cases []Case
	for _, u := range []struct {
		id  string
		tag dicom.Tag
	}{
		{"sop-instance", dicom.SOPInstanceUID}, {"study", dicom.StudyInstanceUID}, {"series", dicom.SeriesInstanceUID},
	} {
		cases = append(cases,
			writes("uid.missing."+u.id, "PS3.18 10.5.2", Shall, "an instance without this UID is not stored", func(t *T) {
				t.refusedInstance(func(ds *dicom.DataSet) { ds.Delete(u.tag) })
			}),
			writes("uid.illegal."+u.id, "PS3.18 8.2", Practice, "an instance whose UID is a path, not a UID, is not stored", func(t *T) {
				t.refusedInstance(func(ds *dicom.DataSet) { ds.SetStrings(u.tag, dicom.UI, "../../../../tmp/x") })
			}))
	}
	return append(cases, writes("uid.missing.sop-class", "PS3.18 10.5.2", Shall, "an instance without SOP Class UID is not stored", func(t *T) {
		t.refusedInstance(func(ds *dicom.DataSet) { ds.Delete(dicom.SOPClassUID) })
	}))
}

// refusedInstance stores an instance whose data set was changed behind its File Meta Information, and expects a refusal.
func (t *T) refusedInstance(change func(*dicom.DataSet)) {
	ds := dicomtest.Series{Study: t.data.study("Xrefused"), Number: 1, Modality: "OT", Description: "refused"}.Instance(secondaryCapture, 1)
	pixels{rows: 4, columns: 4, bits: 8}.describe(ds)
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bytes(make([]byte, 16))})
	meta := ds.Clone()
	change(ds)
	file, err := fileWithMeta(meta, ds)
	if err != nil {
		t.skip("the suite cannot make the instance: %v", err)
	}
	a := t.store("/studies", dicomFile, dicomPart(file)).status(400, 409)
	if a.code == 409 && len(failures(a.object(), failedSOPs))+len(failures(a.object(), otherFailures)) == 0 {
		t.fail("a failure with its reason")
	}
}

// storeMetadataCases store metadata with bulk data (PS3.18 10.5.1, 10.5.2).
func storeMetadataCases() []Case {
	return []Case{
		writes("metadata.json", "PS3.18 Table 10.5.4-1", Shall, "metadata as DICOM JSON with a bulk data part are stored as an instance", func(t *T) {
			in, parts := t.described("json", false)
			t.store("/studies", dicomJSON, parts...).status(200)
			t.wantFrame(in)
		}),
		writes("metadata.xml", "PS3.18 Table 10.5.4-1", Shall, "metadata as XML with a bulk data part are stored as an instance", func(t *T) {
			in, parts := t.described("xml", true)
			t.store("/studies", dicomXML, parts...).status(200)
			t.wantFrame(in)
		}),
		writes("metadata.inline", "PS3.18 F.2.7", Shall, "metadata whose pixel data are inline are stored as an instance", func(t *T) {
			in, parts := t.described("inline", false)
			inline := base64.StdEncoding.EncodeToString(in.frames[0])
			parts[0].body = bytes.Replace(parts[0].body, []byte(`"BulkDataURI":"bulk/1"`), []byte(`"InlineBinary":"`+inline+`"`), 1)
			t.store("/studies", dicomJSON, parts[0]).status(200)
			t.wantFrame(in)
		}),
		writes("metadata.bulk-missing", "PS3.18 10.5.2", Shall, "metadata whose bulk data part is missing are not stored", func(t *T) {
			in, parts := t.described("missing", false)
			t.store("/studies", dicomJSON, parts[0]).status(400, 409)
			t.get(in.path()+"/metadata", acceptJSON).status(404)
		}),
		writes("metadata.not-json", "PS3.18 10.5.3.1", Shall, "metadata that are no JSON are bad syntax: 400", func(t *T) {
			t.store("/studies", dicomJSON, part{http.Header{"Content-Type": {dicomJSON}}, []byte("[{")}).status(400)
		}),
		writes("metadata.jpeg", "PS3.18 Table 10.5.2-1", Shall, "a JPEG with metadata that leave Rows and Columns out becomes an instance", func(t *T) {
			in, parts := t.described("jpeg", false)
			for _, tag := range []string{"00280002", "00280004", "00280010", "00280011", "00280100", "00280101", "00280102", "00280103"} {
				parts[0].body = withoutAttribute(parts[0].body, tag)
			}
			parts[1] = part{http.Header{"Content-Type": {"image/jpeg"}, "Content-Location": {"bulk/1"}}, tinyJPEG}
			t.store("/studies", dicomJSON, parts...).status(200, 202)
			found := t.get(in.path()+"/metadata", acceptJSON).status(200).objects()
			if len(found) != 1 || found[0].text("00280010") != "8" || found[0].text("00280011") != "8" {
				t.fail("metadata with Rows 8 and Columns 8")
			}
		}),
	}
}

// described makes a spare instance as metadata and bulk data: the parts of a request, the metadata first.
func (t *T) described(name string, xml bool) (*instance, []part) {
	ds := dicomtest.Series{Study: t.data.study("Xmeta" + name), Number: 1, Modality: "OT", Description: name}.Instance(secondaryCapture, 1)
	in, err := native(ds, pixels{rows: 4, columns: 4, bits: 8})
	if err == nil {
		t.server.created.add(in.study)
		ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OB, Value: dicom.Bulk{URI: "bulk/1"}})
	}
	var body []byte
	contentType := dicomJSON
	if xml {
		contentType = dicomXML
		body, err = ds.AppendXML(nil)
	} else if body, err = ds.AppendJSON([]byte("[")); err == nil {
		body = append(body, ']')
	}
	if err != nil {
		t.skip("the suite cannot make the metadata: %v", err)
	}
	return in, []part{
		{http.Header{"Content-Type": {contentType}}, body},
		{http.Header{"Content-Type": {octetStream}, "Content-Location": {"bulk/1"}}, slices.Clone(in.frames[0])},
	}
}

// wantFrame ends the case unless the first frame of the instance comes back.
func (t *T) wantFrame(in *instance) {
	parts := t.get(in.path()+"/frames/1", acceptBytes).status(200).parts(octetStream)
	if len(parts) != 1 || !bytes.Equal(parts[0].body, in.frames[0]) {
		t.fail("one part with the samples that were sent: %d bytes", len(in.frames[0]))
	}
}

// withoutAttribute cuts an attribute of a small value out of DICOM JSON.
func withoutAttribute(body []byte, tag string) []byte {
	i := bytes.Index(body, []byte(fmt.Sprintf("%q:{", tag)))
	if i < 0 {
		return body
	}
	end := i + bytes.IndexByte(body[i:], '}') + 1
	if end < len(body) && body[end] == ',' {
		end++
	}
	return slices.Concat(body[:i], body[end:])
}
