package dicomweb

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// metadataOffers are the representations of metadata (PS3.18 Table 10.4.4-1), the default first.
var metadataOffers = append(dicomJSON[:len(dicomJSON):len(dicomJSON)], offer{multipart: true, mediaType: mediaXML})

// mediaXML is the media type of the Native DICOM Model (PS3.18 8.7.3.2).
const mediaXML = "application/dicom+xml"

// retrieveMetadata retrieves the data sets of the instances of a study or series, or of one instance, without bulk data (PS3.18
// 10.4.1.1.2): one array of DICOM JSON, or a part of XML for each, written as the index yields them. The JSON was made at ingest; only
// the BulkDataURIs, which depend on where the client believes the server to be, are completed on the way. Compressed answers are kept.
func (s *Server) retrieveMetadata(w http.ResponseWriter, r *http.Request) error {
	// Request
	m, err := s.metadataRequestOf(r)
	if err != nil {
		return err
	}
	// Behavior, Response
	return s.sendMetadata(w, r, m)
}

// sendMetadata sends the metadata that is asked for, or 304 where the client has it.
func (s *Server) sendMetadata(w http.ResponseWriter, r *http.Request, m *metadataRequest) error {
	err := s.sendTagged(w, r, m)
	if errors.Is(err, errChanged) && !exchangeOf(r).began() {
		return s.sendUntagged(w, r, m)
	}
	return err
}

