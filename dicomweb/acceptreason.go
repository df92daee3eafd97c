package dicomweb

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxReasons is how many media ranges of a client are explained.
const maxReasons = 10

// notAcceptable is 406: why each range lost, and what would be acceptable (PS3.18 8.5).
func notAcceptable(ranges []mediaRange, offers []offer) error {
	var lost, list []string
	for _, r := range ranges[:min(len(ranges), maxReasons)] {
		lost = append(lost, fmt.Sprintf("%.160q %s", r.String(), r.loses(offers)))
	}
	for _, o := range offers {
		if s := o.String(); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	detail := "none of the acceptable media types is available"
	if len(lost) > 0 {
		detail += " (" + strings.Join(lost, "; ") + ")"
	}
	return &problem{status: http.StatusNotAcceptable, detail: detail + "; available are: " + strings.Join(list, ", ")}
}

// String writes the range as an Accept header has it.
func (r mediaRange) String() string {
	s := r.mediaType
	if r.multipart {
		s = "multipart/related; type=" + s
	}
	if r.transferSyntax != "" {
		s += "; transfer-syntax=" + r.transferSyntax
	}
	return s
}

// loses says why a range takes none of the offers, or none that another one does not refuse.
func (r mediaRange) loses(offers []offer) string {
	if r.q == 0 {
		return "has a weight of 0"
	}
	form, typed := false, false
	for _, o := range offers {
		bare := mediaRange{multipart: r.multipart, mediaType: r.mediaType, transferSyntax: "*"}
		form = form || bare.specificity(o) > 0
		bare.multipart = !r.multipart
		typed = typed || bare.specificity(o) > 0
	}
	switch {
	case form && r.transferSyntax == "":
		return "names no transfer syntax, and the default is not available"
	case form:
		return "is not available in this transfer syntax, or refused by a more specific range"
	case typed && r.multipart:
		return "is not available in parts"
	case typed:
		return "is available in parts only: multipart/related"
	}
	return "is not what this resource has"
}

// Media types that are DICOM's or those of pictures and texts, and never both (PS3.18 8.7.3, 8.7.4): image/jpeg is either.
var (
	onlyDICOM = []string{
		mediaDICOM, "application/dicom+json", mediaXML, mediaOctets, "image/dicom-rle", "image/jls", "image/jpx", "image/jphc", mediaZip,
	}
	onlyRendered = []string{"image/gif", "image/png", "image/jph", "text/html", "text/plain", "text/xml", "text/rtf", "application/pdf"}
)

// checkStrict refuses what PS3.18 8.7.5 refuses and clients send all the same: no Accept at all, and DICOM and rendered media types in
// one list.
func (a acceptance) checkStrict(offers []offer) error {
	if a.silent {
		return because(notAcceptable(nil, offers), "there is no Accept header (PS3.18 8.7.5)")
	}
	has := func(types []string) bool {
		in := func(r mediaRange) bool { return slices.Contains(types, r.mediaType) }
		return slices.ContainsFunc(a.query, in) || slices.ContainsFunc(a.header, in)
	}
	if has(onlyDICOM) && has(onlyRendered) {
		return badRequest("Accept has DICOM and rendered media types together (PS3.18 8.7.5)")
	}
	return nil
}
