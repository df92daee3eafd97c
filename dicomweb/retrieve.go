package dicomweb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
)

// mediaDICOM is the media type of a Part 10 file (PS3.18 8.7.3.1).
const mediaDICOM = "application/dicom"

// retrieveInstances retrieves the instances of a study or series, or one instance (PS3.18 10.4.1.1.1): the stored files, byte for
// byte. A client that names no transfer syntax gets the stored one; one that names another gets 406 with what there is.
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
	chosen, err := chooseInstances(accepted, ref, entries)
	if err != nil {
		return err
	}
	// Response
	switch {
	case chosen.mediaType != mediaDICOM:
		return s.sendBulkdataOf(w, r, entries, accepted)
	case chosen.multipart:
		return s.sendFiles(w, r, entries)
	}
	return s.sendFile(w, r, entries[0])
}

// entries collects the entries below ref, without their layouts: 404 if there are none.
func (s *Server) entries(ctx context.Context, ref dicom.Ref) ([]*store.Entry, error) {
	var entries []*store.Entry
	for e, err := range s.store.Entries(ctx, ref) {
		if err != nil {
			return nil, err
		}
		slim := *e
		slim.Layout = part10.Layout{Encoding: e.Layout.Encoding, DataSet: e.Layout.DataSet}
		entries = append(entries, &slim)
	}
	if len(entries) == 0 {
		return nil, notFound("nothing is stored under %s", ref.Path())
	}
	return entries, nil
}

// entry finds one instance, with its layout.
func (s *Server) entry(ctx context.Context, ref dicom.Ref) (*store.Entry, error) {
	for e, err := range s.store.Entries(ctx, ref) {
		return e, err
	}
	return nil, notFound("nothing is stored under %s", ref.Path())
}

// dataSet is the data set of an instance, as its metadata has it. It must not be changed: the last few are kept, because a client
// that wants one frame of an instance wants the others, too, and the data set of an enhanced image is long.
func (s *Server) dataSet(ctx context.Context, e *store.Entry) (*dicom.DataSet, error) {
	key := string(e.Blob[:])
	if ds, found := s.dataSets.get(key); found {
		return ds, nil
	}
	for m, err := range s.store.Metadata(ctx, e.Ref) {
		if err != nil {
			return nil, err
		}
		ds := &dicom.DataSet{}
		if err := ds.UnmarshalJSON(m.JSON); err != nil {
			return nil, fmt.Errorf("metadata of instance %s: %w", e.Ref.Instance, err)
		}
		s.dataSets.add(key, ds, int64(len(m.JSON)))
		return ds, nil
	}
	return nil, notFound("nothing is stored under %s", e.Ref.Path())
}

// open opens an instance. A file that is gone though the index has it is a fault of this server, not of the client: 500.
func (s *Server) open(ctx context.Context, e *store.Entry) (*store.Instance, error) {
	in, err := s.store.Open(ctx, e)
	switch {
	case errors.Is(err, store.ErrBlobMissing):
		return nil, &problem{status: http.StatusInternalServerError, err: err,
			detail: fmt.Sprintf("the file of instance %s is missing from the store", e.Ref.Instance)}
	case errors.Is(err, store.ErrBlobDamaged):
		return nil, &problem{status: http.StatusInternalServerError, err: err,
			detail: fmt.Sprintf("the file of instance %s is damaged in the store", e.Ref.Instance)}
	}
	return in, err
}

// chooseInstances selects the representation of instances (PS3.18 Table 10.4.4-1). The transfer syntax is a matter of each part
// (8.7.8.2), but the kind is the same for all: Part 10 files or their bulk data.
func chooseInstances(a acceptance, ref dicom.Ref, entries []*store.Entry) (offer, error) {
	var chosen offer
	var syntaxes []dicom.UID
	for _, e := range entries {
		if slices.Contains(syntaxes, e.TransferSyntax) {
			continue
		}
		syntaxes = append(syntaxes, e.TransferSyntax)
		offers := []offer{{multipart: true, mediaType: mediaDICOM, transferSyntax: e.TransferSyntax, preset: true}}
		if ref.Instance != "" {
			offers = append(offers, offer{mediaType: mediaDICOM, transferSyntax: e.TransferSyntax, preset: true})
		}
		o, err := a.choose(append(offers, multiparts(pixelOffers(e.TransferSyntax))...)...)
		switch {
		case err != nil:
			return offer{}, err
		case len(syntaxes) == 1:
			chosen = o
		case (o.mediaType == mediaDICOM) != (chosen.mediaType == mediaDICOM):
			return offer{}, &problem{status: http.StatusNotAcceptable,
				detail: "what is acceptable are files for some instances and bulk data for others; ask for one of them"}
		}
	}
	return chosen, nil
}

// sendFile sends one file as the whole body; ranges of it can be asked for (PS3.18 8.6.1.1).
func (s *Server) sendFile(w http.ResponseWriter, r *http.Request, e *store.Entry) error {
	etag := entityTag(mediaDICOM, digest(e))
	validators(w, etag, e.Stored)
	if notModified(w, r, etag) {
		return nil
	}
	in, err := s.open(r.Context(), e)
	if err != nil {
		return err
	}
	defer in.Close()
	w.Header().Set("Content-Type", offer{mediaType: mediaDICOM, transferSyntax: e.TransferSyntax}.contentType())
	w.Header().Set("Content-Location", s.baseURL(r)+e.Ref.Path())
	http.ServeContent(w, r, "", e.Stored, in.File())
	return nil
}

// sendFiles sends files as the parts of a multipart response.
func (s *Server) sendFiles(w http.ResponseWriter, r *http.Request, entries []*store.Entry) error {
	base := s.baseURL(r)
	etag := entityTag(mediaDICOM, "multipart", base, digest(entries...))
	validators(w, etag, newest(entries))
	if notModified(w, r, etag) {
		return nil
	}
	if err := s.checkOpenable(r.Context(), entries); err != nil {
		return err
	}
	parts := make([]part, len(entries))
	for i, e := range entries {
		parts[i] = part{
			partHeader: partHeader{
				contentType: offer{mediaType: mediaDICOM, transferSyntax: e.TransferSyntax}.contentType(),
				location:    base + e.Ref.Path(),
				length:      e.Size,
			},
			open: func(ctx context.Context) (content, error) {
				in, err := s.open(ctx, e)
				if err != nil {
					return content{}, err
				}
				return content{in.File(), in.Close}, nil
			},
		}
	}
	return sendParts(w, r, http.StatusOK, mediaDICOM, etag, parts)
}

// checkOpenable opens and closes each file, so that one that is missing is a clear error and not a response that breaks off every
// time, after gigabytes. Part of a study as if it were all of it (206 of PS3.18 Table 10.4.3-1) is worse: clients don't notice.
func (s *Server) checkOpenable(ctx context.Context, entries []*store.Entry) error {
	if len(entries) == 1 {
		return nil // it is opened before the first byte anyway
	}
	for _, e := range entries {
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
