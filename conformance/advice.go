package conformance

import "strings"

// Advice is what the failure of a case means for those who attach clients to the server, and what can be done about it.
type Advice struct {
	Clients string // who sends it
	Effect  string // what people see
	Remedy  string // what helps, at the server or in the client's configuration
}

// AdviceOf returns the advice of a case that clients depend on: that of the longest beginning of its ID in the table.
func AdviceOf(id string) (Advice, bool) {
	best, found := -1, false
	for i, a := range advices {
		if strings.HasPrefix(id, a.cases) && (!found || len(a.cases) > len(advices[best].cases)) {
			best, found = i, true
		}
	}
	if !found {
		return Advice{}, false
	}
	return advices[best].Advice, true
}

// ClientCases are the beginnings of the IDs of all cases that have advice: what OHIF, Slim, Weasis, dicomweb-client and others send.
func ClientCases() []string {
	var ids []string
	for _, a := range advices {
		ids = append(ids, a.cases)
	}
	return ids
}

// What is said of many cases.
const (
	allViewers   = "OHIF, Slim, Weasis, dicomweb-client"
	fixAccept    = "The server has to take every form of Accept that HTTP allows, quoted or not, in any order, and pass over what it does not know (PS3.18 8.7); a proxy must not change the header"
	fixCORS      = "Set the CORS headers on every answer, errors too, at the server or its proxy; or serve the viewer from the same origin"
	fixBulk      = "BulkDataURIs have to be absolute, at the address that clients use: tell the server its public URL, or let the proxy send Forwarded; OHIF's bulkDataURI.relativeResolution helps with relative ones"
	fixNothing   = "Nothing in a client's configuration helps: the server has to be mended"
	nothingShown = "the images of a study do not load"
)

var advices = []struct {
	cases string
	Advice
}{
	{"clients.ohif.list", Advice{"OHIF", "the study list stays empty", "Look at includefield as a list of tags, and at the percent-encoded comma (PS3.18 8.3.4.3); OHIF's qidoSupportsIncludeField: false leaves it out"}},
	{"clients.ohif.filters", Advice{"OHIF", "searching in the study list finds nothing, or an error is shown", "supportsWildcard: false and supportsFuzzyMatching: false in OHIF's data source leave those parameters out"}},
	{"clients.ohif.series", Advice{"OHIF", "a study opens without series", fixNothing}},
	{"clients.ohif.metadata", Advice{"OHIF", "a study opens and nothing is shown in it", "enableStudyLazyLoad: false asks for the metadata of the study instead of each series"}},
	{"clients.ohif.bulk", Advice{"OHIF, Slim", "documents, lookup tables, ECGs and profiles do not load", fixBulk}},
	{"clients.ohif.frames", Advice{"OHIF, cornerstone", nothingShown, "omitQuotationForMultipartRequest: true sends the types without quotes; else " + fixAccept}},
	{"clients.ohif.thumbnail", Advice{"OHIF", "series have no thumbnails", "thumbnailRendering: 'wadors' makes them of the frames"}},
	{"clients.ohif.rendered", Advice{"OHIF", "series have no thumbnails", "thumbnailRendering: 'wadors' makes them of the frames"}},
	{"clients.python", Advice{"dicomweb-client (Python)", "search_for_… and retrieve_… raise an HTTP error", fixAccept}},
	{"clients.go", Advice{"clients in Go, curl, and others that send no Accept", "every request is refused", "The text of PS3.18 8.7.5 allows the refusal; taking */* for it costs nothing and serves them"}},
	{"clients.q-blanks", Advice{"clients in Java", "requests are refused", fixAccept}},
	{"clients.browser", Advice{"browsers, for a picture or a document that is opened in a tab", "the picture is not shown", fixAccept}},
	{"clients.google", Advice{"clients of the Google Healthcare API", "instances cannot be fetched as a single part", "PS3.18 Table 10.4.4-1 has application/dicom for an instance"}},
	{"clients.weasis", Advice{"Weasis", "a study opens without images", "Weasis can use WADO-URI instead of WADO-RS for the images"}},
	{"clients.doubled-slash", Advice{allViewers, "every request is 404 where the configured address ends in a slash", "Leave the slash at the end of the address out"}},
	{"clients.trailing-slash", Advice{"clients in Go", "requests are 404, or lose their body in a redirect", "The server or its proxy should take the slash away without a redirect"}},
	{"clients.store", Advice{allViewers, "uploads, and measurements that are saved, are refused or reported as failed", "A multipart body is to be read as RFC 2046 has it: preamble, parameters in any form, header fields in any case (PS3.18 8.6.1.2)"}},
	{"clients.cors", Advice{"OHIF, Slim, and every viewer that comes from another address", "the viewer shows a network error, and the browser's console one of CORS", fixCORS}},
	{"clients.range", Advice{"browsers, for videos", "a video does not play, or cannot be moved forward", "Answer ranges of bulk data with 206 (PS3.18 8.6.1.1)"}},
	{"clients.nosniff", Advice{"browsers", "an uploaded file can pose as a page of the server", "Set X-Content-Type-Options: nosniff, at the server or its proxy"}},
	{"retrieve.frames.client.ohif", Advice{"OHIF, cornerstone", nothingShown, "omitQuotationForMultipartRequest or requestTransferSyntaxUID change what OHIF sends; else " + fixAccept}},
	{"retrieve.frames.client.", Advice{allViewers, nothingShown, fixAccept}},
	{"retrieve.accept-form.", Advice{allViewers, "images or whole studies are refused with 400 or 406", fixAccept}},
	{"retrieve.mixed-accept", Advice{"OHIF", "metadata or images are refused with 406", fixAccept}},
	{"retrieve.frames.stored.transfer-syntax", Advice{"OHIF, cornerstone", "compressed images are shown as noise: without transfer-syntax the viewer guesses", "Each part needs Content-Type with transfer-syntax (PS3.18 8.7.3.5)"}},
	{"retrieve.frames.root-type", Advice{allViewers, "answers are not recognized as multipart", fixNothing}},
	{"retrieve.metadata.", Advice{allViewers, "a study opens without images, or black: attributes that the viewer needs are missing or in another form", "Answer with the whole data set in the DICOM JSON model; modes of reduced metadata have to be off"}},
	{"retrieve.bulk.", Advice{"OHIF, Slim", "documents, lookup tables, ECGs and profiles do not load", fixBulk}},
	{"search.fuzzy.with-wildcard", Advice{"OHIF", "searching by name is refused", "supportsFuzzyMatching: false"}},
	{"search.includefield.list", Advice{"OHIF", "columns of the study list stay empty", "qidoSupportsIncludeField: false where the server refuses it"}},
	{"common.charset.utf8", Advice{allViewers, "names with accents or in other scripts are garbled", fixNothing}},
	{"common.parameter.percent", Advice{"dicomweb-client (Python), and all that encode * and , in queries", "searches find nothing", "Decode percent-encoded values before use (PS3.18 8.3.1.1)"}},
}
