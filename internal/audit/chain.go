package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// hash is that of a line, without its end.
type hash [sha256.Size]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

// link is a line's place in the chain: its number, from 1, and its hash. The zero value is where the chain begins.
type link struct {
	n    uint64
	hash hash
}

// longest is the most bytes of a line. A request's header is bounded, and so is what is named of instances.
const longest = 1 << 20

// appendLine appends the line of an event that is written as JSON, and returns its link. What is hashed is the line as it stands in the
// file, so that nothing has to be written twice in the same way to be checked; "sha256sum" can check it.
func appendLine(to []byte, last link, event []byte) ([]byte, link) {
	start := len(to)
	to = fmt.Appendf(to, `{"n":%d,"prev":"%s",`, last.n+1, last.hash)
	to = append(to, event[1:]...)
	next := link{last.n + 1, sha256.Sum256(to[start:])}
	return append(to, '\n'), next
}

// line is one of the log, as it is read.
type line struct {
	link
	prev hash
	text []byte
}

var errNoLine = errors.New("it is not a line of the log")

// parseLine reads the place of a line, without its end, and leaves the event unread.
func parseLine(text []byte) (line, error) {
	rest, ok := bytes.CutPrefix(text, []byte(`{"n":`))
	digits, rest, found := bytes.Cut(rest, []byte(`,"prev":"`))
	n, err := strconv.ParseUint(string(digits), 10, 64)
	l := line{link: link{n, sha256.Sum256(text)}, text: text}
	if !ok || !found || err != nil || n == 0 || len(rest) < 2*len(l.prev)+2 {
		return line{}, errNoLine
	}
	if _, err := hex.Decode(l.prev[:], rest[:2*len(l.prev)]); err != nil || string(rest[2*len(l.prev):][:2]) != `",` {
		return line{}, errNoLine
	}
	return l, nil
}

// Record is an event in the log.
type Record struct {
	N    uint64 `json:"n"` // from 1
	Prev string `json:"prev"`
	Event
	hash hash
}

// record reads the event of a line.
func (l line) record() (Record, error) {
	r := Record{hash: l.hash}
	if err := json.Unmarshal(l.text, &r); err != nil {
		return Record{}, errNoLine
	}
	return r, nil
}
