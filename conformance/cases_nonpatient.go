package conformance

import (
	"net/http"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// category is a resource of PS3.18 Table 12.1.1-1, and what its search has to know (PS3.18 Table 12.6.1-2).
type category struct {
	name, class string
	key, tag    string   // an attribute that every server matches, by keyword and by tag; the suite's own instance has text there
	sequence    string   // a key in a sequence, and its value; "" where the table has none
	wild        bool     // the key takes wildcards
	returned    []string // tags of return keys of type 1 and 2
}

var categories = []category{
	{"color-palettes", "1.2.840.10008.5.1.4.39.1", "ContentLabel", "00700080", "", true, []string{"00700080", "00700081", "00700084"}},
	{"defined-procedure-protocols", "1.2.840.10008.5.1.4.1.1.200.1", "ProtocolName", "00181030",
		"ModelSpecificationSequence.ManufacturerModelName=Model%20CT", true,
		[]string{"00181030", "00189906", "00189907", "0040A07C", "00080220", "00189912", "00080221"}},
	{"hanging-protocols", "1.2.840.10008.5.1.4.38.1", "HangingProtocolName", "00720002", "HangingProtocolDefinitionSequence.Modality=CT", true,
		[]string{"00720002", "00720004", "00720006", "00720008", "0072000A", "0072000C", "00720014", "0072000E", "00720100", "00720102"}},
	{"implant-templates", "1.2.840.10008.5.1.4.43.1", "ImplantName", "00221095",
		"ImplantTargetAnatomySequence.AnatomicRegionSequence.CodeValue=29836001", true,
		[]string{"00080070", "00221095", "00221097", "00686210", "00686226", "00686222"}},
	{"inventories", "1.2.840.10008.5.1.4.1.1.201.1", "InventoryLevel", "00080403", "", false, []string{"00080023", "00080033", "00080403", "00080426"}},
}

// make returns the suite's own instance of the category; name tells several apart.
func (c category) make(t *T, name string) *instance {
	for _, in := range dicomtest.NonPatient("cf" + strings.ToLower(t.data.run) + name) {
		if string(in.DataSet.UID(dicom.SOPClassUID)) != c.class {
			continue
		}
		made, err := finish(in)
		if err != nil {
			t.skip("the suite cannot make the instance: %v", err)
		}
		t.server.others.add("/" + c.name + "/" + made.uid)
		return made
	}
	t.skip("the suite has no instance of SOP Class %s", c.class)
	return nil
}

// post stores it, or ends the case as unsupported where the server does not store (PS3.18 Table 12.2-1).
func (c category) post(t *T, in *instance) *answer {
	return t.send(http.MethodPost, "/"+c.name, in.file, "Content-Type: "+dicomFile, acceptJSON).orUnsupported()
}

// stored returns an instance that is stored, and its address.
func (c category) stored(t *T) (in *instance, path string) {
	in = c.make(t, "")
	c.post(t, in).status(200)
	return in, "/" + c.name + "/" + in.uid
}

// search returns the results of a search that the instance of the suite has to be among, if it is to be.
func (c category) search(t *T, parameters string) []object {
	a := t.get("/"+c.name+"?"+parameters, acceptJSON).status(200, 204)
	if a.code == http.StatusNoContent {
		return nil
	}
	return a.objects()
}

// nonPatientCases are PS3.18 chapter 12.
func nonPatientCases() []Case {
	var cases []Case
	for _, c := range categories {
		for _, one := range slices.Concat(c.readingCases(), c.storeCases(), c.retrieveCases(), c.searchCases()) {
			one.ID = c.name + "." + one.ID
			cases = append(cases, one)
		}
	}
	return of(NonPatient, cases...)
}

// readingCases need nothing of the suite's own.
func (c category) readingCases() []Case {
	all := "/" + c.name
	return []Case{
		reads("search", "PS3.18 12.6.3.1", Shall, "the resource is searched", func(t *T) {
			t.get(all, acceptJSON).orUnsupported().status(200, 204)
		}),
		reads("none", "PS3.18 12.6.3.1", Shall, "no result: 204", func(t *T) {
			t.get(all+"?SOPInstanceUID="+unknownUID, acceptJSON).orUnsupported().status(204).empty()
		}),
		reads("404", "PS3.18 12.4.3.1", Shall, "an instance that does not exist is answered 404", func(t *T) {
			t.get(all, acceptJSON).orUnsupported()
			t.get(all+"/"+unknownUID, "Accept: application/dicom").status(404, 410)
		}),
		reads("search.invalid", "PS3.18 12.6.3.1", Shall, "a query parameter that is invalid is answered 400", func(t *T) {
			t.get(all+"?limit=ten", acceptJSON).orUnsupported().status(400)
		}),
		reads("search.unknown-parameter", "PS3.18 8.3", Shall, "query parameters that are not supported are ignored", func(t *T) {
			t.get(all+"?noSuchParameter=1", acceptJSON).orUnsupported().status(200, 204)
		}),
		reads("search.406", "PS3.18 12.6.3.1", Shall, "a search with no acceptable media type that is supported is answered 406", func(t *T) {
			t.get(all, acceptJSON).orUnsupported()
			t.get(all, "Accept: image/png").status(406, 204)
		}),
		reads("capabilities", "PS3.18 12.2", Shall, "the resource is in the capabilities description, with Search and Retrieve", func(t *T) {
			t.get(all, acceptJSON).orUnsupported()
			listed := t.listed()
			found := false
			for path, methods := range listed {
				found = found || strings.HasPrefix(path, all+"/{") && slices.Contains(methods, http.MethodGet)
			}
			if !found || !slices.Contains(listed[all], http.MethodGet) {
				t.fail("%s and %s/{uid} with GET", all, all)
			}
		}),
	}
}

func (c category) storeCases() []Case {
	all := "/" + c.name
	return []Case{
		writes("store", "PS3.18 12.5.3.1", Shall, "an instance is stored: 200", func(t *T) {
			c.post(t, c.make(t, "store")).status(200)
		}),
		writes("store.multipart", "PS3.18 12.5.1.4", Shall, "several instances are stored by one request", func(t *T) {
			a, b := c.make(t, "part1"), c.make(t, "part2")
			t.storeFiles(all, a, b).orUnsupported().status(200)
			for _, in := range []*instance{a, b} {
				t.get(all+"/"+in.uid, "Accept: application/dicom").status(200)
			}
		}),
		writes("store.again", "PS3.18 12.5.3.1", Practice, "the same bytes again are no failure", func(t *T) {
			in := c.make(t, "again")
			c.post(t, in).status(200)
			c.post(t, in).status(200)
		}),
		writes("store.at-uid", "PS3.18 12.5.1.1", Shall, "an instance is stored at its own address", func(t *T) {
			in := c.make(t, "uid")
			t.send(http.MethodPost, all+"/"+in.uid, in.file, "Content-Type: "+dicomFile, acceptJSON).orUnsupported().status(200)
		}),
		writes("store.at-other-uid", "PS3.18 12.5.1.1", Shall, "an instance is not stored at another's address", func(t *T) {
			in := c.make(t, "other uid")
			t.send(http.MethodPost, all+"/"+t.uid("npi "+c.name), in.file, "Content-Type: "+dicomFile, acceptJSON).orUnsupported().status(400, 409)
			t.get(all+"/"+in.uid, "Accept: application/dicom").status(404)
		}),
		writes("store.other-class", "PS3.18 12.5.3.1", Shall, "an instance of a SOP Class that belongs elsewhere is not stored", func(t *T) {
			in := t.own().ct[0]
			c.post(t, in).status(400, 404, 409)
			t.get(all+"/"+in.uid, "Accept: application/dicom").status(404)
		}),
		writes("store.no-dicom", "PS3.18 12.5.3.1", Shall, "what is no instance is not stored", func(t *T) {
			c.post(t, &instance{file: []byte("this is no DICOM")}).status(400, 409)
		}),
		writes("store.415", "PS3.18 12.5.3.1", Shall, "a media type that is not supported is answered 415", func(t *T) {
			t.send(http.MethodPost, all, []byte("x"), "Content-Type: application/x-unknown", acceptJSON).orUnsupported().status(415)
		}),
		writes("store.json", "PS3.18 12.1.3", Shall, "DICOM JSON, the default media type, is stored", func(t *T) {
			in := c.make(t, "json")
			ds := &dicom.DataSet{}
			ds.SetStrings(dicom.SOPClassUID, dicom.UI, c.class)
			ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, in.uid)
			t.send(http.MethodPost, all, slices.Concat([]byte("["), t.json(ds), []byte("]")), contentTypeJSON, acceptJSON).orUnsupported().status(200)
		}),
	}
}

