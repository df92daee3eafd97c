// Package hl7 reads orders of HL7 v2 as scheduled procedure steps: ORM^O01, as IHE's Scheduled Workflow has them (RAD-4), OMG^O19, and
// OMI^O23.
//
// file.go parts a file into messages; charset.go makes them text; this file has segments, fields and escapes; order.go has what a message
// asks for, attributes.go which field is which attribute, datatypes.go how a value of one standard becomes one of the other. Errors name the
// place and what is wrong there, and never the value, since it may be a patient's.
package hl7

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is what is wrong with a message, and where.
type Error struct {
	Segment   string // "" where the whole message is meant
	Index     int    // which of the segments of that name, from 1
	Field     int    // 0: the segment
	Component int    // 0: the field
	Reason    string
}

// Error spells the place as OBR[2]-27.4.
func (e *Error) Error() string {
	at := e.Segment
	if e.Index > 1 {
		at += fmt.Sprintf("[%d]", e.Index)
	}
	if e.Field > 0 {
		at += fmt.Sprintf("-%d", e.Field)
	}
	if e.Component > 0 {
		at += fmt.Sprintf(".%d", e.Component)
	}
	if at == "" {
		return e.Reason
	}
	return at + ": " + e.Reason
}

// Message is a message of HL7 v2.
type Message struct {
	Segments []Segment

	field                                        string // the separators of MSH-1 and MSH-2
	component, repetition, escape, subcomponents string
	charset                                      charset
	first                                        map[string]Segment // of each name
}

// Segment is a segment of a message.
type Segment struct {
	Name   string
	Index  int // which of the segments of that name, from 1
	fields []string
	m      *Message
}

// What the separators of a message can ask for is bounded. Further fields and repetitions are not looked at.
const (
	mostSegments    = 10000
	mostFields      = 1000
	mostRepetitions = 1000
)

// Parse reads one message, as Split returns it. The error is an *Error.
func Parse(raw []byte) (*Message, error) {
	m := &Message{first: map[string]Segment{}}
	if err := m.header(raw); err != nil {
		return nil, err
	}
	text := m.charset.decode(raw)
	seen := map[string]int{}
	var more []string // lines of the last segment behind its first
	end := func() {
		if n := len(m.Segments); n > 0 && len(more) > 0 {
			field := &m.Segments[n-1].fields[len(m.Segments[n-1].fields)-1]
			*field = strings.Join(append([]string{*field}, more...), "\n")
		}
		more = nil
	}
	for line := range strings.SplitSeq(text, "\r") {
		if line == "" {
			continue
		}
		if !m.begins(line) { // a line that is no segment goes on where the last one ended
			more = append(more, line)
			continue
		}
		end()
		if len(m.Segments) == mostSegments {
			return nil, &Error{Reason: fmt.Sprintf("the message has more than %d segments", mostSegments)}
		}
		name := line[:3]
		seen[name]++
		s := Segment{Name: name, Index: seen[name], fields: strings.SplitN(line, m.field, mostFields), m: m}
		if name == "MSH" { // MSH-1 is the separator itself
			s.fields = append([]string{name, m.field}, s.fields[1:]...)
		}
		m.Segments = append(m.Segments, s)
	}
	end()
	for _, s := range m.Segments {
		if _, there := m.first[s.Name]; !there {
			m.first[s.Name] = s
		}
	}
	return m, nil
}

// header reads the separators and the character set, which are needed to read anything else.
func (m *Message) header(raw []byte) error {
	line, _, _ := strings.Cut(string(raw), "\r")
	if len(line) < 8 || !strings.HasPrefix(line, "MSH") {
		return &Error{Reason: "a message begins with MSH"}
	}
	m.field = line[3:4]
	signs, _, _ := strings.Cut(line[4:], m.field)
	if len(signs) < 4 || len(signs) > 5 {
		return &Error{Segment: "MSH", Field: 2, Reason: "want four encoding characters"}
	}
	for i, c := range m.field + signs {
		if c > 0x7E || c <= ' ' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune((m.field + signs)[:i], c) {
			return &Error{Segment: "MSH", Field: 2, Reason: "the separators are not different signs"}
		}
	}
	m.component, m.repetition, m.escape, m.subcomponents = signs[:1], signs[1:2], signs[2:3], signs[3:4]
	var names []string
	if fields := strings.SplitN(line, m.field, 20); len(fields) > 17 {
		names = strings.Split(fields[17], m.repetition)
	}
	var known bool
	if m.charset, known = charsetOf(names, raw); !known {
		return &Error{Segment: "MSH", Field: 18, Reason: "a character set that is not known here"}
	}
	return nil
}

// begins reports whether a line is a segment: three capitals or digits, and a field separator or nothing.
func (m *Message) begins(line string) bool {
	if len(line) < 3 || len(line) > 3 && line[3:4] != m.field {
		return false
	}
	for _, c := range []byte(line[:3]) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// First is the first segment of a name.
func (m *Message) First(name string) Segment {
	if s, there := m.first[name]; there {
		return s
	}
	return Segment{Name: name, Index: 1, m: m}
}

// There reports whether the message has the segment.
func (s Segment) There() bool { return s.fields != nil }

// Value is one repetition of a field.
type Value struct {
	m    *Message
	text string
}

// Values are the repetitions of a field that are not empty.
func (s Segment) Values(field int) (all []Value) {
	if field >= len(s.fields) {
		return nil
	}
	for text := range strings.SplitSeq(s.fields[field], s.m.repetition) {
		if len(all) == mostRepetitions {
			break
		}
		if text != "" && text != `""` {
			all = append(all, Value{s.m, text})
		}
	}
	return all
}

// Text is a component of the first repetition of a field, without escapes; of one that has subcomponents the first. "" where there is none, and
// where the sender wants it emptied.
func (s Segment) Text(field, component int) string {
	if values := s.Values(field); len(values) > 0 {
		return values[0].Text(component, 1)
	}
	return ""
}

// Text is a subcomponent of a component, without escapes.
func (v Value) Text(component, subcomponent int) string {
	text := nth(nth(v.text, v.m.component, component), v.m.subcomponents, subcomponent)
	if text == `""` {
		return ""
	}
	return v.m.unescape(text)
}

func nth(text, separator string, n int) string {
	parts := strings.SplitN(text, separator, n+1)
	if len(parts) < n {
		return ""
	}
	return parts[n-1]
}

// fault is an Error at a field.
func (s Segment) fault(field, component int, format string, a ...any) error {
	return &Error{s.Name, s.Index, field, component, fmt.Sprintf(format, a...)}
}

// unescape replaces the escape sequences. Those that only say how a text is shown, and those that nobody knows, are left out.
func (m *Message) unescape(text string) string {
	var out strings.Builder
	for {
		before, rest, begins := strings.Cut(text, m.escape)
		sequence, after, ends := strings.Cut(rest, m.escape)
		if out.WriteString(before); !begins {
			return out.String()
		}
		if !ends { // a lone one stands for itself
			out.WriteString(m.escape + rest)
			return out.String()
		}
		out.WriteString(m.sequence(sequence))
		text = after
	}
}

func (m *Message) sequence(sequence string) string {
	switch sequence {
	case "F":
		return m.field
	case "S":
		return m.component
	case "T":
		return m.subcomponents
	case "R":
		return m.repetition
	case "E":
		return m.escape
	case ".br", ".sp":
		return "\n"
	}
	if digits, isHex := strings.CutPrefix(sequence, "X"); isHex {
		if b, err := hex.DecodeString(digits); err == nil {
			if text := m.charset.decode(b); utf8.ValidString(text) {
				return text
			}
		}
	}
	return ""
}
