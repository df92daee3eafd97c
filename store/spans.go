package store

import (
	"errors"
	"fmt"
	"io"
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
	buf := make([]byte, min(64<<10, int64(len(p))+2*s.word))
	for n := 0; n < len(p); {
		at := off + int64(n)
		start := at - at%s.word
		end := min(start+int64(len(buf))/s.word*s.word, s.size)
		words := buf[:min(end-start, int64(len(buf)))]
		if err := readFull(s.r, words, start); err != nil {
			return n, err
		}
		for w := int64(0); w+s.word <= int64(len(words)); w += s.word {
			for i, j := w, w+s.word-1; i < j; i, j = i+1, j-1 {
				words[i], words[j] = words[j], words[i]
			}
		}
		n += copy(p[n:], words[at-start:])
	}
	return len(p), atEnd
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
	src := make([]byte, min(int64(len(p))+1, b.r.Size()-off))
	if err := readFull(b.r, src, off); err != nil {
		return 0, err
	}
	for i := range p {
		p[i] = src[i] >> b.shift
		if i+1 < len(src) {
			p[i] |= src[i+1] << (8 - b.shift)
		}
	}
	if used := b.bits % 8; used != 0 && off+int64(len(p)) == b.size {
		p[len(p)-1] &= 1<<used - 1
	}
	return len(p), atEnd
}
