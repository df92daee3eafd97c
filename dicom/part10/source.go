package part10

import (
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// Source is a value that is read once, when its turn comes; *io.SectionReader is one. Size is what is left to read of it, in bytes.
type Source interface {
	io.Reader
	Size() int64
}

// Encapsulated is a Source of items with their delimiter, as they lie in another file (PS3.5 A.4): they are copied behind a header of
// undefined length.
type Encapsulated struct{ Source }

// holdsBulk reports whether the element is a dicom.Bulk, or has one somewhere below.
func holdsBulk(el dicom.Element) bool {
	switch v := el.Value.(type) {
	case dicom.Bulk:
		return true
	case dicom.Items:
		for _, item := range v {
			for inner := range item.All() {
				if holdsBulk(inner) {
					return true
				}
			}
		}
	}
	return false
}

// writeElement writes an element. What lies around a Bulk, which open opens, has undefined length.
func (e encoder) writeElement(w io.Writer, el dicom.Element, open func(dicom.Bulk) (Source, error)) error {
	if open == nil || !holdsBulk(el) {
		b, err := e.appendElement(nil, el)
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
	if bulk, ok := el.Value.(dicom.Bulk); ok {
		return e.writeBulk(w, el, bulk, open)
	}
	items, _ := el.Value.(dicom.Items)
	return e.writeItems(w, el.Tag, slices.Values(items), open)
}

// writeItems writes a sequence of undefined length, and so its items (PS3.5 7.5.1): they are written before anybody knows how long they will be.
func (e encoder) writeItems(w io.Writer, t dicom.Tag, items iter.Seq[*dicom.DataSet], open func(dicom.Bulk) (Source, error)) error {
	b, err := e.appendHeader(nil, t, dicom.SQ, undefinedLength)
	if err != nil {
		return err
	}
	for item := range items {
		if _, err := w.Write(e.appendItemHeader(b, dicom.Item, undefinedLength)); err != nil {
			return err
		}
		for inner, below := range item.Pieces() {
			if below != nil {
				err = e.writeItems(w, inner.Tag, below, open)
			} else {
				err = e.writeElement(w, inner, open)
			}
			if err != nil {
				return fmt.Errorf("element %s: %w", inner.Tag, err)
			}
		}
		b = e.appendItemHeader(b[:0], dicom.ItemDelimitationItem, 0)
	}
	_, err = w.Write(e.appendItemHeader(b, dicom.SequenceDelimitationItem, 0))
	return err
}

// writeBulk copies a value, padded to an even length (PS3.5 7.1.1).
func (e encoder) writeBulk(w io.Writer, el dicom.Element, bulk dicom.Bulk, open func(dicom.Bulk) (Source, error)) error {
	value, err := open(bulk)
	if err != nil {
		return err
	}
	if _, ok := value.(Encapsulated); ok {
		return e.writeEncapsulated(w, el.Tag, value)
	}
	size := value.Size()
	if size > maxLength {
		return fmt.Errorf("a value of %d bytes is too long for an element", size)
	}
	b, err := e.appendHeader(nil, el.Tag, el.VR, int(size+size%2))
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	pad := byte(0)
	if el.VR.IsText() && el.VR != dicom.UI {
		pad = ' '
	}
	return copyPadded(w, value, size, pad)
}

func (e encoder) writeEncapsulated(w io.Writer, t dicom.Tag, items Source) error {
	b, err := e.appendHeader(nil, t, dicom.OB, undefinedLength)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err = io.CopyN(w, items, items.Size())
	return err
}

// fragmented is how many bytes writeFragments writes of a frame.
func fragmented(size int64) int64 {
	fragments := max(1, (size+maxLength-1)/maxLength)
	return fragments*itemHeader + size + size%2
}

// writeFragments writes a frame: one fragment, or several where it is too long for one.
func (e encoder) writeFragments(w io.Writer, frame Source) error {
	for left := frame.Size(); ; {
		n := min(left, maxLength)
		if _, err := w.Write(e.appendItemHeader(nil, dicom.Item, uint32(n+n%2))); err != nil {
			return err
		}
		if err := copyPadded(w, frame, n, 0); err != nil {
			return err
		}
		if left -= n; left == 0 {
			return nil
		}
	}
}

// copyPadded copies n bytes, and one more if that is odd.
func copyPadded(w io.Writer, r io.Reader, n int64, pad byte) error {
	if copied, err := io.CopyN(w, r, n); err != nil {
		return fmt.Errorf("%d of %d bytes copied: %w", copied, n, err)
	}
	if n%2 == 0 {
		return nil
	}
	_, err := w.Write([]byte{pad})
	return err
}
