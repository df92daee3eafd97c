package dicomweb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
)

// mediaDICOM is the media type of a Part 10 file (PS3.18 8.7.3.1).
const mediaDICOM = "application/dicom"

// retrieveInstances retrieves the instances of a study or series, or one instance (PS3.18 10.4.1.1.1): the stored files, byte for
// byte, where their transfer syntax is acceptable, else files in Explicit VR Little Endian; fileOffers says when.
func (s *Server) retrieveInstances(w http.ResponseWriter, r *http.Request) error {
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
	accepted := acceptOf(r)
	chosen, err := s.chooseInstances(r.Context(), accepted, ref, entries)
	if err != nil {
		return err
	}
	// Response
	switch {
	case chosen[0].mediaType == mediaZip:
		return s.sendZip(w, r, ref, entries, chosen)
	case chosen[0].mediaType != mediaDICOM:
		return s.sendBulkdataOf(w, r, entries, accepted, false)
	case chosen[0].multipart:
		return s.sendFiles(w, r, entries, chosen)
	}
	return s.sendFile(w, r, entries[0], chosen[0])
}

// entries collects the entries below ref, without what is long in their layouts: 404 if there are none.
func (s *Server) entries(ctx context.Context, ref dicom.Ref) ([]*store.Entry, error) {
	var entries []*store.Entry
	for e, err := range s.store.Entries(ctx, ref) {
		if err != nil {
			return nil, err
		}
		slim := *e
		slim.Layout = part10.Layout{Encoding: e.Layout.Encoding, DataSet: e.Layout.DataSet}
		if p := e.Layout.Pixel; p != nil {
			slim.Layout.Pixel = &part10.PixelData{Tag: p.Tag, Encapsulated: p.Encapsulated, NumberOfFrames: p.NumberOfFrames}
		}
		entries = append(entries, &slim)
	}
	if len(entries) == 0 {
		return nil, s.missing(ctx, ref)
	}
	return entries, nil
}

// entryCache is the most bytes of entries that are kept with their layouts.
const entryCache = 8 << 20

// entry finds one instance, with its layout; the same one for all who ask as long as nothing is stored or deleted. It must not be changed.
// A client that asks for a frame will ask for the next ones, and the layout of ten thousand of them is long.
func (s *Server) entry(ctx context.Context, ref dicom.Ref) (*store.Entry, error) {
	key := s.generationKey(ctx, ref)
	if e, found := s.layouts.get(key); found {
		return e, nil
	}
	for e, err := range s.store.Entries(ctx, ref) {
		if err == nil {
			s.layouts.add(key, e, layoutBytes(e))
		}
		return e, err
	}
	return nil, s.missing(ctx, ref)
}

// whole is an entry of entries with its layout: of that version of the instance, which may have been removed or replaced meanwhile.
func (s *Server) whole(ctx context.Context, slim *store.Entry) (*store.Entry, error) {
	if e, err := s.entry(ctx, slim.Ref); err == nil && e.Blob == slim.Blob {
		return e, nil
	}
	e, err := s.store.Whole(ctx, slim)
	return e, missingError(slim.Ref, err)
}

// generationKey names what lies below a reference for whoever asks, for as long as nothing is stored or deleted. It is made before the
// look, or it might be newer than what is found.
func (s *Server) generationKey(ctx context.Context, ref dicom.Ref) string {
	generation := strconv.FormatUint(s.store.Generation(), 10)
	return generation + " " + string(ref.Study) + " " + string(ref.Series) + " " + string(ref.Instance) + " " + ref.Resource + " " + match.LimitsOf(ctx).Text()
}

// layoutBytes is about the memory that an entry takes.
func layoutBytes(e *store.Entry) int64 {
	n := 500 + 120*int64(len(e.Layout.Bulk))
	if p := e.Layout.Pixel; p != nil {
		n += 5*int64(p.Fragments.Len()) + 5*int64(p.NumberOfFrames)
	}
	return n
}

// dataSet is the data set of an instance, as its metadata has it. It must not be changed: the last few are kept, because a client
// that wants one frame of an instance wants the others, too, and the data set of an enhanced image is long.
func (s *Server) dataSet(ctx context.Context, e *store.Entry) (*dicom.DataSet, error) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok { // nobody waits for it
		x = &exchange{}
		defer x.held.Release()
	}
	return s.heldDataSet(ctx, &x.held, e)
}

// heldDataSet is dataSet for who says himself how long he uses it.
func (s *Server) heldDataSet(ctx context.Context, held *store.Holding, e *store.Entry) (*dicom.DataSet, error) {
	key := string(e.Blob[:])
	if ds, found := s.dataSets.get(key); found {
		return ds, nil
	}
	m, err := s.store.HeldVersion(ctx, held, e, store.ParsedCost)
	if err != nil {
		return nil, missingError(e.Ref, err)
	}
	ds, err := dicom.ReadJSON(m.JSON)
	if err != nil {
		return nil, fmt.Errorf("metadata of instance %s: %w", e.Ref.Instance, err)
	}
	s.dataSets.add(key, ds, store.ParsedCost*int64(len(m.JSON)))
	return ds, nil
}

// open opens an instance. A file that is gone though the index has it is a fault of this server, not of the client: 500.
func (s *Server) open(ctx context.Context, e *store.Entry) (*store.Instance, error) {
	in, err := s.store.Open(ctx, e)
	return in, unservable(e, err)
}