// sendTagged sends metadata that is exactly what its entity tag names.
func (s *Server) sendTagged(w http.ResponseWriter, r *http.Request, m *metadataRequest) error {
	state, err := s.stateOf(r.Context(), m.out.ref)
	if err != nil {
		return err
	}
	name := m.name(state)
	i := m.ready(s.metadata, name.key)
	if m.location != "" {
		w.Header()["Content-Location"] = []string{m.location}
	}
	if done, err := answered(w, r, name.etags[i], state.modified, byCoding); done {
		return err
	}
	out, chosen, coding, key := m.out, m.chosen, m.codings[i], name.key
	write := out.json
	w.Header().Set("Content-Type", chosen.mediaType)
	if chosen.multipart {
		out.boundary = boundaryOf(key)
		w.Header().Set("Content-Type", multipartType(mediaXML, out.boundary))
		write = out.xml
	}
	if r.Method == http.MethodHead {
		s.metadata.describe(w, coding, key)
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return s.metadata.send(r.Context(), w, coding, key, func(w io.Writer) error {
		listed := func() (string, error) { return s.listed(r.Context(), out.ref) }
		return write(w, asNamed(state.digest, listed, s.store.MetadataTaking(r.Context(), out.ref, out.cost())))
	})
}

// errChanged is the error of metadata that is not that of the instances of its entity tag: some came or went since they were named. A client
// that kept it under that tag would take it for current again when what came has been deleted.
var errChanged error = &problem{status: http.StatusServiceUnavailable, detail: "what is asked for has changed while it was read", retryAfter: time.Second}

// asNamed passes the metadata of the instances of a digest on, and ends with errChanged if it is another's. It looks before the first
// instance, when the index has listed all of them, and once more at the end: then nothing but to abort may be left.
func asNamed(named string, listed func() (string, error), all iter.Seq2[store.Metadata, error]) iter.Seq2[store.Metadata, error] {
	return func(yield func(store.Metadata, error) bool) {
		digest := ""
		for one, err := range all {
			if err == nil && digest == "" {
				if now, failed := listed(); failed != nil || now != named {
					err = errChanged
				}
			}
			digest = digestWith(digest, one.Blob)
			if !yield(one, err) || err != nil {
				return
			}
		}
		if digest != named {
			yield(store.Metadata{}, errChanged)
		}
	}
}

// listed is the digest of what the index has below ref. It is not that of a state that is known: a commit is seen in the index before the
// generation tells of it, and the listing whose first instance has come may have seen it.
func (s *Server) listed(ctx context.Context, ref dicom.Ref) (digest string, err error) {
	for e, err := range s.store.Entries(ctx, ref) {
		if err != nil {
			return "", err
		}
		digest = digestWith(digest, e.Blob)
	}
	return digest, nil
}

// sendUntagged sends the metadata that there is, without validators: more comes or goes than can be named.
func (s *Server) sendUntagged(w http.ResponseWriter, r *http.Request, m *metadataRequest) error {
	h := w.Header()
	h.Del("ETag")
	h.Del("Last-Modified")
	h.Set("Cache-Control", "no-store")
	out := m.out
	write := out.json
	if m.chosen.multipart {
		out.boundary = parseMediaType(h.Get("Content-Type")).params["boundary"]
		write = out.xml
	}
	return writeCoded(w, h.Get("Content-Encoding"), func(w io.Writer) error {
		return write(w, s.store.MetadataTaking(r.Context(), out.ref, out.cost()))
	})
}

// What metadata takes in memory, in lengths of its DICOM JSON, measured with 300,000 elements that are short, are texts, or have items.
const (
	sentCost     = 1 // as XML, too
	filteredCost = 2
)

// cost is that of an instance while it is written.
func (m metadataWriter) cost() int64 {
	if m.filter.empty() {
		return sentCost
	}
	return filteredCost
}

// metadataWriter writes what lies below ref.
type metadataWriter struct {
	ref      dicom.Ref
	base     string
	boundary string
	filter   metadataFilter
}

// key names a body.
func (m metadataWriter) key(chosen offer, st state) string {
	return entityTag("metadata", chosen.String(), m.base, m.ref.Path(), m.filter.text, st.digest)
}

// metadataBuffer is how much metadata is written at once. What fails before is still a status.
const metadataBuffer = 64 << 10

// json writes one array (PS3.18 F.2.1).
func (m metadataWriter) json(w io.Writer, all iter.Seq2[store.Metadata, error]) error {
	b := bufio.NewWriterSize(w, metadataBuffer)
	separator := byte('[')
	for one, err := range all {
		if err == nil {
			one.JSON, err = m.filter.json(one)
		}
		if err != nil {
			return err
		}
		b.WriteByte(separator) // bufio keeps its first error for Flush
		if err := writeBulkdataURIs(b, one, m.base); err != nil {
			return err
		}
		separator = ','
	}
	if separator == '[' {
		return notFound("nothing is stored under %s", m.ref.Path())
	}
	b.WriteByte(']')
	return b.Flush()
}

// xml writes a part for each instance (PS3.18 8.7.3.2).
func (m metadataWriter) xml(w io.Writer, all iter.Seq2[store.Metadata, error]) error {
	b := bufio.NewWriterSize(w, metadataBuffer)
	parts := multipartWriter{w: b, boundary: m.boundary, first: true}
	for one, err := range all {
		if err != nil {
			return err
		}
		if err := m.part(&parts, b, one); err != nil {
			return err
		}
	}
	if parts.first {
		return notFound("nothing is stored under %s", m.ref.Path())
	}
	if err := parts.end(); err != nil {
		return err
	}
	return b.Flush()
}

// metadataLocation is where metadata is retrieved. That of an instance of no patient is a representation of the instance itself (PS3.18 12.4).
func metadataLocation(base string, ref dicom.Ref) string {
	if ref.Resource != "" {
		return base + ref.Path()
	}
	return base + ref.Path() + "/metadata"
}

// part writes the part of one instance. Its length stands before it: one that is long is written twice, first to nowhere.
func (m metadataWriter) part(parts *multipartWriter, w io.Writer, one store.Metadata) error {
	text, err := m.filter.json(one)
	if err != nil {
		return err
	}
	document := func(w io.Writer) error {
		err := dicom.WriteXML(w, text, func(uri string) string {
			if path, relative := strings.CutPrefix(uri, "bulkdata/"); relative {
				return bulkdataURI(m.base, one.Ref, path)
			}
			return uri
		})
		if err != nil {
			return fmt.Errorf("metadata of instance %s: %w", one.Ref.Instance, err)
		}
		return nil
	}
	var first measured
	if err := document(&first); err != nil {
		return err
	}
	if err := parts.begin(partHeader{contentType: mediaXML, location: metadataLocation(m.base, one.Ref), length: first.length}); err != nil {
		return err
	}
	if first.length > measuredKept {
		return document(w)
	}
	_, err = w.Write(first.kept)
	return err
}

// measured counts what is written, and keeps it if it is short.
type measured struct {
	kept   []byte
	length int64
}

const measuredKept = 1 << 20

func (m *measured) Write(p []byte) (int, error) {
	if m.length += int64(len(p)); m.length <= measuredKept {
		m.kept = append(m.kept, p...)
	}
	return len(p), nil
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
