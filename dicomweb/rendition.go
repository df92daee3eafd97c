package dicomweb

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// rendition is what an instance that is no image is rendered as (PS3.18 Table 8.7.4-1): text of a report, a drawing, or what it
// encapsulates as it is. None has a transfer syntax parameter (PS3.18 8.7.4).
type rendition struct {
	offers []offer // the default first
	text   bool    // it is text that is made here, in UTF-8 if nobody asks for another character set
	fixed  bool    // it is sent as it is stored: nothing can be burned in
	// make prepares it for the parameters of a request. base is the address of the service.
	make func(o rendering, base, mediaType string) (made, error)
	// guard sets headers that keep browsers from trusting it; nil: it needs none.
	guard func(h http.Header, mediaType string)
}

// made is a rendition that can be opened.
type made struct {
	tag  string // what it depends on beside the instance and the media type
	open func(ctx context.Context) (content, error)
}

// renditionOf is the rendition of an instance, nil if it is an image, or nothing that can be shown.
func (s *Server) renditionOf(ctx context.Context, e *store.Entry) (*rendition, error) {
	if p := e.Layout.Pixel; p != nil {
		if isVideo(e.TransferSyntax) {
			return s.videoRendition(e), nil
		}
		return nil, nil // and nothing needs to be read to know that
	}
	ds, err := s.dataSet(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, of := range []func(*store.Entry, *dicom.DataSet) *rendition{s.documentRendition, s.waveformRendition, reportRendition} {
		if own := of(e, ds); own != nil {
			return own, nil
		}
	}
	return nil, nil
}

// sendRendition sends the rendition of an instance as the whole body, of which ranges can be asked for, or as the one part of
// multipart/related.
func (s *Server) sendRendition(w http.ResponseWriter, r *http.Request, e *store.Entry, own *rendition, q url.Values) error {
	chosen, err := acceptOf(r).choose(slices.Concat(own.offers, multiparts(own.offers))...)
	if err != nil {
		if isVideo(e.TransferSyntax) {
			err = because(err, fmt.Sprintf("instance %s is a video, and no pictures are made of it", e.Ref.Instance))
		}
		return err
	}
	o, err := parseRendering(q, chosen.mediaType)
	if err != nil {
		return err
	}
	return s.sendChosenRendition(w, r, e, own, chosen, o)
}

// sendChosenRendition sends the representation that was chosen.
func (s *Server) sendChosenRendition(w http.ResponseWriter, r *http.Request, e *store.Entry, own *rendition, chosen offer, o rendering) error {
	base := s.baseURL(r)
	m, err := own.make(o, base, chosen.mediaType)
	if err != nil {
		return err
	}
	if own.fixed {
		o.refuseAnnotation()
	}
	m, chosen = own.settleCharset(m, e, chosen)
	etag := entityTag("rendition", chosen.String(), base, digest(e), m.tag+chosen.charsetTag())
	for _, text := range o.Warnings {
		warn(w.Header(), base, text)
	}
	if done, err := answered(w, r, etag, e.Stored, byCharset); done {
		return err
	}
	p := m.part(base, e, chosen)
	if chosen.multipart {
		return sendParts(w, r, http.StatusOK, chosen.mediaType, etag, []part{p})
	}
	if own.guard != nil {
		own.guard(w.Header(), chosen.mediaType)
	}
	return sendSingle(w, r, e, p)
}

// settleCharset has text in the character set that was chosen; what is stored stays as it is.
func (own *rendition) settleCharset(m made, e *store.Entry, chosen offer) (made, offer) {
	if !own.text {
		chosen.charset = nil
	}
	if chosen.charset != nil {
		m = m.inCharset(e, chosen.charset)
	}
	return m, chosen
}

// part is the rendition as a part of a response.
func (m made) part(base string, e *store.Entry, chosen offer) part {
	p := part{partHeader: partHeader{contentType: chosen.contentType(), location: base + e.Ref.Path(), length: -1}, open: m.open}
	if chosen.charset == nil && (chosen.mediaType == "text/html" || chosen.mediaType == "text/plain") {
		p.contentType += "; charset=utf-8"
	}
	return p
}

// videoRendition is the stream of a video as it is stored: players seek in it by ranges (PS3.18 8.7.3.3.2).
func (s *Server) videoRendition(e *store.Entry) *rendition {
	ts, _ := dicom.TransferSyntaxOf(e.TransferSyntax)
	return &rendition{
		offers: []offer{{mediaType: compressedType(ts)}},
		fixed:  true,
		make: func(rendering, string, string) (made, error) {
			return s.stored(e, func(_ context.Context, in *store.Instance) (*io.SectionReader, error) { return in.Frame(1) }), nil
		},
	}
}

// documentRendition is an encapsulated document under its own media type.
func (s *Server) documentRendition(e *store.Entry, ds *dicom.DataSet) *rendition {
	mediaType := documentType(ds)
	if mediaType == "" {
		return nil
	}
	return &rendition{
		offers: []offer{{mediaType: mediaType}},
		fixed:  true,
		guard:  guardDocument,
		make: func(rendering, string, string) (made, error) {
			return s.stored(e, func(ctx context.Context, in *store.Instance) (*io.SectionReader, error) {
				value, err := s.bulkValue(ctx, in, dicom.EncapsulatedDocument.String())
				if err != nil {
					return nil, err
				}
				return unpadded(value, ds, mediaType)
			}), nil
		},
	}
}

// unpadded is an encapsulated document without the byte that made its length even: Encapsulated Document Length says where it ends;
// where that is absent, a zero byte at the end of XML is none of the document's, for XML has no such character (PS3.3 C.24.2).
func unpadded(value *io.SectionReader, ds *dicom.DataSet, mediaType string) (*io.SectionReader, error) {
	size := value.Size()
	e, _ := ds.Get(dicom.EncapsulatedDocumentLength)
	length, _ := e.Value.(dicom.Ints)
	var last [1]byte
	switch {
	case len(length) == 1 && length[0] == size-1:
		size--
	case mediaType == "text/xml" && size > 0:
		if _, err := value.ReadAt(last[:], size-1); err != nil && err != io.EOF {
			return nil, err
		}
		if last[0] == 0 {
			size--
		}
	}
	return io.NewSectionReader(value, 0, size), nil
}

// stored is a rendition of bytes that lie in the file.
func (s *Server) stored(e *store.Entry, find func(context.Context, *store.Instance) (*io.SectionReader, error)) made {
	return made{open: func(ctx context.Context) (content, error) {
		in, err := s.open(ctx, e)
		if err != nil {
			return content{}, err
		}
		value, err := find(ctx, in)
		return closing(in, content{SectionReader: value}, err)
	}}
}
