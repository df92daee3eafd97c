package dicomweb

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// searchResults is how the results of a search are offered (PS3.18 Table 10.6.4-1), the default first.
var searchResults = append(dicomJSON[:len(dicomJSON):len(dicomJSON)], offer{multipart: true, mediaType: "application/dicom+xml"})

// multipartOffers are a part per data set (PS3.18 8.7.3.2).
var multipartOffers = []offer{{multipart: true, mediaType: "application/dicom+json"}, {multipart: true, mediaType: "application/dicom+xml"}}

// resultWriter collects the payload of a search.
type resultWriter interface {
	add(ds *dicom.DataSet) error
	length() int // so far
	end() (mediaType string, body []byte)
}

func newResultWriter(o offer) resultWriter {
	if !o.multipart {
		return &jsonResults{mediaType: o.mediaType}
	}
	// Data sets may hold any text, so nobody may know the boundary beforehand.
	x := &partResults{contentType: o.contentType(), boundary: "noctis-" + rand.Text(), appendTo: (*dicom.DataSet).AppendXML}
	if strings.HasSuffix(o.mediaType, "json") {
		x.appendTo = (*dicom.DataSet).AppendJSON
	}
	x.parts = multipartWriter{w: &x.header, boundary: x.boundary, first: true}
	return x
}

// jsonResults is one array of all results (PS3.18 F.2.1).
type jsonResults struct {
	mediaType string
	body      []byte
}

func (j *jsonResults) add(ds *dicom.DataSet) (err error) {
	separator := byte('[')
	if len(j.body) > 0 {
		separator = ','
	}
	j.body, err = ds.AppendJSON(append(j.body, separator))
	return err
}

func (j *jsonResults) length() int { return len(j.body) }

func (j *jsonResults) end() (string, []byte) { return j.mediaType, append(j.body, ']') }

// partResults is a multipart message with a part per result (PS3.18 8.7.3.2).
type partResults struct {
	appendTo    func(*dicom.DataSet, []byte) ([]byte, error) // writes one
	contentType string
	boundary    string
	body        []byte
	parts       multipartWriter
	header      bytes.Buffer // of one part
}

// add appends a document, and puts the header, which has its length, before it: the document may be long, and is not copied.
func (x *partResults) add(ds *dicom.DataSet) (err error) {
	begun := len(x.body)
	if x.body, err = x.appendTo(ds, x.body); err != nil {
		return err
	}
	x.header.Reset()
	if err := x.parts.begin(partHeader{contentType: x.contentType, length: int64(len(x.body) - begun)}); err != nil {
		return err
	}
	x.body = slices.Insert(x.body, begun, x.header.Bytes()...)
	return nil
}

func (x *partResults) length() int { return len(x.body) }

func (x *partResults) end() (string, []byte) {
	return multipartType(x.contentType, x.boundary), append(x.body, x.parts.tail()...)
}
