package dicomweb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// acceptableCharset is one element of Accept-Charset, or of the charset query parameter (PS3.18 8.3.3.2, 8.8.4).
type acceptableCharset struct {
	set *dicom.CharacterSet // nil: "*", any
	q   float64
}

// charsetsOf reads what character sets a request accepts: those of the query parameter, then those of the header field. The
// parameter has no wildcard (PS3.18 8.3.3.2).
func charsetsOf(r *http.Request) []acceptableCharset {
	query, _ := queryOf(r)
	named := slices.DeleteFunc(parseCharsets(query["charset"]), func(c acceptableCharset) bool { return c.set == nil })
	return append(named, parseCharsets(r.Header.Values("Accept-Charset"))...)
}

// parseCharsets reads a list of character sets, the best first. Those that are not known are ignored (PS3.18 8.8.1). Defined Terms
// with code extensions that follow each other are one set, for so they stand in Specific Character Set.
func parseCharsets(list []string) []acceptableCharset {
	var sets []acceptableCharset
	var terms []string
	weight := 1.0
	flush := func() {
		if set, known := dicom.CharacterSetOf(terms...); known {
			sets = append(sets, acceptableCharset{set, weight})
		}
		terms = nil
	}
	rest := strings.Join(list, ",")
	for n := 0; rest != "" && n < maxRanges; n++ {
		var name string
		name, rest = parameterValue(rest, ";,")
		q := 1.0
		for strings.HasPrefix(rest, ";") {
			var param, value string
			if param, rest = cutAny(rest[1:], "=;,"); strings.HasPrefix(rest, "=") {
				value, rest = parameterValue(rest[1:], ";,")
			}
			if strings.EqualFold(strings.TrimSpace(param), "q") {
				q = parseWeight(value)
			}
		}
		rest = strings.TrimPrefix(rest, ",")
		if len(terms) > 0 && !dicom.HasExtensions(name) {
			flush()
		}
		if len(terms) == 0 {
			weight = q
		}
		if name == "*" {
			sets = append(sets, acceptableCharset{nil, q})
			continue
		}
		if terms = append(terms, name); !dicom.HasExtensions(name) {
			flush()
		}
	}
	flush()
	sets = slices.DeleteFunc(sets, func(c acceptableCharset) bool { return c.q == 0 })
	slices.SortStableFunc(sets, func(a, b acceptableCharset) int { return cmp.Compare(b.q, a.q) })
	return sets
}

// charset selects the character set of an offer that was chosen by a range with the parameter charset (PS3.18 8.8.5); nil: the client
// leaves it to us, or the offer has no text that we write. DICOM JSON and XML are UTF-8, whatever is asked for (PS3.18 F.2).
func (a acceptance) charset(o offer, param string) *dicom.CharacterSet {
	text := strings.HasPrefix(o.mediaType, "text/")
	if !text && o.kind() == "" {
		return nil
	}
	for _, c := range append(parseCharsets([]string{param}), a.charsets...) {
		if c.set == nil || !text || c.set.ForDocuments() {
			return c.set
		}
	}
	return nil
}

// charsetTag names a selected character set, for an entity tag.
func (o offer) charsetTag() string {
	if o.charset == nil {
		return ""
	}
	return "charset=" + strings.Join(o.charset.Terms(), `\`)
}

// ascii is the character set that every other one has.
var ascii, _ = dicom.CharacterSetOf("US-ASCII")

// settleCharset makes the offer of a file one that can be kept: a stored file without a character beyond ASCII is in any character
// set, another one has to be written anew. The error is 406, if the text of the instance is not in the character set (PS3.18 8.8.5).
func (s *Server) settleCharset(ctx context.Context, e *store.Entry, o offer) (offer, error) {
	if o.charset == nil {
		return o, nil
	}
	ds, err := s.dataSet(ctx, e)
	switch {
	case err != nil:
		return offer{}, err
	case o.stored && ascii.Covers(ds):
		o.charset = nil
		return o, nil
	case !o.charset.Covers(ds):
		return offer{}, notInCharset(e, o.charset)
	case o.stored && !canRewrite(e):
		return offer{}, &problem{status: http.StatusNotAcceptable, detail: fmt.Sprintf(
			"instance %s cannot be written in another character set in %s; ask for it without a character set, or in Explicit VR Little Endian",
			e.Ref.Instance, syntaxName(e.TransferSyntax))}
	}
	o.stored = false
	return o, nil
}

// canRewrite reports whether a file can be written anew in the transfer syntax that it is stored in, its frames as they are.
func canRewrite(e *store.Entry) bool {
	ts, known := dicom.TransferSyntaxOf(e.TransferSyntax)
	p := e.Layout.Pixel
	if p == nil || !p.Encapsulated {
		return known && !ts.BigEndian && !slices.Contains(jpip, e.TransferSyntax)
	}
	return p.NumberOfFrames > 0
}

func notInCharset(e *store.Entry, c *dicom.CharacterSet) error {
	return &problem{status: http.StatusNotAcceptable, err: dicom.ErrNotInCharacterSet, detail: fmt.Sprintf(
		"instance %s has characters that are not in the character set %s (PS3.18 8.8.5); UTF-8 has all",
		e.Ref.Instance, cmp.Or(c.Name(), strings.Join(c.Terms(), `\`)))}
}

// inCharset is a rendition that is text, in the character set that was chosen. What cannot be written in it is 406 when it is opened.
func (m made) inCharset(e *store.Entry, c *dicom.CharacterSet) made {
	open := m.open
	m.open = func(ctx context.Context) (content, error) {
		body, err := open(ctx)
		if err != nil {
			return content{}, err
		}
		defer body.Close()
		text, err := io.ReadAll(body)
		if err != nil {
			return content{}, err
		}
		encoded, err := c.EncodeDocument(string(declared(text, c.Name())))
		if errors.Is(err, dicom.ErrNotInCharacterSet) {
			err = notInCharset(e, c)
		}
		return contentOf(encoded), err
	}
	return m
}

// declared has a document of HTML or XML say another character set: both do so before anything of the report.
func declared(text []byte, name string) []byte {
	for _, mark := range []string{`<meta charset="`, `<?xml version="1.0" encoding="`} {
		before, after, found := bytes.Cut(text, []byte(mark+"utf-8"))
		if !found {
			before, after, found = bytes.Cut(text, []byte(mark+"UTF-8"))
		}
		if found {
			return slices.Concat(before, []byte(mark+name), after)
		}
	}
	return text
}
