package dicomweb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/dicom/deidentify"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/store"
)

// A file in another transfer syntax than the stored one is written anew from the data set that the index has and the values that
// lie in the stored file: value by value and frame by frame, so that no more than one of them is in memory. Its text is UTF-8
// where the client names no character set (PS3.18 8.8.5), sequences with long values have undefined length, and the pixel
// description says what the decoded samples are (docs/adr/0005-pixels-in-other-syntaxes.md).

// fileOffers are the transfer syntaxes in which an instance can be had as a file, as the whole body. The stored one comes first:
// transfer-syntax=* means just that. A client that names none gets Explicit VR Little Endian, but for pixel data that only exists
// in a lossy form or cannot be decoded here, which comes as it is stored (PS3.18 8.7.3.4).
func fileOffers(e *store.Entry) []offer {
	stored := offer{mediaType: mediaDICOM, transferSyntax: e.TransferSyntax, stored: true}
	ts, _ := dicom.TransferSyntaxOf(e.TransferSyntax)
	native := offer{mediaType: mediaDICOM, transferSyntax: dicom.ExplicitVRLittleEndian}
	standard := native
	standard.preset, standard.standard = true, true
	var encoded []offer
	if p := e.Layout.Pixel; p != nil && p.Tag == dicom.PixelData && p.NumberOfFrames > 0 {
		encoded = encodedFiles(e.TransferSyntax)
	}
	switch own := e.TransferSyntax == dicom.ExplicitVRLittleEndian; {
	case !canTranscode(e):
		stored.preset = true
		return []offer{stored}
	case own && isWellEncoded(e):
		stored.preset = true
		return append([]offer{stored}, encoded...)
	case ts.Lossy && e.Layout.Pixel != nil:
		stored.preset = true
		return append([]offer{stored, native}, encoded...)
	case own:
		stored.verbatim = true
	}
	return append([]offer{stored, native, standard}, encoded...)
}

// jpip are the transfer syntaxes whose pixel data is on a JPIP server (PS3.5 A.6, A.7): there is nothing to decode.
var jpip = []dicom.UID{
	"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205",
}

// canTranscode reports whether the instance can be written in Explicit VR Little Endian.
func canTranscode(e *store.Entry) bool {
	p := e.Layout.Pixel
	switch {
	case slices.Contains(jpip, e.TransferSyntax):
		return false
	case p == nil || !p.Encapsulated:
		return true
	}
	return p.NumberOfFrames > 0 && codec.Supported(e.TransferSyntax)
}

// isWellEncoded reports whether a file that says Explicit VR Little Endian is a Part 10 file in it: with the prefix and File Meta
// Information that make up at least 144 bytes before the data set (PS3.10 7.1).
func isWellEncoded(e *store.Entry) bool {
	p := e.Layout.Pixel
	return e.Layout.Encoding == part10.Encoding{} && e.Layout.DataSet > 144 && (p == nil || !p.Encapsulated)
}

// filePart is an instance as a file in the chosen transfer syntax.
func (s *Server) filePart(base string, e *store.Entry, chosen offer) part {
	p := part{partHeader: partHeader{contentType: chosen.contentType(), location: base + e.Ref.Path(), length: -1}}
	if chosen.stored {
		p.length = e.Size
		p.open = func(ctx context.Context) (content, error) { return s.storedFile(ctx, e) }
		return p
	}
	p.open = func(ctx context.Context) (content, error) {
		body, err := s.transcode(ctx, e, chosen, nil)
		if err == nil || !chosen.standard || !errors.As(err, new(*undecodableError)) {
			return body, err
		}
		// Nobody asked for a transfer syntax by name: what cannot be had in the default one comes as it is.
		o := offer{mediaType: mediaDICOM, transferSyntax: e.TransferSyntax, charset: chosen.charset}
		if o.charset != nil && canRewrite(e) {
			body, err = s.transcode(ctx, e, o, nil)
		} else {
			o.charset = nil
			body, err = s.storedFile(ctx, e)
		}
		body.contentType = o.contentType()
		return body, err
	}
	return p
}

func (s *Server) storedFile(ctx context.Context, e *store.Entry) (content, error) {
	in, err := s.open(ctx, e)
	if err != nil {
		return content{}, err
	}
	file := in.File()
	if !s.options.KeepPreambles {
		file = harmless(file)
	}
	return content{SectionReader: file, close: in.Close}, nil
}

// undecodableError is why an instance cannot be had in another transfer syntax.
type undecodableError struct{ error }

func (e *undecodableError) Unwrap() error { return e.error }

