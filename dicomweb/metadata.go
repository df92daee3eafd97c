package dicomweb

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// retrieveMetadata retrieves the data sets of the instances of a study or series, or of one instance, without bulk data (PS3.18
// 10.4.1.1.2), as DICOM JSON: one array, written as the index yields it. The JSON was made at ingest; only the BulkDataURIs, which
// depend on where the client believes the server to be, are completed on the way.
func (s *Server) retrieveMetadata(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(dicomJSON...)
	if err != nil {
		return err
	}
	zipped := acceptsGzip(r.Header.Values("Accept-Encoding"))
	// Behavior
	entries, err := s.entries(r.Context(), ref)
	if err != nil {
		return err
	}
	// Response
	base := s.baseURL(r)
	etag := entityTag("metadata", chosen.mediaType, strconv.FormatBool(zipped), base, digest(entries...))
	validators(w, etag, newest(entries))
	w.Header().Add("Vary", "Accept-Encoding")
	if notModified(w, r, etag) {
		return nil
	}
	w.Header().Set("Content-Type", chosen.mediaType)
	if !zipped {
		return s.writeMetadata(r.Context(), w, ref, base)
	}
	w.Header().Set("Content-Encoding", "gzip")
	gz := gzip.NewWriter(w)
	if err := s.writeMetadata(r.Context(), gz, ref, base); err != nil {
		return err
	}
	return gz.Close()
}

// metadataBuffer is how much metadata is written at once. What fails before is still a status.
const metadataBuffer = 64 << 10

// writeMetadata writes the array of what lies below ref.
func (s *Server) writeMetadata(ctx context.Context, w io.Writer, ref dicom.Ref, base string) error {
	b := bufio.NewWriterSize(w, metadataBuffer)
	separator := byte('[')
	for m, err := range s.store.Metadata(ctx, ref) {
		if err != nil {
			return err
		}
		b.WriteByte(separator) // bufio keeps its first error for Flush
		if err := writeBulkdataURIs(b, m, base); err != nil {
			return err
		}
		separator = ','
	}
	if separator == '[' {
		return notFound("nothing is stored under %s", ref.Path())
	}
	b.WriteByte(']')
	return b.Flush()
}

// relativeURI is how a BulkDataURI begins in the JSON of an index. It cannot occur in a text, where quotes have a backslash.
var relativeURI = []byte(`"BulkDataURI":"bulkdata/`)

// writeBulkdataURIs writes the JSON of an instance with its BulkDataURIs made absolute, the one form that every client
// understands (PS3.18 F.2.6).
func writeBulkdataURIs(w *bufio.Writer, m store.Metadata, base string) error {
	const before = len(`"BulkDataURI":"`)
	rest := m.JSON
	for {
		i := bytes.Index(rest, relativeURI)
		if i < 0 {
			_, err := w.Write(rest)
			return err
		}
		w.Write(rest[:i+before])
		w.WriteString(base)
		w.WriteString(m.Ref.Path())
		w.WriteByte('/')
		rest = rest[i+before:]
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3).
func acceptsGzip(headers []string) bool {
	accepted := false
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		m := parseMediaType(element)
		if m.name != "gzip" && m.name != "x-gzip" && m.name != "*" {
			continue
		}
		yes := parseWeight(m.params["q"]) > 0
		if m.name != "*" {
			return yes
		}
		accepted = yes
	}
	return accepted
}
