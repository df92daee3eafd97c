package dicomweb

import (
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// capability is what the method of a resource takes and answers.
type capability struct {
	accept, content  []string // media types of the answer, the default first; of the request
	query            []wadlParam
	success, failure string // status codes
}

func multipartOf(types ...string) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = `multipart/related; type="` + t + `"`
	}
	return out
}

func offered(offers []offer) []string {
	out := make([]string, len(offers))
	for i, o := range offers {
		out[i] = o.String()
	}
	return out
}

func parameters(names ...string) []wadlParam {
	out := make([]wadlParam, len(names))
	for i, n := range names {
		out[i] = wadlParam{Name: n, Style: "query", Type: "xs:string"}
		if n == "charset" {
			out[i].Options = []wadlOption{{"UTF-8"}}
		}
	}
	return out
}

// inCharsets says of a resource with files or texts in which character sets they can be had (PS3.18 8.8); everything else is UTF-8.
func inCharsets(c capability) capability {
	for i, p := range c.query {
		if p.Name != "charset" {
			continue
		}
		c.query[i].Options = nil
		for _, name := range dicom.CharacterSetNames() {
			c.query[i].Options = append(c.query[i].Options, wadlOption{name})
		}
	}
	return c
}

// The media types of PS3.18 8.7.3 and 8.7.4 by resource category.
var (
	fileTypes  = multipartOf("application/dicom", "application/octet-stream")
	pixelTypes = multipartOf("application/octet-stream", "image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/dicom-rle", "image/jxl",
		"video/mpeg", "video/mp4", "video/h265")
	storeTypes    = append(multipartOf("application/dicom", "application/dicom+json", "application/dicom+xml"), "application/dicom")
	pictureSeries = slices.Concat(offered(multiparts(pictureTypes)), multipartOf("text/html", "text/plain", "text/xml", mediaSVG, "application/pdf"),
		[]string{"image/gif"})
	renderings = append(offered(append(slices.Clone(pictureTypes), multiparts(pictureTypes)...)), "text/html", "text/plain", "text/xml",
		mediaSVG, "application/pdf", "model/stl", "model/obj", "model/mtl", "video/mpeg", "video/mp4", "video/h265")
)

// retrieving is what all resources that are retrieved have in common.
func retrieving(accept []string, query ...string) capability {
	return capability{accept, nil, parameters(append([]string{"accept", "charset"}, query...)...), "200 206 304", "400 404 406 410 412 413 416 503"}
}

