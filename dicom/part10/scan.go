package part10

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/giveway"
)

// scanner is one pass over one file.
type scanner struct {
	source *source
	in     *stream
	limits Limits
	file   *File

	unended    bool // without the last delimiter
	warned     map[string]bool
	elements   int             // elements and items so far
	memory     int64           // bytes of the data set so far
	unfolded   int64           // bytes that it would take if nothing were folded
	admitted   int64           // those of them that Limits.Admit has been asked for
	stack      []dicom.Element // the elements of all open levels, those of the innermost last
	top        int             // how many of them belong to the top level
	root       *level          // the top level
	duplicates bool            // an element was left out because its tag was there before
	pixels     pixelScan
	pacer      giveway.Pacer
}

func scan(r io.Reader, limits Limits) (*File, error) {
	src := &source{r: r}
	s := &scanner{
		source: src, in: newStream(src), limits: limits.withDefaults(), warned: map[string]bool{},
		file: &File{Meta: &dicom.DataSet{}, DataSet: &dicom.DataSet{}},
	}
	raw := s.in
	err := s.scanFile()
	if s.in != raw {
		s.in.release()
	}
	raw.release()
	s.file.Size, s.file.Memory = src.n, s.memory
	var fault *FormatError
	switch {
	case src.err != nil:
		return nil, src.err
	case errors.As(err, &fault):
		s.salvage()
		return s.file, err
	case err != nil:
		return nil, err
	}
	return s.file, nil
}

func (l Limits) withDefaults() Limits {
	l.Header = orDefault(l.Header, DefaultHeader)
	l.Inline = orDefault(l.Inline, 1024)
	l.Elements = orDefault(l.Elements, 1_000_000)
	l.Depth = orDefault(l.Depth, 64)
	l.Inflate = orDefault(l.Inflate, 4<<30)
	l.Fragments = orDefault(l.Fragments, 4_000_000)
	l.fold = orDefault(l.fold, 1<<20)
	return l
}

