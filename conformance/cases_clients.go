package conformance

import (
	"bytes"
	"net/http"
	"strings"
)

// clientCases are the ways of real clients: what OHIF, cornerstone, dicomweb-client, dcm4che, Weasis and others send and need.
func clientCases() []Case {
	get := func(id, gist string, target func(*T) string, accept string) Case {
		return reads(id, "PS3.18 10.3", Practice, gist, func(t *T) {
			var headers []string
			if accept != "" {
				headers = []string{"Accept: " + accept}
			}
			a := t.get(target(t), headers...)
			if strings.Contains(id, "thumbnail") {
				a.orUnsupported()
			}
			a.status(200, 204, 206).usable(accept)
		})
	}
	fixed := func(s string) func(*T) string { return func(*T) string { return s } }
	below := func(suffix string) func(*T) string {
		return func(t *T) string { return t.image().path() + suffix }
	}
	return of(Clients,
		get("ohif.list", "OHIF's list of studies", fixed("/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060%2C00080090%2C00100030"), dicomJSON),
		get("ohif.filters", "OHIF's filters", fixed("/studies?PatientName=*X*&00100020=*X*&AccessionNumber=*X*&StudyDescription=*X%20Y*&ModalitiesInStudy=SEG%2CECG&StudyDate=20240102-20240103&limit=101&offset=0&fuzzymatching=true&includefield=00081030%2C00080060"), dicomJSON),
		get("ohif.series", "OHIF's series of a study", func(t *T) string {
			return t.image().studyPath() + "/series?includefield=00080021%2C00080031%2C0008103E%2C00200011"
		}, dicomJSON),
		get("ohif.metadata", "OHIF's metadata of a series", func(t *T) string { return t.image().seriesPath() + "/metadata" }, dicomJSON),
		get("ohif.bulk", "bulk data at the address that the metadata say", func(t *T) string {
			uri := t.bulkURI(t.image(), pixelData)
			if !strings.Contains(uri, "://") {
				t.skip("the BulkDataURI is relative")
			}
			return uri
		}, `multipart/related; type="application/octet-stream"`),
		get("ohif.frames", "OHIF's frames, quoted", below("/frames/1"), `multipart/related; type="application/octet-stream"; transfer-syntax="*"`),
		get("ohif.thumbnail", "OHIF's thumbnail", below("/thumbnail?viewport=256%2C256"), "image/jpeg"),
		get("ohif.thumbnail-any", "OHIF's thumbnail by the accept parameter", below("/thumbnail?accept=image%2Fjpeg"), "*/*"),
		get("ohif.rendered", "OHIF's rendered thumbnail", below("/rendered?viewport=256%2C256"), "image/jpeg"),
		get("python.search", "dicomweb-client for Python", fixed("/studies?PatientID=X%2A&limit=10"), "application/dicom+json, application/json"),
		get("python.frames", "dicomweb-client for Python: frames of any type", below("/frames/1"), `multipart/related; type="*/*"`),
		get("python.instance", "dicomweb-client for Python: an instance", below(""), `multipart/related; type="application/dicom"; transfer-syntax=*`),
		get("go.no-accept", "clients that send no Accept: search", fixed("/studies?limit=1"), ""),
		get("go.no-accept-metadata", "clients that send no Accept: metadata", below("/metadata"), ""),
		get("go.no-accept-instance", "clients that send no Accept: an instance", below(""), ""),
		get("q-blanks", "q values with blanks", fixed("/studies?limit=1"), "text/html, image/gif, image/jpeg, */*; q=.2, */*; q=.2"),
		get("browser", "a browser's Accept", below("/rendered"), "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
		get("google", "single part, transfer-syntax=*", below(""), "application/dicom; transfer-syntax=*"),
		get("weasis", "Weasis: series of a study with all fields", func(t *T) string { return t.image().studyPath() + "/series?includefield=all" }, dicomJSON),
		get("weasis.wado", "Weasis: an instance as application/dicom among others", below(""), `multipart/related;type="application/dicom";transfer-syntax=*`),
		get("doubled-slash", "addresses joined with a slash too many", fixed("//studies?limit=1"), dicomJSON),
		get("trailing-slash", "addresses with a slash at the end", fixed("/studies/?limit=1"), dicomJSON),
		writes("store.unquoted", "PS3.18 8.7.1", Practice, "multipart/related with an unquoted type", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("unquoted").file))
			t.send(http.MethodPost, "/studies", body, "Content-Type: "+strings.ReplaceAll(contentType, `"`, ""), acceptJSON).status(200)
		}),
		writes("store.leading-crlf", "PS3.18 8.6.1.2", Practice, "a body that begins with an empty line, as OHIF's does", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("crlf").file))
			t.send(http.MethodPost, "/studies", append([]byte("\r\n"), body...), "Content-Type: "+contentType, "Accept: */*").status(200)
		}),
		writes("store.trailing-slash", "PS3.18 10.5.1.1", Practice, "POST /studies/", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("slash").file))
			t.send(http.MethodPost, "/studies/", body, "Content-Type: "+contentType, acceptJSON).status(200)
		}),
		writes("store.single-part", "PS3.18 10.5.1", Practice, "one file as application/dicom, without multipart", func(t *T) {
			t.send(http.MethodPost, "/studies", t.spare("single").file, "Content-Type: application/dicom", acceptJSON).status(200)
		}),
		writes("store.part-transfer-syntax", "PS3.18 8.7.3.5", Practice, "parts whose type has a transfer-syntax, as dcm4che sends them", func(t *T) {
			p := dicomPart(t.spare("syntax").file)
			p.header.Set("Content-Type", "application/dicom;transfer-syntax=1.2.840.10008.1.2.1")
			t.store("/studies", dicomFile, p).status(200)
		}),
		writes("store.part-no-type", "PS3.18 8.6.1.2", Practice, "parts without Content-Type are of the root type (RFC 2387)", func(t *T) {
			t.store("/studies", dicomFile, part{http.Header{}, t.spare("untyped").file}).status(200)
		}),
		writes("store.lower-case", "PS3.18 8.6.1.2", Practice, "part headers in lower case", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("lower").file))
			body = bytes.Replace(body, []byte("Content-Type: "), []byte("content-type:"), 1)
			t.send(http.MethodPost, "/studies", body, "Content-Type: "+contentType, acceptJSON).status(200)
		}),
		writes("store.no-accept", "PS3.18 10.5.1.3", Practice, "a store request without Accept", func(t *T) {
			body, contentType := form(dicomFile, dicomPart(t.spare("none").file))
			t.send(http.MethodPost, "/studies", body, "Content-Type: "+contentType).status(200)
		}),
		writes("store.answer-type", "PS3.18 10.5.3.3", Practice, "the answer's Content-Type is exactly application/dicom+json, and one object: Python clients compare it", func(t *T) {
			a := t.storeFiles("/studies", t.spare("exact")).status(200)
			a.has("Content-Type", dicomJSON, func(v string) bool { return v == dicomJSON })
			if len(a.body) == 0 || a.body[0] != '{' {
				t.fail("one object, no array")
			}
		}),
		reads("cors.allow-origin", "PS3.18 8.4", Practice, "answers may be read by viewers of other origins", func(t *T) {
			a := t.get("/studies?limit=1", acceptJSON, "Origin: http://viewer.example").status(200, 204)
			if a.header.Get("Access-Control-Allow-Origin") == "" {
				t.unsupported("no CORS")
			}
		}),
		reads("cors.errors", "PS3.18 8.4", Practice, "errors may be read by viewers of other origins", func(t *T) {
			if t.get("/studies?limit=1", acceptJSON, "Origin: http://viewer.example").header.Get("Access-Control-Allow-Origin") == "" {
				t.unsupported("no CORS")
			}
			t.get("/studies/"+unknownUID+"/metadata", acceptJSON, "Origin: http://viewer.example").status(404).
				has("Access-Control-Allow-Origin", "the origin, or *", func(v string) bool { return v != "" })
		}),
		reads("cors.preflight", "PS3.18 8.4", Practice, "the preflight of a quoted Accept, which browsers send for each frame, is answered", func(t *T) {
			if t.get("/studies?limit=1", acceptJSON, "Origin: http://viewer.example").header.Get("Access-Control-Allow-Origin") == "" {
				t.unsupported("no CORS")
			}
			a := t.send(http.MethodOptions, t.image().path()+"/frames/1", nil, "Origin: http://viewer.example",
				"Access-Control-Request-Method: GET", "Access-Control-Request-Headers: accept").status(200, 204)
			a.has("Access-Control-Allow-Headers", "accept, or *", func(v string) bool {
				return v == "*" || strings.Contains(strings.ToLower(v), "accept")
			})
		}),
		reads("cors.expose", "PS3.18 8.4", Practice, "viewers may read Warning and Content-Location", func(t *T) {
			a := t.get("/studies?limit=1", acceptJSON, "Origin: http://viewer.example")
			if a.header.Get("Access-Control-Allow-Origin") == "" {
				t.unsupported("no CORS")
			}
			exposed := strings.ToLower(a.header.Get("Access-Control-Expose-Headers"))
			if exposed != "*" && !(strings.Contains(exposed, "warning") && strings.Contains(exposed, "content-location")) {
				t.fail("Access-Control-Expose-Headers with Warning and Content-Location")
			}
		}),
		reads("cors.resource-policy", "PS3.18 8.4", Practice, "pictures may be shown by isolated viewers: Cross-Origin-Resource-Policy", func(t *T) {
			a := t.get(t.image().path()+"/rendered", "Accept: image/jpeg", "Origin: http://viewer.example").status(200)
			if a.header.Get("Access-Control-Allow-Origin") == "" {
				t.unsupported("no CORS")
			}
			a.has("Cross-Origin-Resource-Policy", "cross-origin", func(v string) bool { return v == "cross-origin" })
		}),
		reads("range.video", "PS3.18 8.6.1.1", Practice, "a player's Range: bytes=0- on bulk data is answered", func(t *T) {
			t.get(t.bulkURI(t.own().pdf, encapsulated), "Accept: */*", "Range: bytes=0-").status(200, 206)
		}),
		reads("nosniff", "PS3.18 8.4", Practice, "answers tell browsers not to guess types", func(t *T) {
			t.get(t.image().path()+"/metadata", acceptJSON).status(200).has("X-Content-Type-Options", "nosniff", func(v string) bool { return v == "nosniff" })
		}),
	)
}

// usable ends the case unless a client that sends this Accept can read what came.
func (a *answer) usable(accept string) {
	switch {
	case a.code == http.StatusNoContent:
	case strings.HasPrefix(accept, dicomJSON):
		a.objects()
	case strings.HasPrefix(accept, "multipart/related"):
		root, _, _ := strings.Cut(a.mediaType("multipart/related")["type"], ";") // of which type the parts are other cases look at
		if parts := a.parts(strings.TrimSpace(root)); len(parts) == 0 || len(parts[0].body) == 0 {
			a.t.failGot("no part with anything in it", "at least one part")
		}
	case accept == "image/jpeg":
		a.mediaType("image/jpeg")
		fallthrough
	default:
		if len(a.body) == 0 {
			a.t.failGot("an empty body", "a body")
		}
	}
}