func (c category) retrieveCases() []Case {
	return []Case{
		writes("retrieve.file", "PS3.18 12.4.3.3", Shall, "application/dicom returns the instance", func(t *T) {
			in, path := c.stored(t)
			a := t.get(path, "Accept: application/dicom").status(200)
			a.mediaType(dicomFile)
			f := t.scan(a.body)
			if string(f.DataSet.UID(dicom.SOPInstanceUID)) != in.uid || string(f.DataSet.UID(dicom.SOPClassUID)) != in.class {
				t.failGot(string(f.DataSet.UID(dicom.SOPInstanceUID)), "instance %s", in.uid)
			}
		}),
		writes("retrieve.stored", "PS3.18 8.7.3.5.2", Practice, "transfer-syntax=* returns the file as it was stored", func(t *T) {
			in, path := c.stored(t)
			if a := t.get(path, "Accept: application/dicom; transfer-syntax=*").status(200); string(a.body) != string(in.file) {
				t.failGot("other bytes", "the %d bytes that were stored", len(in.file))
			}
		}),
		writes("retrieve.json", "PS3.18 12.1.3", Shall, "application/dicom+json returns the data set", func(t *T) {
			in, path := c.stored(t)
			t.get(path, acceptJSON).status(200).wantUIDs("00080018", in.uid)
		}),
		writes("retrieve.json.attributes", "PS3.18 12.4.3.3", Shall, "the data set is whole", func(t *T) {
			_, path := c.stored(t)
			o := t.get(path, acceptJSON).status(200).objects()
			for _, tag := range append([]string{"00080016", "00080018"}, c.tag) {
				if len(o) != 1 || o[0].text(tag) == "" {
					t.fail("one data set with a value of %s", tag)
				}
			}
		}),
		writes("retrieve.default", "PS3.18 12.1.3", Shall, "*/* stands for application/dicom+json", func(t *T) {
			_, path := c.stored(t)
			t.get(path, "Accept: */*").status(200).mediaType(dicomJSON)
		}),
		writes("retrieve.xml", "PS3.18 12.1.3", Shall, "multipart/related with application/dicom+xml returns the data set", func(t *T) {
			in, path := c.stored(t)
			parts := t.get(path, acceptXMLs).status(200).parts(dicomXML)
			if len(parts) != 1 || !strings.Contains(string(parts[0].body), in.uid) {
				t.fail("one part with the Native DICOM Model of the instance")
			}
		}),
		writes("retrieve.406", "PS3.18 12.4.3.1", Shall, "no acceptable media type that is supported: 406", func(t *T) {
			_, path := c.stored(t)
			t.get(path, "Accept: image/png").status(406)
		}),
	}
}