// transcode opens an instance as a file in the transfer syntax of the target, Explicit VR Little Endian, one of encodings or, if
// canRewrite, the stored one, and in its character set; de-identified if there is a profile. Its first frame is decoded before anything is written, so that what cannot be decoded is known then; the error is an
// *undecodableError.
func (s *Server) transcode(ctx context.Context, slim *store.Entry, target offer, profile *deidentify.Profile) (content, error) {
	e, err := s.whole(ctx, slim) // with its layout
	if err != nil {
		return content{}, err
	}
	in, err := s.open(ctx, e)
	if err != nil {
		return content{}, err
	}
	t := &transcoding{server: s, ctx: ctx, in: in, target: target.transferSyntax, charset: target.charset, profile: profile}
	var n counter
	ts, _ := dicom.TransferSyntaxOf(t.target)
	if err = t.prepare(); err == nil {
		err = t.write(&n, !ts.Deflated) // how long that gets depends on the values
	}
	if err != nil {
		t.Close()
		if errors.Is(err, dicom.ErrNotInCharacterSet) {
			err = notInCharset(e, t.charset)
		}
		return content{}, err
	}
	return content{stream: func(w io.Writer) error { return t.write(w, false) }, size: int64(n), close: t.Close}, nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// transcoding is one instance on its way into another transfer syntax.
type transcoding struct {
	server  *Server
	ctx     context.Context
	in      *store.Instance
	target  dicom.UID
	charset *dicom.CharacterSet // nil: UTF-8
	profile *deidentify.Profile // nil: nothing is taken out
	ds      *dicom.DataSet      // as it is to be written
	stored  *dicom.DataSet      // as it is stored

	pixels pixel.Description // encapsulated pixel data: of the stored image
	frames int               // 0: the pixel data is not decoded
	first  *pixel.Frame      // the first frame, decoded

	kept    []*io.SectionReader // the stored frames, where they come as they are
	spool   spool               // the encoded frames, where the target is encapsulated
	encoded []extent            // where they are
}

// Close lets go of the file and of the encoded frames.
func (t *transcoding) Close() error {
	t.spool.close()
	return t.in.Close()
}

// prepare makes the data set that is to be written.
func (t *transcoding) prepare() error {
	var err error
	if t.stored, err = t.server.dataSet(t.ctx, t.in.Entry); err != nil {
		return err
	}
	t.ds = t.stored.Clone()
	t.ds.Delete(dicom.AvailableTransferSyntaxUID) // the index's own (PS3.18 10.6.3.3.3)
	if t.profile != nil {
		t.ds = t.profile.Apply(t.ds)
	}
	t.nativeIcons()
	p := t.in.Entry.Layout.Pixel
	if p == nil {
		return nil
	}
	if t.target == t.in.Entry.TransferSyntax && t.target != dicom.ExplicitVRLittleEndian && t.profile == nil {
		return t.keepPixels(p)
	}
	if t.target != dicom.ExplicitVRLittleEndian {
		return t.encodePixels(p)
	}
	if p.Encapsulated || t.profile != nil && p.Tag == dicom.PixelData && p.NumberOfFrames > 0 {
		return t.describePixels(p)
	}
	if p.Value.Length > maxNative {
		return &undecodableError{tooLong(t.in.Entry)}
	}
	return nil
}

// maxNative is the longest value of an element (PS3.5 7.1.1).
const maxNative = math.MaxUint32 - 1

func tooLong(e *store.Entry) error {
	return &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
		"the pixel data of instance %s is too long for Explicit VR Little Endian (PS3.18 8.7.3.4); it is available as stored, in %s",
		e.Ref.Instance, syntaxName(e.TransferSyntax))}
}

// write writes the file, or as many bytes of no meaning if only their number is wanted.
func (t *transcoding) write(w io.Writer, count bool) error {
	return part10.Write(w, t.ds, part10.WriteOptions{
		TransferSyntax: t.target,
		CharacterSet:   t.charset,
		FrameSources:   t.sources(count),
		Bulk: func(b dicom.Bulk) (part10.Source, error) {
			source, err := t.value(strings.TrimPrefix(b.URI, bulkPrefix))
			if err == nil && count {
				return unread(source.Size()), nil
			}
			return source, err
		},
	})
}

// bulkPrefix is how the BulkDataURI of a stored data set begins.
const bulkPrefix = "bulkdata/"

// value opens a value by its path.
func (t *transcoding) value(path string) (part10.Source, error) {
	if p := t.in.Entry.Layout.Pixel; t.frames > 0 && path == p.Tag.String() {
		return &frameStream{t: t, size: t.nativeSize()}, nil
	}
	value, _, err := t.in.Bulk(path)
	return value, err
}

// unread returns a value of which only the size counts.
func unread(size int64) part10.Source { return &sizeOnly{left: size} }

type sizeOnly struct{ left int64 }

func (s *sizeOnly) Size() int64 { return s.left }

func (s *sizeOnly) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), s.left)
	s.left -= n
	return int(n), nil
}
