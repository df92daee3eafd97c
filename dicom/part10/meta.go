package part10

import (
	"bytes"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// preamble skips preamble and prefix (PS3.10 7.1) and reports whether the prefix was there.
func (s *scanner) preamble() bool {
	b := s.in.peek(132)
	skip := int64(132)
	switch {
	case len(b) == 132 && string(b[128:]) == "DICM":
	case bytes.HasPrefix(b, []byte("DICM")):
		s.warn(nil, 0, "no preamble")
		skip = 4
	default:
		s.warn(nil, 0, "no preamble and no DICM prefix")
		return false
	}
	return s.in.skip(skip) == nil
}

// meta reads the File Meta Information (PS3.10 7.1): whatever elements of group 0002 come first, explicit VR little endian as it
// should be or not. Its group length is believed only where the elements cannot be told from the data set.
func (s *scanner) meta() error {
	l := &level{end: -1, outer: -1, meta: true}
	b := s.in.peek(12)
	if len(b) < 8 {
		if s.in.err != nil && len(b) == 0 {
			return s.fail(nil, 0, NotDICOM, "the file is empty, or ends before the data set")
		}
		return s.fail(nil, 0, NotDICOM, "the file is too short")
	}
	switch {
	case bytes.HasPrefix(b, []byte{0, 2, 0}):
		l.enc.BigEndian = true
		s.warn(nil, 0, "File Meta Information: big endian")
	case !bytes.HasPrefix(b, []byte{2, 0}):
		s.warn(nil, 0, "no File Meta Information")
		return nil
	}
	if !vrOf(b[4], b[5]).Valid() {
		l.enc.ImplicitVR = true
		s.warn(nil, 0, "File Meta Information: implicit VR")
	}
	end, err := s.metaElements(l)
	if err != nil {
		return err
	}
	if s.file.Meta, err = s.close(l); err != nil {
		return err
	}
	switch {
	case end < 0:
		s.warn(nil, 0, "File Meta Information: no group length")
	case end != s.in.offset:
		s.warn(nil, 0, "File Meta Information: wrong group length")
	}
	return nil
}

// compareMeta notes a File Meta Information that is another instance's (PS3.10 7.1): the data set counts.
func (s *scanner) compareMeta() {
	for _, uid := range [...]struct{ meta, own dicom.Tag }{
		{dicom.MediaStorageSOPClassUID, dicom.SOPClassUID}, {dicom.MediaStorageSOPInstanceUID, dicom.SOPInstanceUID},
	} {
		said, is := s.file.Meta.UID(uid.meta), s.file.DataSet.UID(uid.own)
		if said != "" && is != "" && said != is {
			s.lenient("File Meta Information: " + uid.meta.String() + " is not " + uid.own.String() + " of the data set")
		}
	}
}

// lenient notes what is wrong with the file rather than with its data set, after that has begun.
func (s *scanner) lenient(text string) {
	s.file.Warnings = slices.Insert(s.file.Warnings, s.file.Lenient, text)
	s.file.Lenient++
}

// metaElements reads the elements of group 0002 and returns the offset where the group length says that they end, -1 where
// there is none.
func (s *scanner) metaElements(l *level) (end int64, err error) {
	end = -1
	deflated := false
	for {
		b := s.in.peek(8)
		if len(b) < 8 || l.enc.order().Uint16(b) != 2 || deflated && s.in.offset == end {
			return end, nil
		}
		if err := s.element(l); err != nil {
			return end, err
		}
		if len(s.stack) == 0 {
			continue
		}
		switch e := s.stack[len(s.stack)-1]; e.Tag {
		case dicom.FileMetaInformationGroupLength:
			if n, ok := e.Value.(dicom.Ints); ok && end < 0 {
				end = s.in.offset + n[0]
			}
		case dicom.TransferSyntaxUID:
			if v, ok := e.Value.(dicom.Strings); ok {
				deflated = encodingOf(dicom.UID(v[0])).Deflated
			}
		}
	}
}
