package render

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/draw"
	"io"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// Colored returns the picture as one of red, green and blue, which a profile of such a color space can be attached to.
func Colored(img image.Image) *image.RGBA {
	if rgb, ok := img.(*image.RGBA); ok {
		return rgb
	}
	rgb := image.NewRGBA(img.Bounds())
	draw.Draw(rgb, rgb.Rect, img, img.Bounds().Min, draw.Src)
	return rgb
}

// ProfileOf is the ICC Profile (0028,2000) of a frame, nil if it has none: that of the data set, or, of a microscope's image, that of the
// frame's optical path (PS3.3 C.8.12.5). bulk gives those values that the data set only names.
func ProfileOf(ds *dicom.DataSet, frame int, bulk Bulk) ([]byte, error) {
	places := []*dicom.DataSet{ds}
	paths := ds.Items(dicom.OpticalPathSequence)
	for _, group := range functionalGroups(ds, frame) {
		for _, id := range group.Items(dicom.OpticalPathIdentificationSequence) {
			for _, path := range paths {
				if keyword(path, dicom.OpticalPathIdentifier) == keyword(id, dicom.OpticalPathIdentifier) {
					places = append(places, path)
				}
			}
		}
	}
	if len(places) == 1 {
		places = append(places, paths...)
	}
	for _, p := range places {
		if e, _ := p.Get(dicom.ICCProfile); e.Value != nil {
			b, err := reader{bulk: bulk}.bytes(e.Value, e.Tag, "ICC Profile (0028,2000)")
			if len(b)%2 == 0 && len(b) > 4 && binary.BigEndian.Uint32(b) == uint32(len(b)-1) {
				b = b[:len(b)-1] // padding
			}
			return b, err
		}
	}
	return nil, nil
}

// mostProfile is longer than any profile that compressed samples can sensibly have in them.
const mostProfile = 4 << 20

// ProfileIn is the ICC profile in the segments of a JPEG before its first scan (ISO 15076-1 Annex B), nil if it has none, or is no JPEG.
func ProfileIn(jpeg *bufio.Reader) (profile []byte) {
	var head [4]byte
	if _, err := io.ReadFull(jpeg, head[:2]); err != nil || head[0] != 0xFF || head[1] != 0xD8 {
		return nil
	}
	for {
		if _, err := io.ReadFull(jpeg, head[:]); err != nil || head[0] != 0xFF || head[1] == 0xDA {
			return profile
		}
		segment := make([]byte, max(0, int(binary.BigEndian.Uint16(head[2:]))-2))
		if _, err := io.ReadFull(jpeg, segment); err != nil {
			return profile
		}
		if head[1] == 0xE2 && bytes.HasPrefix(segment, []byte(jpegProfileName)) && len(segment) > len(jpegProfileName)+2 && len(profile) < mostProfile {
			profile = append(profile, segment[len(jpegProfileName)+2:]...)
		}
	}
}

// jpegProfileName is what an APP2 segment with a part of a profile begins with; its number and how many there are follow.
const jpegProfileName = "ICC_PROFILE\x00"

// chunkSize is the most bytes of a profile that one APP2 segment takes beside its own 16.
const chunkSize = math.MaxUint16 - 16

// WithProfile returns the encoded picture with an ICC profile in it: in APP2 segments of a JPEG (ISO 15076-1 Annex B), in an iCCP
// chunk of a PNG (PS3.18 8.3.5.1.5).
func WithProfile(picture, profile []byte) ([]byte, error) {
	const pngHeader = 8 + 25 // signature and IHDR
	switch {
	case bytes.HasPrefix(picture, []byte{0xFF, 0xD8}):
		chunks := (len(profile) + chunkSize - 1) / chunkSize
		if chunks > math.MaxUint8 {
			return nil, errors.New("the ICC profile does not fit into a JPEG")
		}
		head := 2
		if len(picture) > 6 && picture[3] == 0xE0 { // JFIF has its own segment first
			head = min(4+int(binary.BigEndian.Uint16(picture[4:])), len(picture))
		}
		out := append(make([]byte, 0, len(picture)+len(profile)+18*chunks), picture[:head]...)
		for i := range chunks {
			part := profile[i*chunkSize : min((i+1)*chunkSize, len(profile))]
			out = append(out, 0xFF, 0xE2)
			out = binary.BigEndian.AppendUint16(out, uint16(len(part)+16))
			out = append(append(out, jpegProfileName...), byte(i+1), byte(chunks))
			out = append(out, part...)
		}
		return append(out, picture[head:]...), nil
	case bytes.HasPrefix(picture, []byte("\x89PNG")) && len(picture) > pngHeader:
		var chunk bytes.Buffer
		chunk.WriteString("iCCPICC profile\x00\x00")
		z := zlib.NewWriter(&chunk)
		z.Write(profile) // into memory
		if err := z.Close(); err != nil {
			return nil, err
		}
		out := append(make([]byte, 0, len(picture)+chunk.Len()+8), picture[:pngHeader]...)
		out = binary.BigEndian.AppendUint32(out, uint32(chunk.Len()-4))
		out = append(out, chunk.Bytes()...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk.Bytes()))
		return append(out, picture[pngHeader:]...), nil
	}
	return nil, errors.New("the media type takes no ICC profile")
}
