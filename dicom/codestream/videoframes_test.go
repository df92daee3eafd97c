package codestream

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestCountFrames: what ffmpeg has encoded has as many frames as it was given. 46 by 34 pixels need cropping in H.264 and H.265.
func TestCountFrames(t *testing.T) {
	for _, c := range []struct {
		file, mediaType string
		syntax          dicom.UID
		frames          int
		fails           string
	}{
		{"frames.m2v", "video/mpeg", mpeg2MainLevel, 7, ""},
		{"multiplex.mpg", "video/mpeg", mpeg2MainLevel, 0, "no plain byte stream"},
		{"slices.264", "video/mp4", h264Level41, 7, ""},
		{"interlaced.264", "video/mp4", h264Level41, 0, "fields"},
		{"444.264", "video/mp4", "", 0, "chroma"},
		{"frames.265", "video/h265", hevcMain, 7, ""},
		{"interlaced.265", "video/h265", hevcMain, 0, "fields"},
		{"quicktime.mov", "video/mp4", "", 0, "QuickTime"},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", "video", c.file))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Inspect(c.mediaType, section(b))
		if err == nil {
			if s.TransferSyntax != c.syntax || s.Columns != 46 || s.Rows != 34 && c.file != "interlaced.264" || s.Frames != 0 {
				t.Errorf("%s: %+v", c.file, s)
			}
			s.Frames, err = CountFrames(c.mediaType, section(b))
		}
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) || s.Frames != c.frames {
			t.Errorf("%s: %d frames, %v; want %d, %q", c.file, s.Frames, err, c.frames, c.fails)
		}
	}
}

// TestEachUnit: start codes are found wherever the pieces end in which a video is read.
func TestEachUnit(t *testing.T) {
	for _, gap := range []int{1, 2, 509, 4093, 65_533, 65_536, 70_001} {
		unit := append([]byte{0, 0, 1}, make([]byte, gap)...)
		for i := range gap {
			unit[3+i] = byte(0x80 | i%100)
		}
		var video []byte
		for range 40 {
			video = append(video, unit...)
		}
		n := 0
		err := eachUnit(section(video), func(b []byte) error {
			if n++; len(b) < min(gap, unitHead) || b[0] != 0x80 {
				t.Fatalf("gap %d, unit %d: %d bytes", gap, n, len(b))
			}
			return nil
		})
		if err != nil || n != 40 {
			t.Errorf("gap %d: %d units, %v", gap, n, err)
		}
	}
}