// capabilities are those of the transactions, by their routes' names or the first words of them.
var capabilities = map[string]capability{
	"store": {[]string{"application/dicom+json", "application/dicom+xml"}, storeTypes, parameters("dry-run"), "200 202", "400 406 408 409 413 415 503 507"},
	"search": {append([]string{"application/dicom+json"}, multipartOf("application/dicom+xml")...), nil, nil,
		"200 204", "400 406 413 503"},
	"retrieve":           inCharsets(retrieving(append(slices.Clone(fileTypes), "application/zip"))),
	"retrieve-instance":  inCharsets(retrieving(append(slices.Clone(fileTypes), "application/dicom", "application/zip"))),
	"metadata":           retrieving(metadataTypes, "includefield", "excludefield", "excludeprivate"),
	"frames":             retrieving(append(slices.Clone(pixelTypes), "application/octet-stream")),
	"bulkdata":           retrieving(pixelTypes),
	"bulkdata-value":     retrieving(append(slices.Clone(pixelTypes), "application/octet-stream")),
	"pixeldata":          retrieving(pixelTypes),
	"pixeldata-instance": retrieving(append(slices.Clone(pixelTypes), "application/octet-stream")),
	"rendered":           inCharsets(retrieving(pictureSeries, renderingParameters...)),
	"rendered-instance":  inCharsets(retrieving(renderings, renderingParameters...)),
	"rendered-frames":    retrieving(offered(append(slices.Clone(pictureTypes), multiparts(pictureTypes)...)), renderingParameters...),
	"thumbnail":          retrieving(offered(pictureTypes), "viewport"),
	"npi-search":         {append([]string{"application/dicom+json"}, multipartOf("application/dicom+xml")...), nil, nil, "200 204", "400 406 413 503"},
	"npi-store": {[]string{"application/dicom+json", "application/dicom+xml"}, append(slices.Clone(storeTypes), "application/dicom+json",
		"application/dicom+xml"), parameters("dry-run"), "200", "400 406 408 409 413 415 503 507"},
	"npi-retrieve": inCharsets(retrieving(slices.Concat(metadataTypes, []string{"application/dicom"}, multipartOf("application/dicom")))),
	"npi-bulkdata": retrieving(append(multipartOf("application/octet-stream"), "application/octet-stream")),
	// Extensions.
	"delete":               {success: "204", failure: "400 403 404 410 503"},
	"recycle":              {[]string{mediaJSON}, nil, parameters("limit"), "200", "400 403 404 406 503"},
	"recycle-bin-version":  {[]string{"application/dicom"}, nil, nil, "200 206", "400 403 404 406 416 503"},
	"recycle-bin-metadata": {[]string{"application/dicom+json"}, nil, nil, "200", "400 403 404 406 503"},
	"restore":              {[]string{mediaJSON}, nil, parameters("replace"), "200", "400 403 404 409 503"},
	"purge":                {[]string{mediaJSON}, nil, parameters("before"), "200", "400 403 404 503"},
	"changes":              {[]string{mediaJSON, "text/event-stream"}, nil, parameters("after", "limit", "wait"), "200", "400 406 410 503"},
	"webhooks":             {[]string{mediaJSON}, nil, nil, "200", "503"},
	"webhook-letters":      {[]string{mediaJSON}, nil, parameters("after", "limit"), "200", "400 503"},
	"webhook-test":         {success: "204", failure: "403 404 502"},
	"webhook-resend":       {success: "204", failure: "403 404 502 503"},
	"webhook-discard":      {[]string{mediaJSON}, nil, nil, "200", "403 404 503"},
	"webhook-discard-all":  {[]string{mediaJSON}, nil, nil, "200", "403 404 503"},
	"link":                 {[]string{mediaJSON}, []string{mediaJSON}, nil, "201", "400 403 404 408 410 413 415 503"},
	"links":                {[]string{mediaJSON}, nil, nil, "200", "403 406 503"},
	"link-revoke":          {nil, nil, nil, "204", "403 404 503"},
	"audit": {[]string{mediaJSON, mediaFHIR}, nil, parameters("patient", "study", "instance", "who", "client", "kind", "outcome", "failed", "since", "until",
		"before", "limit"), "200", "400 403 406 503"},
	"audit-verification": {[]string{mediaJSON}, nil, nil, "200", "403 406 503"},
	"readiness":          {[]string{mediaJSON}, nil, parameters("accept"), "200", "400 404 406 410 503"},
	"commitment-request": {keptDataSets, keptDataSets, nil, "200 202", "400 406 408 409 413 415 503"},
	"commitment-result":  {keptDataSets, nil, nil, "200 202", "400 404 406 410 503"},
	"wado": inCharsets(capability{append(offered(pictureTypes), "application/dicom", "text/html", "text/plain", "text/xml", mediaSVG, "application/pdf",
		"video/mpeg", "video/mp4", "video/h265"), nil,
		parameters("requestType", "studyUID", "seriesUID", "objectUID", "contentType", "charset", "anonymize", "transferSyntax", "annotation", "frameNumber",
			"imageQuality", "rows", "columns", "region", "windowCenter", "windowWidth", "presentationSeriesUID", "presentationUID"),
		"200 206 304", "400 404 406 410 412 416 503"}),
}

// keptDataSets are the types of a data set that the server keeps: alone, or as a part.
var keptDataSets = append([]string{"application/dicom+json", "application/dicom+xml"}, multipartOf("application/dicom+json", "application/dicom+xml")...)

