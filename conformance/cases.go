package conformance

// of makes cases of one service.
func of(s Service, cases ...Case) []Case {
	for i := range cases {
		cases[i].Service = s
		cases[i].ID = string(s) + "." + cases[i].ID
	}
	return cases
}

// reads makes a case that changes nothing.
func reads(id, clause string, level Level, gist string, run func(*T)) Case {
	return Case{ID: id, Clause: clause, Level: level, Gist: gist, run: run}
}

// writes makes a case that stores or changes something.
func writes(id, clause string, level Level, gist string, run func(*T)) Case {
	return Case{ID: id, Clause: clause, Level: level, Gist: gist, Writes: true, run: run}
}

// Media types of the standard.
const (
	dicomJSON   = "application/dicom+json"
	dicomXML    = "application/dicom+xml"
	dicomFile   = "application/dicom"
	octetStream = "application/octet-stream"

	acceptJSON      = "Accept: " + dicomJSON
	acceptXMLs      = `Accept: multipart/related; type="application/dicom+xml"`
	acceptFiles     = `Accept: multipart/related; type="application/dicom"; transfer-syntax=*`
	acceptDefault   = `Accept: multipart/related; type="application/dicom"`
	acceptBytes     = `Accept: multipart/related; type="application/octet-stream"`
	acceptBytesAny  = `Accept: multipart/related; type="application/octet-stream"; transfer-syntax=*`
	unknownUID      = "2.25.340282366920938463463374607431768211455"
	contentTypeJSON = "Content-Type: " + dicomJSON
)
