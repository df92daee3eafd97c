package codestream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/noctis-dicom/noctis/dicom"
)

// The transfer syntaxes of video that are told apart here (PS3.5 8.2.5 to 8.2.8).
const (
	mpeg2MainLevel  dicom.UID = "1.2.840.10008.1.2.4.100"
	mpeg2HighLevel  dicom.UID = "1.2.840.10008.1.2.4.101"
	h264Level41     dicom.UID = "1.2.840.10008.1.2.4.102"
	h264Level42     dicom.UID = "1.2.840.10008.1.2.4.104"
	h264Stereo      dicom.UID = "1.2.840.10008.1.2.4.106"
	hevcMain        dicom.UID = "1.2.840.10008.1.2.4.107"
	hevcMain10      dicom.UID = "1.2.840.10008.1.2.4.108"
	videoPhotometry           = "YBR_PARTIAL_420"
)

// track is what is known of the video track of an MP4.
type track struct {
	id         uint32
	video      bool
	kind       string // of its samples
	syntax     dicom.UID
	rows, cols int
	bits       int
	samples    int // frames
}

var errChroma = errors.New("video whose chroma is not 4:2:0, or with more bits than its transfer syntax has, cannot be stored")

// inspectMP4 reads the movie header (ISO/IEC 14496-12, -15), and counts what lies in fragments behind it; the container stays, for PS3.5 8.2.7
// allows it.
func inspectMP4(r *io.SectionReader) (Stream, error) {
	if isByteStream(r) {
		return inspectH264(r)
	}
	var found *track
	err := eachBox(r, func(kind string, body *io.SectionReader) error {
		if kind == "ftyp" && isQuickTime(body) {
			return errQuickTime
		}
		if kind == "moof" && found != nil {
			return found.fragment(body)
		}
		if kind != "moov" {
			return nil
		}
		return eachBox(body, func(kind string, body *io.SectionReader) error {
			if kind != "trak" {
				return nil
			}
			t := &track{bits: 8}
			if err := t.read(body, 0); err != nil {
				return err
			}
			if t.video && found == nil {
				found = t
			}
			return nil
		})
	})
	switch {
	case err != nil:
		return Stream{}, err
	case found == nil:
		return Stream{}, errors.New("there is no video track")
	case found.syntax == "":
		return Stream{}, fmt.Errorf("the video is neither H.264 nor H.265, but %q", found.kind)
	}
	return videoStream(found.syntax, found.rows, found.cols, found.bits, found.samples)
}

var errQuickTime = errors.New("it is a QuickTime movie, and says that it is nothing else: PS3.5 8.2.7 wants MP4, which the same video can be put into as it is (ffmpeg -c copy)")

// isQuickTime reports whether all brands of a container are QuickTime's: what is compatible with another is a file of ISO/IEC 14496-12.
func isQuickTime(ftyp *io.SectionReader) bool {
	b := make([]byte, min(ftyp.Size(), 512))
	n, _ := ftyp.ReadAt(b, 0)
	for at := 0; at+4 <= n; at += 4 {
		if brand := string(b[at : at+4]); at != 4 && brand != "qt  " && brand != "\x00\x00\x00\x00" { // 4: the version
			return false
		}
	}
	return n >= 4
}

func videoStream(syntax dicom.UID, rows, columns, bits, frames int) (Stream, error) {
	d, err := describe(rows, columns, 3, bits, false)
	d.Photometric, d.Frames = videoPhotometry, frames
	return Stream{TransferSyntax: syntax, Description: d}, err
}

func (t *track) read(r *io.SectionReader, depth int) error {
	return eachBox(r, func(kind string, body *io.SectionReader) error {
		switch kind {
		case "mdia", "minf", "stbl":
			if depth < 3 {
				return t.read(body, depth+1)
			}
		case "tkhd":
			t.id = field(body, trackID[field(body, 0)>>24&1])
		case "hdlr":
			var b [12]byte
			_, err := body.ReadAt(b[:], 0)
			t.video = t.video || err == nil && string(b[8:]) == "vide" // QuickTime has another one, of how data is found
		case "stsz", "stz2":
			t.samples = int(min(field(body, 8), 1<<31-1))
		case "stsd":
			if body.Size() > 8 {
				return eachBox(io.NewSectionReader(body, 8, body.Size()-8), t.sampleEntry)
			}
		}
		return nil
	})
}

// trackID is where the header of a track has its number, by its version.
var trackID = [2]int64{12, 20}

// fragment counts the frames of a movie fragment (ISO/IEC 14496-12 8.8).
func (t *track) fragment(moof *io.SectionReader) error {
	return eachBox(moof, func(kind string, body *io.SectionReader) error {
		if kind != "traf" {
			return nil
		}
		mine := false
		return eachBox(body, func(kind string, body *io.SectionReader) error {
			switch {
			case kind == "tfhd":
				mine = field(body, 4) == t.id
			case kind == "trun" && mine:
				t.samples = int(min(int64(t.samples)+int64(field(body, 4)), 1<<31-1))
			}
			return nil
		})
	})
}

// field is a number of 32 bits, 0 where there is none.
func field(body *io.SectionReader, at int64) uint32 {
	var b [4]byte
	if _, err := body.ReadAt(b[:], at); err != nil {
		return 0
	}
	return binary.BigEndian.Uint32(b[:])
}

// visualEntry is the length of the fields of a VisualSampleEntry before its boxes.
const visualEntry = 78

func (t *track) sampleEntry(kind string, body *io.SectionReader) error {
	var fields [visualEntry]byte
	if _, err := body.ReadAt(fields[:], 0); err != nil || t.cols > 0 {
		return nil
	}
	t.kind = kind
	switch kind {
	case "avc1", "avc3", "hvc1", "hev1":
	default:
		return nil
	}
	t.cols, t.rows = int(binary.BigEndian.Uint16(fields[24:])), int(binary.BigEndian.Uint16(fields[26:]))
	return eachBox(io.NewSectionReader(body, visualEntry, body.Size()-visualEntry), func(kind string, body *io.SectionReader) error {
		var c [4]byte
		if _, err := body.ReadAt(c[:], 0); err != nil {
			return nil
		}
		switch kind {
		case "avcC":
			if c[1] > 100 && c[1] != 118 && c[1] != 128 { // High 10, 4:2:2, 4:4:4 (ISO/IEC 14496-10 A.2)
				return errChroma
			}
			t.syntax = h264Syntax(c[1], c[3])
		case "hvcC":
			t.syntax = hevcMain
			switch c[1] & 0x1F {
			case 2:
				t.syntax, t.bits = hevcMain10, 10
			case 1, 3:
			default: // format range extensions and others (ISO/IEC 23008-2 A.3)
				return errChroma
			}
		}
		return nil
	})
}

// h264Syntax is the transfer syntax for a profile and level (ISO/IEC 14496-10 Annex A): 128 is Stereo High.
func h264Syntax(profile, level byte) dicom.UID {
	switch {
	case profile == 128:
		return h264Stereo
	case level <= 41:
		return h264Level41
	}
	return h264Level42
}