// unservable is the error of a file that cannot be opened, with the status and the words for it.
func unservable(e *store.Entry, err error) error {
	switch {
	case errors.Is(err, store.ErrBlobMissing):
		return &problem{status: http.StatusInternalServerError, err: err,
			detail: fmt.Sprintf("the file of instance %s is missing from the store", e.Ref.Instance)}
	case errors.Is(err, store.ErrBlobDamaged):
		return &problem{status: http.StatusInternalServerError, err: err,
			detail: fmt.Sprintf("the file of instance %s is damaged in the store", e.Ref.Instance)}
	}
	return err
}

// chooseInstances selects the representation of instances (PS3.18 Table 10.4.4-1), one for each entry: the transfer syntax is a
// matter of each part (8.7.8.2), but the kind is the same for all, Part 10 files or their bulk data.
func (s *Server) chooseInstances(ctx context.Context, a acceptance, ref dicom.Ref, entries []*store.Entry) ([]offer, error) {
	chosen := make([]offer, len(entries))
	for i, e := range entries {
		files := fileOffers(e)
		offers := multiparts(files)
		if ref.Instance != "" {
			offers = append(offers, files...)
		}
		offers = append(append(offers, pixelOffers(e.TransferSyntax).parts...), zipOffers(files)...)
		var err error
		if chosen[i], err = s.chooseEncodable(ctx, a, e, offers); err != nil {
			return nil, err
		}
		if chosen[i], err = s.settleCharset(ctx, e, chosen[i]); err != nil {
			return nil, err
		}
		if chosen[i].kind() != chosen[0].kind() {
			return nil, &problem{status: http.StatusNotAcceptable,
				detail: "what is acceptable are files for some instances and bulk data or an archive for others; ask for one of them"}
		}
	}
	return chosen, nil
}

// kind is what a response is made of: files, an archive, or "" for bulk data of any media type.
func (o offer) kind() string {
	if o.mediaType == mediaDICOM || o.mediaType == mediaZip {
		return o.mediaType
	}
	return ""
}

// sendFile sends one file as the whole body; ranges of a stored one can be asked for (PS3.18 8.6.1.1).
func (s *Server) sendFile(w http.ResponseWriter, r *http.Request, e *store.Entry, chosen offer) error {
	etag := entityTag(mediaDICOM, s.fileTag(e, chosen))
	p := s.filePart(s.baseURL(r), e, chosen)
	w.Header().Set("Content-Location", p.location)
	if done, err := answered(w, r, etag, e.Stored, byCharset); done {
		return err
	}
	return sendSingle(w, r, e, p)
}

// sendFiles sends files as the parts of a multipart response.
func (s *Server) sendFiles(w http.ResponseWriter, r *http.Request, entries []*store.Entry, chosen []offer) error {
	base := s.baseURL(r)
	tags := []string{mediaDICOM, "multipart", base}
	for i, e := range entries {
		tags = append(tags, s.fileTag(e, chosen[i]))
	}
	etag := entityTag(tags...)
	if done, err := answered(w, r, etag, newest(entries), byCharset); done {
		return err
	}
	if err := s.checkOpenable(r.Context(), entries); err != nil {
		return err
	}
	parts := make([]part, len(entries))
	for i, e := range entries {
		parts[i] = s.filePart(base, e, chosen[i])
	}
	return sendParts(w, r, http.StatusOK, mediaDICOM, etag, parts)
}

// fileTag names the bytes of a file, for an entity tag.
func (s *Server) fileTag(e *store.Entry, chosen offer) string {
	if chosen.stored && s.options.KeepPreambles {
		return digest(e) + "preamble"
	}
	if chosen.stored {
		return digest(e)
	}
	return digest(e) + string(chosen.transferSyntax) + strconv.FormatBool(chosen.standard) + chosen.charsetTag()
}

// checkedFirst is how many bytes of files are compared with their digests before the first of them is sent.
const checkedFirst = 32 << 20

// checkOpenable looks at each file, so that one that is missing is a clear error and not a response that breaks off every time, after
// gigabytes; and where they are not many bytes, that each is what was stored. Others are compared when their turn comes. Part of a study as if it were all of it (206 of PS3.18 Table 10.4.3-1) is worse: clients don't notice.
func (s *Server) checkOpenable(ctx context.Context, entries []*store.Entry) error {
	if len(entries) == 1 {
		return nil // it is opened before the first byte anyway
	}
	bytes := int64(0)
	for _, e := range entries {
		bytes += e.Size
	}
	for _, e := range entries {
		if bytes > checkedFirst {
			if err := s.store.Openable(ctx, e); err != nil {
				return unservable(e, err)
			}
			continue
		}
		in, err := s.open(ctx, e)
		if err != nil {
			return err
		}
		if err := in.Close(); err != nil {
			return err
		}
	}
	return nil
}

// digest names the bytes of entries, for an entity tag.
func digest(entries ...*store.Entry) string {
	names := make([]byte, 0, len(entries)*64)
	for _, e := range entries {
		names = hex.AppendEncode(names, e.Blob[:])
		names = append(names, e.Ref.Instance...)
	}
	return string(names)
}

// newest is when the last of the entries was stored.
func newest(entries []*store.Entry) time.Time {
	return slices.MaxFunc(entries, func(a, b *store.Entry) int { return a.Stored.Compare(b.Stored) }).Stored
}
