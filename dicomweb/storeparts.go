package dicomweb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/textproto"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codestream"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/limit"
	"github.com/noctis-dicom/noctis/store"
)

// composite is a request of metadata and bulk data (PS3.18 10.5.1.4). Its parts lie in the spool until the last has come, since only
// the end of the request tells which parts belong to an instance: bulk data may even come before its metadata.
type composite struct {
	root      string // the media type of a first part that has none itself
	spool     *spool
	documents []document
	parts     []*bulkPart
	locations *locations
	assembled int64 // bytes of bulk data of the instances so far
	most      int64 // that they may have
	turn      *turn
}

// turn is had by one request at a time while it makes an instance of metadata that is long: it takes many times as much memory as its text. What the
// client sends lies in the spool by then, so that nobody waits for a slow one.
type turn struct {
	ctx  context.Context // of the request
	gate *limit.Gate     // for one
	mine bool
}

// longMetadata is the length of the metadata of one instance from which it waits for its turn.
const longMetadata = 1 << 20

// longMetadataWait is how long it waits where no limits say so.
const longMetadataWait = 30 * time.Second

func (t *turn) take() error {
	if t.mine {
		return nil
	}
	if err := t.gate.Enter(t.ctx, ""); err != nil {
		return named("long-metadata", err)
	}
	t.mine = true
	return nil
}

func (t *turn) pass() {
	if t.mine {
		t.gate.Leave("")
		t.mine = false
	}
}

// document is a part with metadata: of one instance where it is XML, of any number where it is JSON.
type document struct {
	xml bool
	extent
}

// bulkPart is a part with bulk data.
type bulkPart struct {
	extent
	mediaType      string
	transferSyntax dicom.UID // "" where the part names none
	location       string
	used           bool
	inspected      map[string]inspection // by the media type that it is read as: many instances may have the part
	native         native                // what it was transformed into
}

// native are the pixels of a part that has no transfer syntax, or why there are none.
type native struct {
	pixel.Description
	extent
	err error
}

// inspection is what a codestream says of itself.
type inspection struct {
	codestream.Stream
	err error
}

// inspect reads the header of a codestream, once. The reader of the Codestream is the caller's own.
func (c *composite) inspect(p *bulkPart, mediaType string) (codestream.Stream, error) {
	found, there := p.inspected[mediaType]
	if !there {
		found.Stream, found.err = codestream.Inspect(mediaType, c.spool.open(p.extent))
		if p.inspected == nil {
			p.inspected = map[string]inspection{}
		}
		p.inspected[mediaType] = found
	}
	if found.err == nil {
		found.Codestream = io.NewSectionReader(found.Codestream, 0, found.Codestream.Size())
	}
	return found.Stream, found.err
}

// isMetadata reports whether the media type is one of metadata, and whether that is XML.
func isMetadata(name string) (yes, isXML bool) {
	switch name {
	case "application/dicom+json", "application/json":
		return true, false
	case "application/dicom+xml", "application/xml", "text/xml":
		return true, true
	}
	return false, false
}

// isComposite reports whether multipart/related of this root type is metadata and bulk data (PS3.18 Table 10.5.4-1).
func isComposite(root string) bool {
	metadata, _ := isMetadata(root)
	return metadata || root == mediaOctets || root == "application/pdf" || codestream.Known(root)
}

