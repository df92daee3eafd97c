package hl7

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// The bytes that MLLP frames a message with.
const (
	startBlock = "\x0B"
	endBlock   = "\x1C"
)

// IsFile reports whether the beginning of a file looks like HL7 v2.
func IsFile(text []byte) bool {
	text = bytes.TrimLeft(narrow(text), startBlock+" \t\r\n")
	for _, name := range []string{"MSH", "FHS", "BHS"} {
		if bytes.HasPrefix(text, []byte(name)) {
			return true
		}
	}
	return false
}

// Split parts a file into its messages: one, several behind each other, or a batch (FHS, BHS, BTS, FTS). Segments end with CR, LF or both, and
// may have the frames of MLLP around them. The messages are there even if the error says that the file is not whole.
func Split(text []byte) (messages [][]byte, err error) {
	b := batch{}
	text = narrow(text)
	for _, sign := range []string{startBlock, endBlock, "\r\n", "\n"} {
		text = bytes.ReplaceAll(text, []byte(sign), []byte("\r"))
	}
	for line := range bytes.SplitSeq(text, []byte("\r")) {
		b.line(line)
	}
	if err := b.end(); err != nil {
		return b.messages, err
	}
	if len(b.messages) == 0 {
		return nil, errors.New("there is no message in it")
	}
	return b.messages, nil
}

// narrow makes UTF-8 of UTF-16, which the mark at the beginning of a file tells, and takes the mark away.
func narrow(text []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(text, []byte("\xEF\xBB\xBF")):
		return text[3:]
	case bytes.HasPrefix(text, []byte("\xFF\xFE")):
		order = binary.LittleEndian
	case bytes.HasPrefix(text, []byte("\xFE\xFF")):
		order = binary.BigEndian
	default:
		return text
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, order.Uint16(text[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// batch gathers messages, and what their headers and trailers say.
type batch struct {
	messages  [][]byte
	open      []string // headers whose trailers have not come
	inBatch   int      // messages since BHS
	inMessage bool
	err       error
	stray     int
}

func (b *batch) line(line []byte) {
	name := ""
	if len(line) >= 3 {
		name = string(line[:3])
	}
	switch name {
	case "FHS", "BHS":
		b.inMessage = false
		b.open = append(b.open, name)
		b.inBatch = 0
	case "BTS", "FTS":
		b.inMessage = false
		b.close(name, line)
	case "MSH":
		b.messages = append(b.messages, bytes.Clone(line))
		b.inMessage = true
		b.inBatch++
	default:
		if len(bytes.TrimSpace(line)) == 0 {
			return
		}
		if !b.inMessage {
			b.stray++
			return
		}
		last := &b.messages[len(b.messages)-1]
		*last = append(append(*last, '\r'), line...)
	}
}

// close reads a trailer. BTS-1 says how many messages there were.
func (b *batch) close(name string, line []byte) {
	header := name[:1] + "HS"
	if n := len(b.open); n == 0 || b.open[n-1] != header {
		b.fault(&Error{Segment: name, Reason: "there is no " + header + " for it"})
		return
	}
	b.open = b.open[:len(b.open)-1]
	if name == "FTS" || len(line) < 5 {
		return
	}
	count, _, _ := strings.Cut(string(line[4:]), string(line[3:4]))
	if n, err := strconv.Atoi(strings.TrimSpace(count)); err == nil && n != b.inBatch {
		b.fault(&Error{Segment: name, Field: 1, Reason: fmt.Sprintf("the batch has %d messages, and says %d", b.inBatch, n)})
	}
}

func (b *batch) fault(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *batch) end() error {
	if len(b.open) > 0 {
		b.fault(&Error{Segment: b.open[0], Reason: "its trailer is missing: the file is cut off"})
	}
	if b.stray > 0 {
		b.fault(fmt.Errorf("%d lines belong to no message", b.stray))
	}
	return b.err
}