func orDefault[T int | int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

func (s *scanner) scanFile() error {
	prefixed := s.preamble()
	if err := s.meta(); err != nil {
		return err
	}
	raw := s.in
	enc, err := s.encoding(prefixed)
	s.file.Layout.DataSet = raw.offset
	if err != nil {
		return err
	}
	s.file.Layout.Encoding = enc
	s.file.Lenient = len(s.file.Warnings)
	s.root = &level{enc: enc, end: -1, outer: -1}
	if s.file.DataSet, err = s.dataSet(s.root); err != nil {
		return err
	}
	s.finish()
	if p := s.file.Layout.Pixel; s.unended && p != nil && p.NumberOfFrames < numberOfFrames(s.file.DataSet) {
		return s.fail(s.root, p.Tag, Truncated, "the file ends here")
	}
	if raw != s.in {
		return s.trailer(raw)
	}
	return nil
}

// encoding decides how the data set is encoded: as the transfer syntax declares, unless the first elements plainly are of
// another encoding. It starts to inflate where that is needed.
func (s *scanner) encoding(prefixed bool) (Encoding, error) {
	b := s.in.peek(sniffed)
	whole := len(b) < sniffed
	ts := s.file.Meta.UID(dicom.TransferSyntaxUID)
	s.file.TransferSyntax = ts
	if ts == "" {
		return s.undeclared(b, whole, prefixed)
	}
	enc := encodingOf(ts)
	if enc.Deflated {
		if len(b) > 0 && fits(b, Encoding{}, whole) {
			s.warn(nil, 0, "the transfer syntax says deflated, but the data set is not")
			return Encoding{}, nil
		}
		if isZlib(b) {
			s.warn(nil, 0, "the deflated data set has a zlib header")
			if err := s.in.skip(2); err != nil {
				return enc, s.broken(nil, 0, err)
			}
		}
		s.in = newStream(newInflated(s.in.buf, s.limits.Inflate))
		return enc, nil
	}
	if !fits(b, enc, whole) {
		if other, ok := guess(b, whole, encodings[:]...); ok {
			s.warn(nil, 0, "the transfer syntax says "+enc.String()+", but the data set is "+other.String())
			return other, nil
		}
	}
	return enc, nil
}

// undeclared guesses the encoding of a data set without a transfer syntax. Without the prefix of PS3.10 7.1 a file has to begin
// with a group that data sets really begin with, or anything could be taken for DICOM.
func (s *scanner) undeclared(b []byte, whole, prefixed bool) (Encoding, error) {
	enc, ok := guess(b, whole, encodings[:]...)
	if ok && !prefixed && s.file.Meta.Len() == 0 {
		h, _ := parseHeader(b, enc)
		ok = h.tag.Group() == 4 || h.tag.Group() == 8
	}
	if !ok {
		return enc, s.fail(nil, 0, NotDICOM, "no transfer syntax, and no data set that could be recognized")
	}
	s.warn(nil, 0, "no transfer syntax; the data set is read as "+enc.String())
	switch {
	case enc.ImplicitVR:
		s.file.TransferSyntax = dicom.ImplicitVRLittleEndian
	case enc.BigEndian:
		s.file.TransferSyntax = dicom.ExplicitVRBigEndian
	default:
		s.file.TransferSyntax = dicom.ExplicitVRLittleEndian
	}
	return enc, nil
}

// finish does what needs the whole data set.
func (s *scanner) finish() {
	s.compareMeta()
	if s.duplicates {
		s.pruneBulk()
	}
	if p := s.file.Layout.Pixel; p != nil {
		s.locateFrames(p)
	}
}

// pruneBulk removes the bulk values of elements that were left out because their tag was there before.
func (s *scanner) pruneBulk() {
	seen := map[string]bool{}
	kept := s.file.Layout.Bulk[:0]
	for _, v := range s.file.Layout.Bulk {
		if !seen[v.Path] {
			kept = append(kept, v)
		}
		seen[v.Path] = true
	}
	s.file.Layout.Bulk = kept
}

// trailer reads what follows a deflated data set to the end of the file.
func (s *scanner) trailer(raw *stream) error {
	n, zeros, err := raw.drain()
	if err != nil {
		return err
	}
	if n > 1 || !zeros { // PS3.5 A.5: one byte of padding
		s.warn(nil, 0, "bytes after the deflated data set")
	}
	return nil
}

// drain reads to the end and reports how many bytes there were and whether they all were zero.
func (s *stream) drain() (n int64, zeros bool, err error) {
	zeros = true
	for {
		b := s.peek(growStep)
		if len(b) == 0 {
			if s.err == io.EOF {
				return n, zeros, nil
			}
			return n, zeros, s.err
		}
		zeros = zeros && len(bytes.Trim(b, "\x00")) == 0
		n += int64(len(b))
		if err := s.skip(int64(len(b))); err != nil {
			return n, zeros, err
		}
	}
}

// salvage keeps what names the instance, if it was read before a fault, so that a refusal can tell it.
func (s *scanner) salvage() {
	if s.file.DataSet != nil && s.file.DataSet.Len() > 0 {
		return
	}
	read := slices.Clone(s.stack[:min(s.top, len(s.stack))])
	if s.root != nil && s.root.long != nil {
		folded, _ := s.root.long.DataSet()
		for _, t := range naming {
			if e, there := folded.Get(t); there {
				read = slices.Insert(read, 0, e)
			}
		}
	}
	s.file.DataSet = &dicom.DataSet{}
	for _, e := range read {
		if slices.Contains(naming, e.Tag) && !s.file.DataSet.Has(e.Tag) {
			s.file.DataSet.Set(e)
		}
	}
}

// naming are the attributes that name an instance.
var naming = []dicom.Tag{dicom.SOPClassUID, dicom.SOPInstanceUID, dicom.StudyInstanceUID, dicom.SeriesInstanceUID}

// warn notes a leniency, the first time that it is applied.
func (s *scanner) warn(l *level, t dicom.Tag, text string) {
	if s.warned[text] {
		return
	}
	s.warned[text] = true
	if l != nil {
		text = l.path(t) + ": " + text
	}
	s.file.Warnings = append(s.file.Warnings, text)
}

// fail makes the error of an element; without a tag of what its level is in, without a level of the file.
func (s *scanner) fail(l *level, t dicom.Tag, reason Reason, detail string) error {
	e := &FormatError{Reason: reason, Offset: s.in.offset, Detail: detail}
	switch {
	case l != nil && t != 0:
		e.Path = l.path(t)
	case l != nil && l.up != nil:
		e.Path = l.up.path(l.tag)
	}
	return e
}

// broken turns an error of reading into what it says about the file.
func (s *scanner) broken(l *level, t dicom.Tag, err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return s.fail(l, t, Truncated, "the file ends here")
	case errors.Is(err, errInflated):
		return s.fail(l, t, LimitExceeded, err.Error())
	case errors.As(err, &corrupt):
		return s.fail(l, t, Malformed, "the deflated data set is corrupt")
	}
	return err
}
