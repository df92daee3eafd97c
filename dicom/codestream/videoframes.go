package codestream

import (
	"bytes"
	"errors"
	"io"
)

// CountFrames counts the frames of a video whose Description has 0 of them, by reading all of it. It is an error if they cannot be counted exactly: in a
// multiplex of MPEG-2, where sound may look like a picture, and where pictures may be fields.
func CountFrames(mediaType string, r *io.SectionReader) (int, error) {
	if !isByteStream(r) {
		return 0, errMultiplex
	}
	var c frameCounter
	switch mediaType {
	case "video/mpeg":
		c = &mpegCounter{}
	case "video/h265":
		c = &hevcCounter{}
	default:
		c = &h264Counter{}
	}
	if err := eachUnit(r, c.unit); err != nil {
		return 0, err
	}
	return c.frames()
}

// frameCounter counts by the first bytes of each unit.
type frameCounter interface {
	unit(b []byte) error
	frames() (int, error)
}

var (
	errFields    = errors.New("its pictures may be fields, of which two are a frame")
	errMultiplex = errors.New("it is no plain byte stream of one video")
)

// unitHead is how much of a unit is looked at.
const unitHead = 512

// eachUnit calls visit with what follows each start code, up to unitHead bytes of it; they are valid until it returns.
func eachUnit(r *io.SectionReader, visit func(b []byte) error) error {
	in := io.NewSectionReader(r, 0, r.Size())
	buffer := make([]byte, 64<<10)
	have, ended := 0, false
	for !ended {
		n, err := io.ReadFull(in, buffer[have:])
		have += n
		if ended = err == io.EOF || err == io.ErrUnexpectedEOF; err != nil && !ended {
			return err
		}
		at := 0
		for {
			i := bytes.Index(buffer[at:have], []byte{0, 0, 1})
			if i < 0 {
				at = max(at, have-2)
				break
			}
			if at += i; at+3+unitHead > have && !ended {
				break
			}
			if err := visit(buffer[at+3 : min(have, at+3+unitHead)]); err != nil {
				return err
			}
			at += 3
		}
		have = copy(buffer, buffer[at:have])
	}
	return nil
}

// mpegCounter counts the pictures of an elementary stream of MPEG-2 (ISO/IEC 13818-2 6.2.3).
type mpegCounter struct{ pictures, fields int }

func (c *mpegCounter) unit(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	switch code := b[0]; {
	case code == 0:
		c.pictures++
	case code == 0xB5 && len(b) > 3 && b[1]>>4 == 8 && b[3]&3 != 3:
		c.fields++
	case code >= 0xB9:
		return errMultiplex
	}
	return nil
}

func (c *mpegCounter) frames() (int, error) {
	if c.fields%2 != 0 {
		return 0, errFields
	}
	return c.pictures - c.fields/2, nil
}

// hevcCounter counts the pictures of the base layer of H.265 (ISO/IEC 23008-2 7.3.1.2, 7.3.6.1).
type hevcCounter struct {
	pictures   int
	interlaced bool
}

func (c *hevcCounter) unit(b []byte) error {
	if len(b) < 3 || b[0]&1 != 0 || b[1]>>3 != 0 {
		return nil
	}
	switch kind := b[0] >> 1 & 0x3F; {
	case kind < 32 && b[2]&0x80 != 0: // the first slice of a picture
		c.pictures++
	case kind == hevcSequence:
		plain := bytes.ReplaceAll(b[2:], []byte{0, 0, 3}, []byte{0, 0})
		c.interlaced = c.interlaced || len(plain) > 6 && plain[6]&0xC0 == 0x40
	}
	return nil
}

func (c *hevcCounter) frames() (int, error) {
	if c.interlaced {
		return 0, errFields
	}
	return c.pictures, nil
}

// h264Counter counts the pictures of H.264 (ISO/IEC 14496-10 7.3.3).
type h264Counter struct {
	pictures int
	fields   bool
}

func (c *h264Counter) unit(b []byte) error {
	if len(b) < 2 {
		return nil
	}
	switch b[0] & 0x1F {
	case h264Slice, h264IDRSlice:
		if b[1]&0x80 != 0 { // its first macroblock is that of the picture
			c.pictures++
		}
	case h264Sequence:
		_, frames, err := readH264Parameters(b[1:])
		c.fields = c.fields || err != nil || !frames
	}
	return nil
}

func (c *h264Counter) frames() (int, error) {
	if c.fields {
		return 0, errFields
	}
	return c.pictures, nil
}