// assembled yields the instances of a request of metadata and bulk data, after all of it has been read. Of one that breaks off
// nothing is yielded, since an instance may lack its last frame then; PS3.10 files in it are instances as always.
func (s *Server) assembled(ctx context.Context, parts *partReader, root string) iter.Seq2[*upload, error] {
	return func(yield func(*upload, error) bool) {
		defer parts.release()
		c := &composite{
			root: root, locations: newLocations(), most: s.options.MaxBody,
			spool: &spool{folder: s.options.SpoolFolder, limit: s.options.MaxSpool},
			turn:  &turn{ctx: ctx, gate: s.longMetadata},
		}
		defer c.spool.close()
		defer c.turn.pass()
		for {
			part, err := parts.next()
			if err == io.EOF {
				break
			}
			if err == nil && part.isFile(root) {
				if !yield(s.newUpload(part, "application/dicom"), nil) {
					return
				}
				continue
			}
			if err == nil {
				err = c.take(part.Header, s.newUpload(part, ""))
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
		if err := c.wellFormed(); err != nil {
			yield(nil, err)
			return
		}
		for ds, err := range c.dataSets() {
			var u *upload
			if err == nil {
				err = ctx.Err() // what is refused is passed over without a look at it
			}
			if err == nil {
				u, err = s.assemble(c, ds)
			}
			var failure *store.Failure
			if errors.As(err, &failure) {
				u, err = &upload{failure: failure}, nil
			}
			more := yield(u, err)
			if u != nil && u.done != nil {
				u.done()
			}
			if !more || err != nil {
				return
			}
		}
		c.leftovers(yield)
	}
}

// isFile reports whether a part is a PS3.10 file: by its media type, or because it looks like one and is octets that no metadata can refer to, as
// clients send it that have never heard of application/dicom.
func (b *bodyPart) isFile(root string) bool {
	switch name := cmp.Or(parseMediaType(b.Header.Get("Content-Type")).name, root); {
	case name == "application/dicom":
		return true
	case name != mediaOctets || b.Header.Get("Content-Location") != "":
		return false
	}
	head, _ := b.from.in.Peek(132)
	return bytes.HasSuffix(head, []byte("DICM")) && len(head) == 132
}

// take spools a part.
func (c *composite) take(h textproto.MIMEHeader, body io.Reader) error {
	content := parseMediaType(h.Get("Content-Type"))
	if content.name == "" && len(c.documents)+len(c.parts) == 0 {
		content.name = c.root
	}
	e, err := c.spool.add(body)
	if err != nil {
		return err
	}
	if yes, isXML := isMetadata(content.name); yes && !c.isDocument(content.name, h) {
		c.documents = append(c.documents, document{xml: isXML, extent: e})
		return nil
	}
	p := &bulkPart{extent: e, mediaType: content.name, location: strings.TrimSpace(h.Get("Content-Location"))}
	if p.mediaType == "" {
		p.mediaType = mediaOctets
	}
	if alias, there := oldMediaTypes[p.mediaType]; there {
		p.mediaType = alias
	}
	if ts := content.params["transfer-syntax"]; ts != "*" {
		p.transferSyntax = dicom.UID(ts)
	}
	c.parts = append(c.parts, p)
	c.locations.add(p.location, p)
	return nil
}

// isDocument reports whether an XML part is a value: an encapsulated document (a CDA is text/xml), which has a location, and comes
// behind metadata.
func (c *composite) isDocument(name string, h textproto.MIMEHeader) bool {
	return (name == "text/xml" || name == "application/xml") && h.Get("Content-Location") != "" && len(c.documents) > 0
}

// leftovers yields a failure for each part that belongs to no instance: what was sent is never lost without a word.
func (c *composite) leftovers(yield func(*upload, error) bool) {
	for _, p := range c.parts {
		if p.used {
			continue
		}
		if !yield(&upload{failure: &store.Failure{Reason: store.ReasonCannotUnderstand, Err: fmt.Errorf(
			"no metadata refers to a part with Content-Type %s by its Content-Location", excerpt(p.mediaType))}}, nil) {
			return
		}
	}
}

// wellFormed reports where the first JSON document breaks, before anything of it is stored: 400 means that nothing was (PS3.18 10.5.3.1).
func (c *composite) wellFormed() error {
	for _, d := range c.documents {
		if d.xml { // each is one instance
			continue
		}
		for _, err := range jsonObjects(c.spool.open(d.extent), c.turn) {
			if err != nil && !errors.Is(err, errCostly) {
				return err
			}
		}
	}
	return nil
}

// dataSets yields the data sets of all metadata. A *store.Failure is that of one instance; another error ends the request.
func (c *composite) dataSets() iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		for _, d := range c.documents {
			if d.xml {
				more := yield(parseXMLMetadata(c.spool.open(d.extent), c.turn))
				c.turn.pass()
				if !more {
					return
				}
				continue
			}
			for ds, err := range jsonDataSets(c.spool.open(d.extent), c.turn) {
				if !yield(ds, err) {
					return
				}
			}
		}
	}
}
