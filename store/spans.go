package store

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/noctis-dicom/noctis/dicom/part10"
)

// joined reads spans of r as if they followed each other.
func joined(r io.ReaderAt, spans []part10.Span) *io.SectionReader {
	if len(spans) == 1 {
		return io.NewSectionReader(r, spans[0].Offset, spans[0].Length)
	}
	j := &joinedReader{r: r, spans: spans, ends: make([]int64, len(spans))}
	end := int64(0)
	for i, s := range spans {
		end += s.Length
		j.ends[i] = end
	}
	return io.NewSectionReader(j, 0, end)
}

type joinedReader struct {
	r     io.ReaderAt
	spans []part10.Span
	ends  []int64 // of each span, in the joined bytes
}

func (j *joinedReader) ReadAt(p []byte, off int64) (int, error) {
	i := sort.Search(len(j.ends), func(i int) bool { return j.ends[i] > off })
	n := 0
	for ; n < len(p) && i < len(j.spans); i++ {
		s := j.spans[i]
		skip := s.Length - (j.ends[i] - off)
		part := p[n:min(int64(len(p)), int64(n)+s.Length-skip)]
		if err := readFull(j.r, part, s.Offset+skip); err != nil {
			return n, err
		}
		n += len(part)
		off += int64(len(part))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readFull fills p. That the file ends before is an error that says so: the layout promised the bytes.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends at offset %d, inside a value", ErrBlobDamaged, off+int64(n))
	}
	return err
}

// swapReader turns a big endian value into little endian (PS3.5 7.3): it reverses the bytes of each word. Bytes after the last
// whole word stay as they are.
type swapReader struct {
	r    io.ReaderAt
	size int64
	word int64
}

func (s *swapReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.size {
		return 0, io.EOF
	}
	var atEnd error
	if int64(len(p)) > s.size-off {
		p, atEnd = p[:s.size-off], io.EOF
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		within := at % s.word
		if whole := int64(len(p)-n) / s.word * s.word; within == 0 && whole > 0 {
			words := p[n : n+int(whole)]
			if err := readFull(s.r, words, at); err != nil {
				return n, err
			}
			s.swap(words)
			n += len(words)
			continue
		}
		var word [8]byte // of which p gets a part
		part := word[:min(s.word, s.size-at+within)]
		if err := readFull(s.r, part, at-within); err != nil {
			return n, err
		}
		s.swap(part)
		n += copy(p[n:], part[within:])
	}
	return n, atEnd
}

// swap reverses the whole words in p.
func (s *swapReader) swap(p []byte) {
	for ; len(p) >= int(s.word); p = p[s.word:] {
		slices.Reverse(p[:s.word])
	}
}

// shifted reads bits as bytes, without the first shift bits (PS3.5 8.1.1: the first pixel cell of a byte lies in its least
// significant bits). What is left of the last byte is zero.
func shifted(r *io.SectionReader, shift int, bits int64) *io.SectionReader {
	b := &bitReader{r: r, shift: uint(shift), bits: bits, size: (bits + 7) / 8}
	return io.NewSectionReader(b, 0, b.size)
}

type bitReader struct {
	r     *io.SectionReader
	shift uint
	bits  int64
	size  int64
}

func (b *bitReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.size {
		return 0, io.EOF
	}
	var atEnd error
	if int64(len(p)) > b.size-off {
		p, atEnd = p[:b.size-off], io.EOF
	}
	if err := readFull(b.r, p, off); err != nil {
		return 0, err
	}
	var behind [1]byte
	if end := off + int64(len(p)); end < b.r.Size() {
		if err := readFull(b.r, behind[:], end); err != nil {
			return 0, err
		}
	}
	for i := range p {
		next := behind[0]
		if i+1 < len(p) {
			next = p[i+1]
		}
		p[i] = p[i]>>b.shift | next<<(8-b.shift)
	}
	if used := b.bits % 8; used != 0 && off+int64(len(p)) == b.size {
		p[len(p)-1] &= 1<<used - 1
	}
	return len(p), atEnd
}
