package dicomweb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec"
	"github.com/noctis-dicom/noctis/store"
)

// mediaOctets is the media type of uncompressed bulk data (PS3.18 8.7.3.3.1).
const mediaOctets = "application/octet-stream"

// retrieveFrames retrieves the pixel data of frames (PS3.18 10.4.1.1.6), a part for each, as stored or, where the client asks for
// application/octet-stream in Explicit VR Little Endian, decoded. One frame can be had as a single part.
func (s *Server) retrieveFrames(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	numbers, err := framesOf(r)
	if err != nil {
		return err
	}
	// Behavior
	e, err := s.entry(r.Context(), ref)
	if err != nil {
		return err
	}
	if err := checkFrames(e, numbers); err != nil {
		return err
	}
	offered := pixelOffers(e.TransferSyntax)
	offers := offered.parts
	if len(numbers) == 1 {
		offers = offered.both
	}
	chosen, err := s.choosePixels(r.Context(), acceptOf(r), e, offers)
	if err != nil {
		return err
	}
	// Response
	return s.sendFrames(w, r, e, numbers, chosen)
}

// framesOf reads {frames}: numbers from 1, joined by commas (PS3.18 10.3, Table 10.3-1). The standard wants them in ascending
// order; any order is taken, for each part says which frame it is, but no number twice.
func framesOf(r *http.Request) ([]int, error) {
	list, err := pathVar(r, "frames")
	if err != nil {
		return nil, err
	}
	return parseFrames(list)
}

