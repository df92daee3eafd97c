package dicomweb

import (
	"bytes"
	"strconv"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// filtering copies what a filter leaves of the text of a data set, which is as dicom.DataSet.AppendJSON writes it: without blanks, and "vr"
// first. A data set that is made of a long text, and written again, would take ten times as much memory.
type filtering struct {
	filter     *metadataFilter
	rest, left []byte
}

// deepest is how deeply sequences are nested at most, as AppendJSON has it.
const deepest = 64

// dataSet filters the data set at a path with which the rest begins. It returns whether there was one, as do the others.
func (t *filtering) dataSet(at match.Path, including bool) bool {
	if len(at) > deepest || !t.take("{") {
		return false
	}
	t.left = append(t.left, '{')
	begun := len(t.left)
	for first := true; !t.take("}"); first = false {
		if !first && !t.take(",") || !t.attribute(at, including, len(t.left) > begun) {
			return false
		}
	}
	t.left = append(t.left, '}')
	return true
}

// attribute filters one attribute; behind says that it comes behind another one.
func (t *filtering) attribute(at match.Path, including, behind bool) bool {
	const name = len(`"00080005":`)
	if len(t.rest) < name || t.rest[0] != '"' || t.rest[name-2] != '"' || t.rest[name-1] != ':' {
		return false
	}
	tag, err := strconv.ParseUint(string(t.rest[1:name-2]), 16, 32)
	if err != nil {
		return false
	}
	path := append(at[:len(at):len(at)], dicom.Tag(tag))
	kept, whole := t.filter.keeps(path, including)
	if !kept {
		t.rest = t.rest[name:]
		return t.object() != nil
	}
	if behind {
		t.left = append(t.left, ',')
	}
	t.left = append(t.left, t.rest[:name]...)
	t.rest = t.rest[name:]
	return t.value(path, whole)
}

// value filters the value of an attribute that is kept: the items of a sequence.
func (t *filtering) value(path match.Path, whole bool) bool {
	const items = `{"vr":"SQ","Value":[`
	if !t.take(items) {
		text := t.object()
		t.left = append(t.left, text...)
		return text != nil
	}
	t.left = append(t.left, items...)
	for first := true; !t.take("]}"); first = false {
		if !first {
			if !t.take(",") {
				return false
			}
			t.left = append(t.left, ',')
		}
		if !t.dataSet(path, !whole) {
			return false
		}
	}
	t.left = append(t.left, "]}"...)
	return true
}

// take passes what the rest begins with.
func (t *filtering) take(text string) bool {
	rest, found := bytes.CutPrefix(t.rest, []byte(text))
	t.rest = rest
	return found
}

// object passes the object with which the rest begins, and returns it; nil if there is none.
func (t *filtering) object() []byte {
	n := dicom.ObjectLength(t.rest)
	if n == 0 {
		return nil
	}
	text := t.rest[:n]
	t.rest = t.rest[n:]
	return text
}
