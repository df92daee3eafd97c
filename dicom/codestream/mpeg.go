package codestream

import (
	"bytes"
	"errors"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// videoHead is how much of a video is searched for the header of its first sequence.
const videoHead = 1 << 20

// inspectMPEG reads the first sequence header of MPEG-2 (ISO/IEC 13818-2 6.2.2), in whatever container it lies. How many pictures
// follow no header says.
func inspectMPEG(r *io.SectionReader) (Stream, error) {
	head, err := videoHeadOf(r)
	if err != nil {
		return Stream{}, err
	}
	i := bytes.Index(head, []byte{0, 0, 1, 0xB3})
	if i < 0 || len(head) < i+7 {
		return Stream{}, errors.New("there is no sequence header")
	}
	b := head[i+4:]
	columns, rows := int(b[0])<<4|int(b[1])>>4, int(b[1]&0x0F)<<8|int(b[2])
	syntax := mpeg2Syntax(b, columns)
	return videoStream(syntax, rows, columns, 8, 0)
}

// mpeg2Syntax goes by the level of the sequence extension, by the width where there is none.
func mpeg2Syntax(b []byte, columns int) dicom.UID {
	i := bytes.Index(b, []byte{0, 0, 1, 0xB5})
	if i >= 0 && len(b) >= i+6 && b[i+4]>>4 == 1 {
		if level := b[i+5] >> 4; level == 8 || level == 10 {
			return mpeg2MainLevel
		}
		return mpeg2HighLevel
	}
	if columns <= 720 {
		return mpeg2MainLevel
	}
	return mpeg2HighLevel
}

func videoHeadOf(r *io.SectionReader) ([]byte, error) {
	head := make([]byte, min(r.Size(), videoHead))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return head, nil
}
