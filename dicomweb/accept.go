package dicomweb

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// mediaRange is one element of Accept (PS3.18 8.7.7): what a client takes, and how gladly.
type mediaRange struct {
	multipart      bool   // multipart/related; mediaType is that of the parts
	mediaType      string // "image/jpeg", "image/*" or "*/*"
	transferSyntax string // a UID, "*", or "" where the client says nothing
	q              float64
	charset        string // the parameter, as it is there
}

// acceptance is what a client accepts: the ranges of the accept query parameter, which come first, and those of the Accept header
// (PS3.18 8.7.8.1).
type acceptance struct {
	query, header []mediaRange
	charsets      []acceptableCharset
	silent        bool // the client said nothing at all
	strict        bool // PS3.18 8.7.5 to the letter
}

// offer is a representation that a resource has.
type offer struct {
	multipart      bool      // parts of multipart/related, else the whole body
	mediaType      string    // "application/dicom"
	transferSyntax dicom.UID // "" where the media type has none: JSON, rendered pictures
	// preset: it may be sent to a client that names no transfer syntax (PS3.18 8.7.3.4). Of no meaning without transferSyntax.
	preset bool
	// standard: it is there for clients that name no transfer syntax, and may give way to another where it cannot be made.
	standard bool
	// stored: these are the stored bytes. verbatim: and only transfer-syntax=* means them, for they are not what they say.
	stored, verbatim bool
	// charset is what the client wants its text in; nil: it leaves that to us. Only that of chosen offers means something.
	charset *dicom.CharacterSet
	// encoded: pixel data has to be encoded for it, which its description may not allow.
	encoded bool
}

// String writes the offer as an Accept header would ask for it.
func (o offer) String() string {
	s := o.mediaType
	if o.multipart {
		s = "multipart/related; type=" + quoted(o.mediaType)
	}
	if o.transferSyntax != "" {
		s += "; transfer-syntax=" + string(o.transferSyntax)
	}
	return s
}

// contentType writes the Content-Type of a part, or of a single part response: it always says how the bytes are encoded.
func (o offer) contentType() string {
	o.multipart = false
	if o.charset != nil && o.charset.Name() != "" {
		return o.String() + "; charset=" + o.charset.Name()
	}
	return o.String()
}

// acceptOf reads what a request accepts.
func acceptOf(r *http.Request) acceptance {
	query, _ := queryOf(r) // one that cannot be read asks for nothing
	a := parseAccept(r.Header.Values("Accept"), query["accept"])
	a.charsets = charsetsOf(r)
	a.strict = exchangeOf(r).strict
	return a
}

// parseAccept reads Accept headers and accept query parameters. It has no error: values that are not valid are ignored, and so are
// parameters (PS3.18 8.7.7); what then remains decides. A list with DICOM and rendered media types together, which 8.7.5 would
// refuse with 400, is what viewers send: the resource decides which of them are meant.
func parseAccept(header, query []string) acceptance {
	h, q := strings.Join(header, ","), strings.Join(query, ",")
	return acceptance{
		query:  parseRanges(q),
		header: parseRanges(h),
		silent: strings.TrimSpace(h) == "" && strings.TrimSpace(q) == "",
	}
}

// maxRanges bounds the list of a client; OHIF's longest has 8.
const maxRanges = 100

