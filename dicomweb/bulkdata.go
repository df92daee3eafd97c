package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
)

// retrieveBulkdata retrieves one value of an instance by the BulkDataURI that its metadata has (PS3.18 10.4.1.1.5): as a single
// part by default, for that is what viewers read, or as the one part of multipart/related. Encapsulated pixel data comes as
// frames, a video as one value, an encapsulated document under its own media type.
func (s *Server) retrieveBulkdata(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	path, err := pathVar(r, "path")
	if err != nil {
		return err
	}
	// Behavior
	e, err := s.entry(r.Context(), ref)
	if err != nil {
		return err
	}
	return s.sendBulkdata(w, r, e, path)
}

// retrieveAllBulkdata retrieves all bulk data of a study, series or instance, pixel data frame by frame (PS3.18 10.4.1.1.5).
func (s *Server) retrieveAllBulkdata(w http.ResponseWriter, r *http.Request) error {
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	entries, err := s.entries(r.Context(), ref)
	if err != nil {
		return err
	}
	return s.sendBulkdataOf(w, r, entries, acceptOf(r), false)
}

// retrievePixelData retrieves the pixel data of a study, series or instance (PS3.18 10.4.1.1.6): that of the top level, never an
// icon's. That of one instance can be had as a single part.
func (s *Server) retrievePixelData(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	// Behavior
	entries, err := s.entries(r.Context(), ref)
	if err != nil {
		return err
	}
	// Response
	if ref.Instance == "" {
		return s.sendBulkdataOf(w, r, entries, acceptOf(r), true)
	}
	e, err := s.entry(r.Context(), ref)
	if err != nil {
		return err
	}
	if e.Layout.Pixel == nil {
		return notFound("instance %s has no pixel data", ref.Instance)
	}
	return s.sendBulkdata(w, r, e, e.Layout.Pixel.Tag.String())
}

// sendBulkdata sends the value at a path of an instance.
func (s *Server) sendBulkdata(w http.ResponseWriter, r *http.Request, e *store.Entry, path string) error {
	switch p := e.Layout.Pixel; {
	case p != nil && p.Tag.String() == path && isVideo(e.TransferSyntax):
		return s.sendVideo(w, r, e)
	case p != nil && p.Tag.String() == path && p.Encapsulated:
		return s.sendPixelData(w, r, e)
	}
	offers := []offer{{mediaType: mediaOctets}}
	if path == dicom.EncapsulatedDocument.String() {
		ds, err := s.dataSet(r.Context(), e)
		if err != nil {
			return err
		}
		if document := documentType(ds); document != "" {
			offers = append([]offer{{mediaType: document}}, offers...)
		}
	}
	chosen, err := acceptOf(r).choose(append(offers, multiparts(offers)...)...)
	if p := e.Layout.Pixel; err != nil && p != nil && p.Tag.String() == path {
		return s.sendPixelData(w, r, e) // frame by frame: it is wanted encoded
	}
	if err != nil {
		return err
	}
	// Response
	return s.sendValue(w, r, e, path, chosen)
}

// sendValue sends one bulk value.
func (s *Server) sendValue(w http.ResponseWriter, r *http.Request, e *store.Entry, path string, chosen offer) error {
	base := s.baseURL(r)
	etag := entityTag("bulkdata", chosen.String(), base, digest(e), path)
	location := bulkdataURI(base, e.Ref, path)
	if !chosen.multipart {
		w.Header().Set("Content-Location", location)
	}
	if done, err := answered(w, r, etag, e.Stored, byAccept); done {
		return err
	}
	in, err := s.open(r.Context(), e)
	if err != nil {
		return err
	}
	defer in.Close()
	value, err := s.bulkValue(r.Context(), in, path)
	if err != nil {
		return err
	}
	contentType := chosen.contentType()
	if chosen.mediaType == mediaOctets && path != dicom.EncapsulatedDocument.String() {
		contentType = octetsInOrder
	}
	p := part{
		partHeader: partHeader{contentType: contentType, location: location, length: value.Size()},
		open:       func(context.Context) (content, error) { return content{SectionReader: value}, nil },
	}
	if chosen.multipart {
		return sendParts(w, r, http.StatusOK, chosen.mediaType, etag, []part{p})
	}
	guardDocument(w.Header(), chosen.mediaType)
	return sendSingle(w, r, e, p)
}

