package dicomweb

import "strings"

// mediaType is a media type as clients write it: more kinds of spelling than mime.ParseMediaType takes. Values need no quotes
// whatever is in them ("type=application/dicom"), blanks may be around "=", a quote may be left open, and of a parameter that is
// repeated the first counts. Names are in lower case.
type mediaType struct {
	name   string // "multipart/related"
	params map[string]string
}

// parseMediaType reads the value of Content-Type.
func parseMediaType(s string) mediaType {
	m, _ := nextMediaType(s, ";")
	return m
}

// nextMediaType reads one media type of a list and returns what follows it. stop holds the characters that end a value: ";", and
// "," in a list.
func nextMediaType(s, stop string) (mediaType, string) {
	name, s := cutAny(s, stop)
	// A plus sign that was not percent-encoded in a query has become a blank, which no media type has.
	m := mediaType{name: strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "+")}
	for len(s) > 0 && s[0] == ';' {
		var param, value string
		param, s = cutAny(s[1:], "="+stop)
		if len(s) > 0 && s[0] == '=' {
			value, s = parameterValue(s[1:], stop)
		}
		if param = strings.ToLower(strings.TrimSpace(param)); param == "" {
			continue
		}
		if m.params == nil {
			m.params = map[string]string{}
		}
		if _, there := m.params[param]; !there {
			m.params[param] = value
		}
	}
	return m, s
}

// cutAny divides s before the first of the characters in stop.
func cutAny(s, stop string) (before, rest string) {
	if i := strings.IndexAny(s, stop); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// parameterValue reads a quoted string, or what comes before a character of stop, and returns the rest, which begins with such a
// character or is empty.
func parameterValue(s, stop string) (value, rest string) {
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest = cutAny(s, stop)
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	i := 1
	for ; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	_, rest = cutAny(s[min(i+1, len(s)):], stop)
	return b.String(), rest
}

// quoted writes a parameter's value as a quoted string.
func quoted(s string) string {
	if strings.ContainsAny(s, `\"`) {
		s = escapeQuoted.Replace(s)
	}
	return `"` + s + `"`
}

var escapeQuoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