func parseRanges(s string) []mediaRange {
	var ranges []mediaRange
	for len(s) > 0 && len(ranges) < maxRanges {
		var m mediaType
		m, s = nextMediaType(s, ";,")
		s = strings.TrimPrefix(s, ",")
		if r, ok := rangeOf(m); ok {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// rangeOf reads a media range; false if it is none.
func rangeOf(m mediaType) (mediaRange, bool) {
	r := mediaRange{mediaType: m.name, transferSyntax: m.params["transfer-syntax"], charset: m.params["charset"], q: 1}
	if q, there := m.params["q"]; there {
		r.q = parseWeight(q)
	}
	if m.name == "*" { // old Java clients write it so
		r.mediaType = "*/*"
	}
	if kind, _, _ := strings.Cut(m.name, "/"); kind == "multipart" {
		if m.name != "multipart/related" && m.name != "multipart/*" {
			return mediaRange{}, false
		}
		// Some clients put the transfer syntax into the quoted type.
		part := parseMediaType(m.params["type"])
		r.multipart, r.mediaType = true, part.name
		if r.mediaType == "" || r.mediaType == "*" {
			r.mediaType = "*/*"
		}
		if r.transferSyntax == "" {
			r.transferSyntax = part.params["transfer-syntax"]
		}
	}
	if alias, there := oldMediaTypes[r.mediaType]; there {
		r.mediaType = alias
	}
	kind, subtype, _ := strings.Cut(r.mediaType, "/")
	return r, kind != "" && subtype != "" && (kind != "*" || subtype == "*")
}

// oldMediaTypes are names from before the media types were registered (PS3.18 8.7.3.3.2, note), and one that was never and is often met.
var oldMediaTypes = map[string]string{
	"image/jpg":         "image/jpeg",
	"image/x-dicom-rle": "image/dicom-rle",
	"image/x-jls":       "image/jls",
}

// parseWeight reads a q value; what is none counts as 1, and what is beyond the bounds as the bound.
func parseWeight(s string) float64 {
	q, err := strconv.ParseFloat(s, 64)
	if err != nil || q != q {
		return 1
	}
	return min(max(q, 0), 1)
}

// specificity ranks how closely the range describes the offer; 0 if it does not.
func (r mediaRange) specificity(o offer) int {
	rank := 0
	switch kind, _, _ := strings.Cut(o.mediaType, "/"); {
	case r.multipart && !o.multipart:
		return 0
	case r.mediaType == o.mediaType && r.multipart == o.multipart:
		rank = 30
	case r.mediaType == kind+"/*" && r.multipart == o.multipart:
		rank = 20
	case r.mediaType == "*/*":
		rank = 10
	default:
		return 0
	}
	if r.multipart {
		rank += 5
	}
	switch {
	case o.verbatim && r.transferSyntax != "*":
		return 0
	case r.transferSyntax == "":
		if o.transferSyntax != "" && !o.preset {
			return 0
		}
		return rank
	case r.transferSyntax == "*":
		return rank + 1
	case o.transferSyntax == "": // the parameter means nothing for this type, so it is ignored
		return rank
	case r.transferSyntax == string(o.transferSyntax):
		return rank + 2
	}
	return 0
}

// best returns the offer with the highest weight, the earliest of equals, in the character set that is wanted; false if no range
// takes any.
func (a acceptance) best(ranges []mediaRange, offers []offer) (offer, bool) {
	chosen, weight, charset := -1, 0.0, ""
	for i, o := range offers {
		closest, q, param := 0, 0.0, ""
		for _, r := range ranges {
			if rank := r.specificity(o); rank > closest || rank > 0 && rank == closest && r.q > q {
				closest, q, param = rank, r.q, r.charset
			}
		}
		if q > weight {
			chosen, weight, charset = i, q, param
		}
	}
	if chosen < 0 {
		return offer{}, false
	}
	o := offers[chosen]
	o.charset = a.charset(o, charset)
	return o, true
}

// choose selects a representation (PS3.18 8.7.8.1). The offers are in the server's order of preference, which decides between
// equals. A client that says nothing gets the first preset one, which is the resource's default: 8.7.5 would have 406, but real
// clients leave Accept out. The error is 406 and lists what there is.
func (a acceptance) choose(offers ...offer) (offer, error) {
	if a.strict {
		if err := a.checkStrict(offers); err != nil {
			return offer{}, err
		}
	}
	ranges := a.header
	if a.silent {
		ranges = []mediaRange{{mediaType: "*/*", q: 1}}
	}
	if o, found := a.best(a.query, offers); found {
		return o, nil
	}
	if o, found := a.best(ranges, offers); found {
		return o, nil
	}
	return offer{}, notAcceptable(slices.Concat(a.query, a.header), offers)
}