// bulkValue is a value by its path: one that lies in the file, or one that is so short that the metadata has it whole.
func (s *Server) bulkValue(ctx context.Context, in *store.Instance, path string) (*io.SectionReader, error) {
	value, _, err := in.Bulk(path)
	if !errors.Is(err, store.ErrNotFound) {
		return value, err
	}
	tag, parseErr := dicom.ParseTag(path)
	if parseErr != nil {
		return nil, err
	}
	ds, dsErr := s.dataSet(ctx, in.Entry)
	if dsErr != nil {
		return nil, dsErr
	}
	e, _ := ds.Get(tag)
	short, ok := e.Value.(dicom.Bytes)
	if !ok {
		return nil, err
	}
	return contentOf(short).SectionReader, nil
}

// sendPixelData sends all frames of pixel data that is encapsulated, or to be encoded.
func (s *Server) sendPixelData(w http.ResponseWriter, r *http.Request, e *store.Entry) error {
	numbers := make([]int, e.Layout.Pixel.NumberOfFrames)
	for i := range numbers {
		numbers[i] = i + 1
	}
	if len(numbers) == 0 {
		return notFound("instance %s has no frames", e.Ref.Instance)
	}
	offered := pixelOffers(e.TransferSyntax)
	offers := offered.parts
	if len(numbers) == 1 {
		offers = slices.Concat(offered.whole, offered.parts)
	}
	chosen, err := s.choosePixels(r.Context(), acceptOf(r), e, offers)
	if err != nil {
		return err
	}
	return s.sendFrames(w, r, e, numbers, chosen)
}

// sendBulkdataOf sends the bulk data of instances as one multipart response: what application/octet-stream means on an instance
// resource (PS3.18 Table 10.4.4-1, note 2). Pixel data comes last of an instance, frame by frame, in the representation that the
// client accepts; with pixelsOnly nothing else comes.
func (s *Server) sendBulkdataOf(w http.ResponseWriter, r *http.Request, entries []*store.Entry, accepted acceptance,
	pixelsOnly bool) error {
	base := s.baseURL(r)
	var parts []part
	described := []string{"bulkdata-of", base, strconv.FormatBool(pixelsOnly), digest(entries...)}
	for _, slim := range entries {
		e, err := s.whole(r.Context(), slim)
		if err != nil {
			return err
		}
		for _, v := range e.Layout.Bulk {
			if !pixelsOnly && (e.Layout.Pixel == nil || v.Path != e.Layout.Pixel.Tag.String()) {
				parts = append(parts, s.valuePart(base, e, v))
			}
		}
		if e.Layout.Pixel == nil {
			continue
		}
		chosen, err := s.choosePixels(r.Context(), accepted, e, pixelOffers(e.TransferSyntax).parts)
		if err != nil {
			return err
		}
		chosen = storedAs(chosen)
		described = append(described, chosen.String())
		for n := range e.Layout.Pixel.NumberOfFrames {
			parts = append(parts, s.lateFramePart(base, e, n+1, chosen))
		}
	}
	if len(parts) == 0 {
		return notFound("there is no bulk data in what was asked for")
	}
	etag := entityTag(described...)
	if done, err := answered(w, r, etag, newest(entries), byAccept); done {
		return err
	}
	if err := s.checkOpenable(r.Context(), entries); err != nil {
		return err
	}
	rootType, _, _ := strings.Cut(parts[0].contentType, ";")
	return sendParts(w, r, http.StatusOK, rootType, etag, parts)
}

// octetsInOrder is the Content-Type of bulk values: they are sent in little endian, however they are stored (PS3.18 8.7.3.3.1).
const octetsInOrder = mediaOctets + "; transfer-syntax=" + string(dicom.ExplicitVRLittleEndian)

