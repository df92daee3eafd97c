package dicomweb

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/deidentify"
	"github.com/noctis-dicom/noctis/store"
)

// parseAnonymize reads anonymize (PS3.18 9.4.2.3). A request that asks for the patient's name in the picture as well contradicts
// itself.
func (u *uriRequest) parseAnonymize(q url.Values) error {
	values, there := q["anonymize"]
	if !there {
		return nil
	}
	if len(values) != 1 || values[0] != "yes" {
		return badRequest(`anonymize: want "yes" (PS3.18 9.4.2.3)`)
	}
	u.anonymize = true
	return nil
}

// checkClean refuses an instance whose pixels may say who the patient is, for this server cannot clean them (PS3.18 9.4.1.2.1 wants
// the Clean Pixel Data Option).
func (s *Server) checkClean(r *http.Request, e *store.Entry) error {
	if e.Layout.Pixel == nil {
		return nil
	}
	var held store.Holding // given back before the instance is read again to be written
	defer held.Release()
	ds, err := s.heldDataSet(r.Context(), &held, e)
	if err != nil {
		return err
	}
	if why := deidentify.BurnedIn(ds); why != "" {
		return cannotAnonymize(e, why)
	}
	return nil
}

// checkAnonymousPicture refuses what has no picture, or one that says who the patient is.
func (s *Server) checkAnonymousPicture(r *http.Request, e *store.Entry, u uriRequest) error {
	switch {
	case e.Layout.Pixel == nil:
		return cannotAnonymize(e, "a document or report can only be had so as application/dicom")
	case u.rendering.Patient:
		return badRequest("anonymize and annotation=patient contradict each other")
	}
	return s.checkClean(r, e)
}

func cannotAnonymize(e *store.Entry, why string) error {
	return &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
		"instance %s cannot be anonymized: %s (PS3.18 9.4.2.3)", e.Ref.Instance, why)}
}

// sendAnonymized sends an instance as a file without what says who anybody is (PS3.15 E.2). Its pixel data is always encoded
// anew: a stored codestream may have comments, and stored samples may have an overlay in their unused bits.
func (s *Server) sendAnonymized(w http.ResponseWriter, r *http.Request, e *store.Entry, u uriRequest) error {
	if err := s.checkClean(r, e); err != nil {
		return err
	}
	if !canTranscode(e) {
		return cannotAnonymize(e, "pixel data in "+syntaxName(e.TransferSyntax)+" cannot be decoded here")
	}
	native := offer{mediaType: mediaDICOM, transferSyntax: dicom.ExplicitVRLittleEndian, preset: true}
	chosen, err := s.chooseURISyntax(r.Context(), u, e, append([]offer{native}, encodedFiles("")...))
	if err != nil {
		return err
	}
	etag := entityTag(mediaDICOM, "anonymized", s.fileTag(e, chosen), s.profile.ID())
	p := part{partHeader: partHeader{contentType: chosen.contentType(), location: exchangeOf(r).root + r.URL.RequestURI(), length: -1}}
	w.Header().Set("Content-Location", p.location)
	if done, err := answered(w, r, etag, e.Stored, byCharset); done {
		return err
	}
	body, err := s.transcode(r.Context(), e, chosen, s.profile)
	if err != nil {
		return undecodableHere(e, err)
	}
	return sendOpen(w, r, e, p, body)
}

// undecodableHere says that an instance cannot be anonymized because its pixel data cannot be decoded.
func undecodableHere(e *store.Entry, err error) error {
	if reason := (*undecodableError)(nil); errors.As(err, &reason) {
		return cannotAnonymize(e, fmt.Sprintf("its pixel data cannot be decoded: %v", reason))
	}
	return err
}
