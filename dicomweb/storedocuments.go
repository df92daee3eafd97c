package dicomweb

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// What the metadata of one instance may cost: as much as the header of a file (part10.Limits).
const (
	metadataBytes    = 64 << 20
	metadataElements = 2_000_000 // elements, items and what else opens a brace or a tag
)

func misread(err error) error {
	return &store.Failure{Reason: store.ReasonCannotUnderstand, Err: fmt.Errorf("metadata: %w", err)}
}

var errCostly = &store.Failure{Reason: store.ReasonLimitExceeded,
	Err: fmt.Errorf("metadata of one instance has more than %d bytes or %d elements", metadataBytes, metadataElements)}

func parseXMLMetadata(r *io.SectionReader, t *turn) (*dicom.DataSet, error) {
	counted := &costReader{r: r, turn: t, opening: '<', bytes: metadataBytes, elements: metadataElements}
	ds, err := dicom.ParseXML(counted)
	switch {
	case counted.waited != nil:
		return nil, counted.waited
	case counted.exceeded:
		return nil, errCostly
	case errors.Is(err, dicom.ErrNotXML):
		return nil, badRequest("the metadata is not XML: %v", err)
	case err != nil:
		return nil, misread(err)
	}
	return ds, nil
}

// jsonDataSets yields the data sets of an array (PS3.18 F.2.1), or the one that is not in an array. One is in memory at a time.
func jsonDataSets(r io.Reader, t *turn) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		for raw, err := range jsonObjects(r, t) {
			ds := new(dicom.DataSet)
			if err == nil {
				if err = ds.UnmarshalJSON(raw); err != nil {
					err = misread(err)
				}
			}
			if !yield(ds, err) {
				return
			}
		}
	}
}

// jsonObjects yields the texts of these data sets. Each is valid until the next.
func jsonObjects(r io.Reader, t *turn) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		defer t.pass()
		in := bufio.NewReader(r)
		if b, _ := in.Peek(3); string(b) == "\xEF\xBB\xBF" { // a byte order mark, from Windows
			in.Discard(3)
		}
		counted := &costReader{r: in, turn: t, opening: '{'}
		decoder := json.NewDecoder(counted)
		var raw json.RawMessage
		next := func() error {
			if t.mine { // what is kept to be used again is long
				raw = nil
			}
			t.pass()
			counted.bytes, counted.elements, raw = metadataBytes, metadataElements, raw[:0]
			return decoder.Decode(&raw)
		}
		fail := func(err error) {
			switch {
			case counted.exceeded:
				yield(nil, errCostly)
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(*json.SyntaxError)):
				yield(nil, badRequest("the metadata is not JSON: it breaks at byte %d", decoder.InputOffset()))
			default:
				yield(nil, err)
			}
		}
		isArray := firstByte(in) == '['
		if isArray {
			counted.bytes, counted.elements = metadataBytes, metadataElements
			if _, err := decoder.Token(); err != nil {
				fail(err)
				return
			}
		}
		for !isArray || decoder.More() {
			if err := next(); err != nil {
				fail(err)
				return
			}
			if !yield(raw, nil) {
				return
			}
			if !isArray {
				break
			}
		}
		if isArray {
			if _, err := decoder.Token(); err != nil {
				fail(err)
				return
			}
		}
		if err := next(); err != io.EOF {
			fail(&json.SyntaxError{})
		}
	}
}

// firstByte passes white space and returns what comes then, unread.
func firstByte(in *bufio.Reader) byte {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0
		}
		if !bytes.ContainsRune([]byte(" \t\r\n"), rune(b)) {
			in.UnreadByte() // a byte was just read
			return b
		}
	}
}

// costReader bounds what is read of one instance. The bytes that open an element or an item are counted, wherever they stand: the
// bound is one above what there can be.
type costReader struct {
	r               io.Reader
	opening         byte
	bytes, elements int64
	exceeded        bool
	turn            *turn
	waited          error // for the turn, and in vain
}

func (c *costReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.bytes -= int64(n)
	c.elements -= int64(bytes.Count(p[:n], []byte{c.opening}))
	if c.bytes < 0 || c.elements < 0 {
		c.exceeded = true
		return 0, errCostly
	}
	if c.bytes < metadataBytes-longMetadata {
		if c.waited = c.turn.take(); c.waited != nil {
			return 0, c.waited
		}
	}
	return n, err
}
