package dicomweb

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"strconv"
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
	length() int // in memory, so far
	end() (mediaType string, body answer)
}

func newResultWriter(o offer) resultWriter {
	if !o.multipart {
		return &jsonResults{mediaType: o.mediaType}
	}
	// Data sets may hold any text, so nobody may know the boundary beforehand.
	x := &partResults{contentType: o.contentType(), boundary: "noctis-" + rand.Text(), xml: !strings.HasSuffix(o.mediaType, "json")}
	x.parts = multipartWriter{w: &x.body, boundary: x.boundary, first: true}
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

func (j *jsonResults) end() (string, answer) { return j.mediaType, answer{short: append(j.body, ']')} }

// partResults is a multipart message with a part per result (PS3.18 8.7.3.2).
type partResults struct {
	xml         bool // or JSON
	contentType string
	boundary    string
	parts       multipartWriter
	text        []byte       // of a result, in DICOM JSON
	body        bytes.Buffer // but for what is in long
	long        []longDocument
	longTexts   int // how long they are
}

func (x *partResults) add(ds *dicom.DataSet) (err error) {
	if x.text, err = ds.AppendJSON(x.text[:0]); err != nil {
		return err
	}
	document := measured{kept: x.text, length: int64(len(x.text))}
	if x.xml {
		document = measured{}
		if err := writeXML(&document, x.text); err != nil {
			return err
		}
	}
	if err := x.parts.begin(partHeader{contentType: x.contentType, length: document.length}); err != nil {
		return err
	}
	if x.xml && document.length > measuredKept {
		x.long = append(x.long, longDocument{at: x.body.Len(), text: x.text, length: document.length})
		x.longTexts += len(x.text)
		x.text = nil
		return nil
	}
	x.body.Write(document.kept) // a buffer takes everything
	return nil
}

func (x *partResults) length() int { return x.body.Len() + x.longTexts }

func (x *partResults) end() (string, answer) {
	x.body.WriteString(x.parts.tail())
	return multipartType(x.contentType, x.boundary), answer{x.body.Bytes(), x.long}
}

// answer is a body in memory. Documents of long results are not: they are made of their texts when it is sent, for as XML they are two or three
// times as long.
type answer struct {
	short []byte // all of it but these
	long  []longDocument
}

// longDocument is an XML document between two bytes of an answer.
type longDocument struct {
	at     int    // how much is before it
	text   []byte // in DICOM JSON
	length int64  // in XML
}

func writeXML(w io.Writer, text []byte) error {
	return dicom.WriteXML(w, text, func(uri string) string { return uri })
}

func (a answer) write(w io.Writer) error {
	at := 0
	for _, d := range a.long {
		if _, err := w.Write(a.short[at:d.at]); err != nil {
			return err
		}
		if err := writeXML(w, d.text); err != nil {
			return err
		}
		at = d.at
	}
	_, err := w.Write(a.short[at:])
	return err
}

// respond sends the answer, compressed where the client takes that.
func (a answer) respond(w http.ResponseWriter, r *http.Request, status int, mediaType string) error {
	if len(a.long) == 0 {
		return respond(w, r, status, mediaType, a.short)
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Add("Vary", "Accept, Accept-Encoding")
	coding := contentCoding(r.Header.Values("Accept-Encoding"))
	if coding != "" {
		h.Set("Content-Encoding", coding)
	} else {
		length := int64(len(a.short))
		for _, d := range a.long {
			length += d.length
		}
		h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	w.WriteHeader(status)
	return writeCoded(w, coding, a.write)
}