// searchParameterNames are the parameters of PS3.18 Table 8.3.4-1 beside the keys.
var searchParameterNames = parameters("limit", "offset", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching")

// metadataTypes are those of lists of data sets.
var metadataTypes = append([]string{"application/dicom+json"}, multipartOf("application/dicom+xml")...)

// renderingParameters are those of PS3.18 8.3.5.1, and the extensions of this server.
var renderingParameters = []string{"annotation", "quality", "viewport", "window", "iccprofile", "voi", "overlays", "bits", "segmentation", "contours", "dose", "doserange",
	"speed", "gain", "start", "duration", "group"}

// capabilityOf returns what a route can do.
func capabilityOf(rt route) capability {
	first, _, _ := strings.Cut(rt.name, "-")
	if resource, transaction := nonPatientRoute(rt); resource != "" {
		c := capabilities["npi-"+transaction]
		if transaction == "search" {
			c.query = keyParameters(match.NonPatientKeys(resource))
		}
		return c
	}
	c, known := capabilities[rt.name]
	if !known {
		c, known = worklistCapabilities[rt.name]
	}
	if !known {
		c = capabilities[first]
	}
	if first == "search" {
		c.query = searchCapabilities(rt.name)
	}
	return c
}

// nonPatientRoute returns the resource of instances of no patient that a route is of, and its transaction; "" for other routes, and for those
// of deletion and the recycle bin.
func nonPatientRoute(rt route) (resource, transaction string) {
	for _, resource := range dicom.NonPatientResources() {
		if rest, found := strings.CutPrefix(rt.name, resource+"-"); found {
			transaction, _, _ := strings.Cut(rest, "-")
			return resource, transaction
		}
	}
	return "", ""
}

// searchCapabilities are the keys and the other parameters of a search (PS3.18 8.3.4), as PS3.18 B.26 lists them. Every other
// attribute can be a key too.
func searchCapabilities(name string) []wadlParam {
	levels := []match.Level{match.Study}
	switch {
	case strings.HasSuffix(name, "series"):
		levels = append(levels, match.Series)
	case strings.HasSuffix(name, "instances"):
		levels = append(levels, match.Series, match.Instance)
	}
	var keys []dicom.Tag
	for _, level := range levels {
		keys = append(keys, requiredKeys[level]...)
	}
	return keyParameters(keys)
}

// keyParameters are the parameters of a search by these keys, and the others.
func keyParameters(keys []dicom.Tag) []wadlParam {
	yesNo := []wadlOption{{"true"}, {"false"}}
	query := []wadlParam{
		{Name: "limit", Style: "query", Type: "xs:int"}, {Name: "offset", Style: "query", Type: "xs:int"},
		{Name: "includefield", Style: "query", Type: "xs:string", Repeating: "true", Options: []wadlOption{{"all"}}},
		{Name: "fuzzymatching", Style: "query", Type: "xs:boolean", Options: yesNo},
		{Name: "emptyvaluematching", Style: "query", Type: "xs:boolean", Options: yesNo},
		{Name: "multiplevaluematching", Style: "query", Type: "xs:boolean", Options: yesNo},
		{Name: "orderby", Style: "query", Type: "xs:string"},
	}
	return append(query, keyNames(keys...)...)
}

// keyNames are the parameters of keys alone.
func keyNames(keys ...dicom.Tag) (query []wadlParam) {
	for _, tag := range keys {
		repeating := ""
		if tag.VR() == dicom.UI {
			repeating = "true"
		}
		for _, n := range []string{tag.Keyword(), tag.String()} {
			query = append(query, wadlParam{Name: n, Style: "query", Repeating: repeating})
		}
	}
	return query
}

// requiredKeys are the attributes of PS3.18 Table 10.6.1-5 by level.
var requiredKeys = map[match.Level][]dicom.Tag{
	match.Study: {dicom.StudyDate, dicom.StudyTime, dicom.AccessionNumber, dicom.ModalitiesInStudy, dicom.ReferringPhysicianName,
		dicom.PatientName, dicom.PatientID, dicom.StudyInstanceUID, dicom.StudyID},
	match.Series: {dicom.Modality, dicom.SeriesInstanceUID, dicom.SeriesNumber, dicom.PerformedProcedureStepStartDate,
		dicom.PerformedProcedureStepStartTime, dicom.RequestAttributesSequence},
	match.Instance: {dicom.SOPClassUID, dicom.SOPInstanceUID, dicom.InstanceNumber},
}
