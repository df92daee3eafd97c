package dicomweb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
)

// assembly makes a PS3.10 file of a data set and the parts that it refers to.
type assembly struct {
	parts  *composite
	ds     *dicom.DataSet
	frames []part10.Source // encapsulated pixel data
	pixels []extent        // native pixel data, one behind the other
	write  part10.WriteOptions
}

// assemble makes an upload of a data set: from there on the instance goes the way of all others. The same metadata and bulk data
// give the same file, so that a client may send them again. A *store.Failure says what is wrong with the instance.
func (s *Server) assemble(c *composite, ds *dicom.DataSet) (*upload, error) {
	a := &assembly{parts: c, ds: ds}
	a.tidy()
	a.use(ds)
	if err := a.completePixels(); err != nil {
		return nil, a.failure(err)
	}
	if err := a.completeDocument(); err != nil {
		return nil, a.failure(err)
	}
	size, err := a.claim(ds)
	if err != nil {
		return nil, a.failure(err)
	}
	// A part may be the value of many elements and instances: a bomb, if nothing bounds them.
	c.assembled += size
	if most := min(c.most, inflateFree+inflateRatio*c.spool.size); c.assembled > most {
		return nil, exceeds("body", "with its bulk data the request makes more than the %d bytes that are allowed", most)
	}
	a.write.FrameSources, a.write.Bulk = a.frames, a.open

	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		err := part10.Write(w, ds, a.write)
		if err != nil && !errors.As(err, new(*fs.PathError)) && !errors.Is(err, io.ErrClosedPipe) {
			err = a.failure(&refusal{store.ReasonCannotUnderstand, err})
		}
		w.CloseWithError(err)
	}()
	u := s.newUpload(r, "application/dicom")
	u.done = func() {
		r.Close()
		<-written
	}
	return u, nil
}

// refusal is an error with its Failure Reason.
type refusal struct {
	reason uint16
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// unfit is the refusal of bulk data that does not go with the metadata (PS3.18 Table I.2-2: A9xx).
func unfit(format string, a ...any) error {
	return &refusal{store.ReasonDataSetMismatch, fmt.Errorf(format, a...)}
}

// failure is the outcome of the instance, where err is a refusal; another error is that of the disk.
func (a *assembly) failure(err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	f := &store.Failure{Reason: r.reason, Err: r.err}
	if uid := a.ds.UID(dicom.SOPClassUID); uid.Valid() { // only a legal UID may be echoed
		f.SOPClass = uid
	}
	if uid := a.ds.UID(dicom.SOPInstanceUID); uid.Valid() {
		f.Instance = uid
	}
	return f
}

// tidy removes what is in metadata and never in an instance: command and file elements, which some clients leave in (PS3.18
// 10.5.1.4), and an attribute that servers add to what they return (PS3.18 10.4.1.1.2, note 3).
func (a *assembly) tidy() {
	var stray []dicom.Tag
	for e := range a.ds.All() {
		if e.Tag.Group() < 8 {
			stray = append(stray, e.Tag)
		}
	}
	for _, t := range append(stray, dicom.AvailableTransferSyntaxUID) {
		a.ds.Delete(t)
	}
}

// completeDocument fills in what the part with an encapsulated document says of it (PS3.3 C.24.2).
func (a *assembly) completeDocument() error {
	e, _ := a.ds.Get(dicom.EncapsulatedDocument)
	bulk, isBulk := e.Value.(dicom.Bulk)
	if !isBulk {
		return nil
	}
	parts := a.parts.locations.find(bulk.URI)
	if len(parts) != 1 {
		return missing(e.Tag, len(parts))
	}
	declared := parseMediaType(a.ds.String(dicom.MIMETypeOfEncapsulatedDocument)).name
	switch sent := parts[0].mediaType; {
	case declared == "" && sent != mediaOctets:
		a.ds.SetStrings(dicom.MIMETypeOfEncapsulatedDocument, dicom.LO, sent)
	case declared != "" && sent != mediaOctets && sent != declared && !(isXML(declared) && isXML(sent)):
		return unfit("MIME Type of Encapsulated Document (0042,0012) is %s, but its part has Content-Type %s",
			excerpt(declared), excerpt(sent))
	}
	if !a.ds.Has(dicom.EncapsulatedDocumentLength) && parts[0].length <= 0xFFFFFFFE { // the value may be padded
		a.ds.SetInts(dicom.EncapsulatedDocumentLength, dicom.UL, parts[0].length)
	}
	return nil
}

func isXML(name string) bool {
	_, yes := isMetadata(name)
	return yes
}

// use marks the parts that the metadata refers to, whatever becomes of the instance.
func (a *assembly) use(ds *dicom.DataSet) {
	for e := range ds.All() {
		var parts []*bulkPart
		switch v := e.Value.(type) {
		case dicom.Items:
			for _, item := range v {
				a.use(item)
			}
		case dicom.Bulk:
			if parts = a.parts.locations.find(v.URI); e.Tag == dicom.PixelData {
				parts, _ = a.parts.locations.frames(v.URI, a.ds.String(dicom.SOPInstanceUID)) // completePixels has the error
			}
		}
		for _, p := range parts {
			p.used = true
		}
	}
}

// claim finds the part of every value, and returns how many bytes they have.
func (a *assembly) claim(ds *dicom.DataSet) (size int64, err error) {
	for e := range ds.All() {
		switch v := e.Value.(type) {
		case dicom.Items:
			for _, item := range v {
				n, err := a.claim(item)
				if size += n; err != nil {
					return size, err
				}
			}
		case dicom.Bulk:
			if e.Tag == dicom.PixelData && ds == a.ds {
				size += a.pixelSize()
				continue
			}
			parts := a.parts.locations.find(v.URI)
			if len(parts) != 1 {
				return size, missing(e.Tag, len(parts))
			}
			size += parts[0].length
		}
	}
	return size, nil
}

func (a *assembly) pixelSize() (size int64) {
	for _, f := range a.frames {
		size += f.Size()
	}
	for _, x := range a.pixels {
		size += x.length
	}
	return size
}

func missing(t dicom.Tag, n int) error {
	if n == 0 {
		return &refusal{store.ReasonCannotUnderstand,
			fmt.Errorf("element %s: no part has its BulkDataURI as Content-Location", t)}
	}
	return &refusal{store.ReasonCannotUnderstand,
		fmt.Errorf("element %s: %d parts have its BulkDataURI as Content-Location", t, n)}
}

// open reads the value that a BulkDataURI stands for; native pixel data may have come in several parts.
func (a *assembly) open(b dicom.Bulk) (part10.Source, error) {
	if b == nativePixels {
		joined := &joined{}
		var readers []io.Reader
		for _, x := range a.pixels {
			readers = append(readers, a.parts.spool.open(x))
			joined.size += x.length
		}
		joined.Reader = io.MultiReader(readers...)
		return joined, nil
	}
	return a.parts.spool.open(a.parts.locations.find(b.URI)[0].extent), nil // claim has found it
}

// nativePixels stands for pixels in place of the URI, which may be that of another value too.
var nativePixels = dicom.Bulk{URI: "\x00pixels"}

// joined are several pieces, one behind the other.
type joined struct {
	io.Reader
	size int64
}

func (j *joined) Size() int64 { return j.size }

// sameFamily reports whether a transfer syntax is one of the media type (PS3.18 Table 8.7.3-5); any goes with octet-stream.
func sameFamily(ts dicom.TransferSyntax, mediaType string) bool {
	if mediaType == "image/jph" {
		mediaType = "image/jphc"
	}
	return mediaType == mediaOctets || strings.EqualFold(ts.MediaType, mediaType)
}