// valuePart is a bulk value as a part that opens its instance when its turn comes.
func (s *Server) valuePart(base string, e *store.Entry, v part10.BulkValue) part {
	return part{
		partHeader: partHeader{contentType: octetsInOrder, location: bulkdataURI(base, e.Ref, v.Path), length: -1},
		open: func(ctx context.Context) (content, error) {
			in, err := s.open(ctx, e)
			if err != nil {
				return content{}, err
			}
			value, _, err := in.Bulk(v.Path)
			return closing(in, content{SectionReader: value}, err)
		},
	}
}

// lateFramePart is a frame as a part that opens its instance when its turn comes.
func (s *Server) lateFramePart(base string, e *store.Entry, n int, chosen offer) part {
	return part{
		partHeader: partHeader{
			contentType: chosen.contentType(), location: base + e.Ref.Path() + "/frames/" + strconv.Itoa(n), length: -1,
		},
		open: func(ctx context.Context) (content, error) {
			in, err := s.open(ctx, e)
			if err != nil {
				return content{}, err
			}
			p, err := s.framePart(in, n, chosen)
			if err != nil {
				return closing(in, content{}, err)
			}
			body, err := p.open(ctx)
			return closing(in, body, err)
		},
	}
}

// closing closes c with the content, or at once where there is an error.
func closing(c io.Closer, body content, err error) (content, error) {
	if err != nil {
		c.Close() // the first error is the one that counts
		return content{}, err
	}
	body.close = c.Close
	return body, nil
}

// sendVideo sends the stream of a video, whole or in ranges: players seek (PS3.18 8.7.3.3.2).
func (s *Server) sendVideo(w http.ResponseWriter, r *http.Request, e *store.Entry) error {
	ts, _ := dicom.TransferSyntaxOf(e.TransferSyntax)
	offers := []offer{
		{mediaType: compressedType(ts), transferSyntax: e.TransferSyntax, preset: true},
		{mediaType: mediaOctets, transferSyntax: e.TransferSyntax},
	}
	chosen, err := acceptOf(r).choose(append(offers, multiparts(offers)...)...)
	if err != nil {
		return because(err, fmt.Sprintf("instance %s is a video, and no pictures are made of it", e.Ref.Instance))
	}
	return s.sendFrames(w, r, e, []int{1}, chosen)
}

// isVideo reports whether pixel data in the transfer syntax is one stream of all frames.
func isVideo(uid dicom.UID) bool {
	ts, _ := dicom.TransferSyntaxOf(uid)
	return strings.HasPrefix(ts.MediaType, "video/")
}

// bulkdataURI is the absolute BulkDataURI of a value; metadata.go writes the same.
func bulkdataURI(base string, ref dicom.Ref, path string) string {
	return base + ref.Path() + "/bulkdata/" + path
}

// documentTypes are the media types under which encapsulated documents are sent (PS3.3 A.45, A.85): what is not here goes as
// bytes, so that nobody can have a browser run what was stored.
var documentTypes = []string{"application/pdf", "text/xml", "model/stl", "model/obj", "model/mtl", "application/sla"}

// documentType is the media type of an encapsulated document, MIME Type of Encapsulated Document (0042,0012): that of any bytes
// where it is none that we send, "" where the instance is no document.
func documentType(ds *dicom.DataSet) string {
	if !ds.Has(dicom.EncapsulatedDocument) {
		return ""
	}
	name := parseMediaType(ds.String(dicom.MIMETypeOfEncapsulatedDocument)).name
	if !slices.Contains(documentTypes, name) {
		return mediaOctets
	}
	return name
}

// guardDocument keeps browsers from treating a stored document as a page of this server: only a PDF is shown in place.
func guardDocument(h http.Header, mediaType string) {
	if mediaType == "application/pdf" {
		h.Set("Content-Disposition", "inline")
		return // a policy would stop the browser's own viewer
	}
	h.Set("Content-Disposition", "attachment")
	h.Set("Content-Security-Policy", "default-src 'none'")
}
