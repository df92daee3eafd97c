package dicom

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonScanner reads the syntax of JSON (RFC 8259) from a text that is known to be UTF-8. It is made for the DICOM JSON model:
// strings without escapes are parts of the text and cost nothing, numbers keep their spelling, and no depth of nesting can
// exhaust the stack. Errors say what was wanted and at which byte, never what stood there.
type jsonScanner struct {
	text string
	pos  int
}

// maxSkip is how deeply arrays and objects may be nested in a member that is not read: what maxDepth sequences need, and some.
const maxSkip = 4 * maxDepth

func (s *jsonScanner) fail(format string, args ...any) error {
	return fmt.Errorf("DICOM JSON, byte %d: %s", s.pos, fmt.Sprintf(format, args...))
}

// next passes white space and returns the byte after it, 0 at the end of the text.
func (s *jsonScanner) next() byte {
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expect passes the byte c, which must be next.
func (s *jsonScanner) expect(c byte) error {
	if s.next() != c || s.pos == len(s.text) {
		return s.fail("%q expected", c)
	}
	s.pos++
	return nil
}

// word passes null, true or false if it is next.
func (s *jsonScanner) word(w string) bool {
	s.next()
	if !strings.HasPrefix(s.text[s.pos:], w) {
		return false
	}
	s.pos += len(w)
	return true
}

// object reads an object; member is called behind each name and its colon, and reads the value.
func (s *jsonScanner) object(member func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	return s.list('}', func() error {
		name, err := s.string()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// array reads an array; element is called before each value, and reads it.
func (s *jsonScanner) array(element func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	return s.list(']', element)
}

func (s *jsonScanner) list(end byte, element func() error) error {
	if s.next() == end {
		s.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.next() {
		case end:
			s.pos++
			return nil
		case ',':
			s.pos++
		default:
			return s.fail("',' or %q expected", end)
		}
	}
}

// number reads a number and returns it as it is spelled.
func (s *jsonScanner) number() (string, error) {
	s.next()
	n := jsonNumberLength(s.text[s.pos:])
	if n == 0 {
		return "", s.fail("number expected")
	}
	text := s.text[s.pos : s.pos+n]
	s.pos += n
	return text, nil
}

// string reads a string.
func (s *jsonScanner) string() (string, error) {
	if s.next() != '"' {
		return "", s.fail("string expected")
	}
	s.pos++
	start := s.pos
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return s.text[start : s.pos-1], nil
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return "", s.fail("control character in a string")
		}
	}
	return "", s.fail("string without an end")
}

// escaped reads on at the first escape of the string that began at start.
func (s *jsonScanner) escaped(start int) (string, error) {
	out := []byte(s.text[start:s.pos])
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return string(out), nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			return "", s.fail("control character in a string")
		default:
			out = append(out, c)
			s.pos++
		}
	}
	return "", s.fail("string without an end")
}

// escape reads an escape sequence. Half a surrogate pair becomes U+FFFD (RFC 8259 8.2).
func (s *jsonScanner) escape() (rune, error) {
	if s.pos+1 < len(s.text) && s.text[s.pos+1] != 'u' {
		i := strings.IndexByte(`"\/bfnrt`, s.text[s.pos+1])
		if i < 0 {
			return 0, s.fail("unknown escape")
		}
		s.pos += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	r, ok := s.unicodeEscape()
	if !ok {
		return 0, s.fail("unknown escape")
	}
	if utf16.IsSurrogate(r) {
		back := s.pos
		low, ok := s.unicodeEscape()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			s.pos = back
			return utf8.RuneError, nil
		}
	}
	return r, nil
}

// unicodeEscape reads \uXXXX, if it is next.
func (s *jsonScanner) unicodeEscape() (rune, bool) {
	rest := s.text[s.pos:]
	if len(rest) < 6 || rest[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(rest[2:6], 16, 16)
	if err != nil {
		return 0, false
	}
	s.pos += 6
	return rune(n), true
}

// skip passes a value of any kind.
func (s *jsonScanner) skip(depth int) error {
	if depth > maxSkip {
		return s.fail("nested more than %d deep", maxSkip)
	}
	switch c := s.next(); {
	case c == '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case c == '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case c == '"':
		_, err := s.string()
		return err
	case s.word("null"), s.word("true"), s.word("false"):
		return nil
	}
	_, err := s.number()
	return err
}

// ObjectLength is the length of the JSON object with which a text begins, 0 if there is none or it does not end. What is in it is not checked.
func ObjectLength[T string | []byte](text T) int {
	if len(text) == 0 || text[0] != '{' {
		return 0
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