func (c category) searchCases() []Case {
	own := func(t *T) (*instance, string) {
		in, _ := c.stored(t)
		return in, "SOPInstanceUID=" + in.uid
	}
	found := func(t *T, in *instance, parameters string, want bool) {
		var uids []string
		for _, o := range c.search(t, parameters) {
			uids = append(uids, o.text("00080018"))
		}
		if slices.Contains(uids, in.uid) != want {
			t.failGot("results: "+list(uids), "%s among the results: %v", in.uid, want)
		}
	}
	cases := []Case{
		writes("search.uid", "PS3.18 12.6.1.2", Shall, "an instance is found by its UID", func(t *T) {
			in, one := own(t)
			t.get("/"+c.name+"?"+one, acceptJSON).status(200).wantUIDs("00080018", in.uid)
		}),
		writes("search.class", "PS3.18 12.6.1.2", Shall, "SOP Class UID is matched", func(t *T) {
			in, one := own(t)
			found(t, in, one+"&SOPClassUID="+c.class, true)
			found(t, in, one+"&SOPClassUID="+secondaryCapture, false)
		}),
		writes("search.key", "PS3.18 12.6.1.2", Shall, c.key+" is matched by single value", func(t *T) {
			in, one := own(t)
			results := c.search(t, one)
			if len(results) != 1 {
				t.fail("one result")
			}
			value := query(results[0].text(c.tag))
			found(t, in, one+"&"+c.key+"="+value, true)
			found(t, in, one+"&"+c.tag+"="+value, true)
			found(t, in, one+"&"+c.key+"=NO%20SUCH%20VALUE", false)
		}),
		writes("search.returned", "PS3.18 12.6.2", Shall, "the return keys of type 1 and 2 of PS3.4 are returned", func(t *T) {
			_, one := own(t)
			results := c.search(t, one)
			for _, tag := range append([]string{"00080016", "00080018"}, c.returned...) {
				if len(results) != 1 || !results[0].has(tag) {
					t.fail("one result with %s", tag)
				}
			}
		}),
		writes("search.includefield", "PS3.18 8.3.4.3", Shall, "an attribute of includefield is returned", func(t *T) {
			_, one := own(t)
			results := c.search(t, one+"&includefield=InstanceCreationDate")
			if len(results) != 1 || results[0].text("00080012") != "20260312" {
				t.fail("one result with (0008,0012) 20260312")
			}
		}),
		writes("search.limit", "PS3.18 8.3.4.4", Shall, "limit and offset page the results", func(t *T) {
			_, one := own(t)
			if n := len(c.search(t, one+"&limit=1")); n != 1 {
				t.fail("one result")
			}
			t.get("/"+c.name+"?"+one+"&offset=1", acceptJSON).status(204)
		}),
		writes("search.xml", "PS3.18 12.6.3.3", Shall, "results come as XML, a part for each", func(t *T) {
			_, one := own(t)
			if n := len(t.get("/"+c.name+"?"+one, acceptXMLs).status(200).parts(dicomXML)); n != 1 {
				t.fail("one part")
			}
		}),
		writes("search.studies", "PS3.18 12.1", Shall, "it is no instance of a study", func(t *T) {
			_, one := own(t)
			t.get("/instances?"+one, acceptJSON).orUnsupported().status(204)
		}),
	}
	if c.wild {
		cases = append(cases, writes("search.wildcard", "PS3.18 12.6.1.2", Shall, c.key+" is matched by wildcards", func(t *T) {
			in, one := own(t)
			found(t, in, one+"&"+c.key+"=*", true)
			results := c.search(t, one)
			if len(results) != 1 || len(results[0].text(c.tag)) < 3 {
				t.fail("one result")
			}
			text := results[0].text(c.tag)
			found(t, in, one+"&"+c.key+"="+query(text[:2])+"*", true)
			found(t, in, one+"&"+c.key+"=?"+query(text[1:]), true)
			found(t, in, one+"&"+c.key+"=NOTHING*", false)
		}))
	}
	if c.sequence != "" {
		name, _, _ := strings.Cut(c.sequence, "=")
		cases = append(cases, writes("search.sequence", "PS3.18 12.6.1.2", Shall, name+" is matched in its sequence", func(t *T) {
			in, one := own(t)
			found(t, in, one+"&"+c.sequence, true)
			found(t, in, one+"&"+name+"=NONE", false)
		}))
	}
	return cases
}