func parseFrames(list string) ([]int, error) {
	var numbers []int
	seen := map[int]bool{}
	for _, field := range splitList(list) {
		n, ok := parseUint(field)
		switch {
		case !ok || n == 0:
			return nil, badRequest("frames are numbers from 1, joined by commas, not %s", excerpt(list))
		case seen[n]:
			return nil, badRequest("frame %d is asked for twice", n)
		}
		seen[n] = true
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// checkFrames is 404 where a frame is not there.
func checkFrames(e *store.Entry, numbers []int) error {
	p := e.Layout.Pixel
	if p == nil {
		return notFound("instance %s has no pixel data", e.Ref.Instance)
	}
	if last := slices.Max(numbers); last > p.NumberOfFrames {
		return notFound("instance %s has %d frames, and so no frame %d", e.Ref.Instance, p.NumberOfFrames, last)
	}
	return nil
}

// pixelOffering are the representations of pixel data, which must not be changed: as the parts of a multipart response, as the whole
// body, and those one after the other.
type pixelOffering struct{ parts, whole, both []offer }

// knownPixelOffers are those of the known transfer syntaxes, made once.
var knownPixelOffers = sync.OnceValue(func() map[dicom.UID]pixelOffering {
	known := map[dicom.UID]pixelOffering{}
	for _, ts := range dicom.TransferSyntaxes() {
		known[ts.UID] = newPixelOffering(ts.UID)
	}
	return known
})

// pixelOffers are the representations of pixel data that is stored in a transfer syntax.
func pixelOffers(stored dicom.UID) pixelOffering {
	if offered, known := knownPixelOffers()[stored]; known {
		return offered
	}
	return newPixelOffering(stored)
}

func newPixelOffering(stored dicom.UID) pixelOffering {
	whole := slices.Clip(wholePixels(stored))
	parts := slices.Clip(multiparts(whole))
	return pixelOffering{parts, whole, slices.Concat(parts, whole)}
}

// wholePixels are the representations of pixel data that is stored in a transfer syntax, as the whole body (PS3.18 8.7.3.3). What
// is stored comes first: it costs nothing, and viewers ask for it as octet-stream; transfer-syntax=*. What can be decoded is offered
// decoded, too, and in the encodings.
func wholePixels(stored dicom.UID) []offer {
	ts, _ := dicom.TransferSyntaxOf(stored)
	native := offer{mediaType: mediaOctets, transferSyntax: dicom.ExplicitVRLittleEndian, preset: true}
	if !ts.Encapsulated {
		return append([]offer{native}, encodedPixels(stored)...)
	}
	own := offer{mediaType: compressedType(ts), transferSyntax: stored, preset: true}
	if !codec.Supported(stored) {
		return []offer{own, {mediaType: mediaOctets, transferSyntax: stored}}
	}
	own.preset = own.mediaType != mediaOctets // else it is the decoded one that octet-stream alone means
	return append([]offer{own, {mediaType: mediaOctets, transferSyntax: stored}, native}, encodedPixels(stored)...)
}

// compressedType is the media type of frames in an encapsulated transfer syntax, in lower case as those that are read from Accept.
func compressedType(ts dicom.TransferSyntax) string { return strings.ToLower(ts.MediaType) }

// undecodable adds to a 406 that there is no decoder, where that is so.
func undecodable(err error, stored dicom.UID) error {
	ts, _ := dicom.TransferSyntaxOf(stored)
	if !ts.Encapsulated || codec.Supported(stored) {
		return err
	}
	return because(err, "pixel data in "+syntaxName(stored)+" cannot be decoded here")
}

// because adds a reason to the detail of a problem.
func because(err error, reason string) error {
	var p *problem
	if !errors.As(err, &p) {
		return err
	}
	explained := *p
	explained.detail += "; " + reason
	return &explained
}

// multiparts turns offers into those of multipart responses.
func multiparts(offers []offer) []offer {
	offers = slices.Clone(offers)
	for i := range offers {
		offers[i].multipart = true
	}
	return offers
}

// storedAs corrects the media type of an offer: compressed frames are sent under their own, whatever they were asked for as.
func storedAs(o offer) offer {
	if ts, _ := dicom.TransferSyntaxOf(o.transferSyntax); ts.Encapsulated {
		o.mediaType = compressedType(ts)
	}
	return o
}

// sendFrames sends frames that are known to be there.
func (s *Server) sendFrames(w http.ResponseWriter, r *http.Request, e *store.Entry, numbers []int, chosen offer) error {
	chosen = storedAs(chosen)
	base := s.baseURL(r)
	etag := entityTag("frames", chosen.String(), base, digest(e), fmt.Sprint(numbers))
	location := base + e.Ref.Path() + "/frames/"
	if !chosen.multipart {
		w.Header().Set("Content-Location", location+strconv.Itoa(numbers[0]))
	}
	if done, err := answered(w, r, etag, e.Stored, byAccept); done {
		return err
	}
	in, err := s.open(r.Context(), e)
	if err != nil {
		return err
	}
	defer in.Close()
	parts := make([]part, len(numbers))
	for i, n := range numbers {
		if parts[i], err = s.framePart(in, n, chosen); err != nil {
			return err
		}
		parts[i].location = location + strconv.Itoa(n)
	}
	if chosen.multipart {
		return sendParts(w, r, http.StatusOK, chosen.mediaType, etag, parts)
	}
	return sendSingle(w, r, e, parts[0])
}

// framePart is one frame of an open instance in the chosen representation.
func (s *Server) framePart(in *store.Instance, n int, chosen offer) (part, error) {
	p := part{partHeader: partHeader{contentType: chosen.contentType(), length: -1}}
	if chosen.encoded {
		p.open = func(ctx context.Context) (content, error) { return s.encodedFrame(ctx, in, n, chosen.transferSyntax) }
		return p, nil
	}
	if in.Entry.Layout.Pixel.Encapsulated && chosen.transferSyntax != in.Entry.TransferSyntax {
		p.open = func(ctx context.Context) (content, error) { return s.decodedFrame(ctx, in, n) }
		return p, nil
	}
	frame, err := in.Frame(n)
	if err != nil {
		return part{}, err
	}
	p.length = frame.Size()
	p.open = func(context.Context) (content, error) { return content{SectionReader: frame}, nil }
	return p, nil
}

// decodedFrame is a frame of encapsulated pixel data as native pixel data has it.
func (s *Server) decodedFrame(ctx context.Context, in *store.Instance, n int) (content, error) {
	ds, err := s.dataSet(ctx, in.Entry)
	if err != nil {
		return content{}, err
	}
	var samples []byte
	err = s.pictures.decode(ctx, func(ctx context.Context) error {
		f, err := s.decodedOnce(ctx, in, ds, n)
		if err != nil {
			return err
		}
		samples = codec.Native(f.frame, f.stored)
		return nil
	})
	s.readAhead(in.Entry, n)
	return contentOf(samples), err
}

// sendSingle sends a part as the whole body; ranges of it can be asked for, unless it is made on the way.
func sendSingle(w http.ResponseWriter, r *http.Request, e *store.Entry, p part) error {
	body, err := p.open(r.Context())
	if err != nil {
		return err
	}
	return sendOpen(w, r, e, p, body)
}

// sendOpen sends the open body of a part, and closes it.
func sendOpen(w http.ResponseWriter, r *http.Request, e *store.Entry, p part, body content) error {
	defer body.Close()
	w.Header().Set("Content-Type", cmp.Or(body.contentType, p.contentType))
	w.Header().Set("Content-Location", p.location)
	if body.stream == nil {
		return serveContent(w, r, e.Stored, body.SectionReader)
	}
	w.Header().Set("Content-Length", strconv.FormatInt(body.size, 10))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := body.copyTo(w, nil)
	return err
}

// syntaxName names a transfer syntax for people.
func syntaxName(uid dicom.UID) string {
	if ts, known := dicom.TransferSyntaxOf(uid); known && ts.Name != "" {
		return fmt.Sprintf("transfer syntax %s (%s)", uid, ts.Name)
	}
	return fmt.Sprintf("transfer syntax %s", uid)
}
