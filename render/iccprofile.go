package render

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/draw"
	"math"
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

// curveEntries are the entries of the tone curve of SRGB.
const curveEntries = 1024

// SRGB makes an ICC profile (ISO 15076-1, version 2) of sRGB (IEC 61966-2-1): three primaries, adapted to D50, and their curve.
func SRGB() []byte {
	curve := binary.BigEndian.AppendUint32(append([]byte("curv"), 0, 0, 0, 0), curveEntries)
	for i := range curveEntries {
		v := float64(i) / (curveEntries - 1)
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		curve = binary.BigEndian.AppendUint16(curve, uint16(v*math.MaxUint16+0.5))
	}
	const name, copyright = "sRGB IEC61966-2.1", "No copyright, use freely"
	description := binary.BigEndian.AppendUint32(append([]byte("desc"), 0, 0, 0, 0), uint32(len(name)+1))
	description = append(append(description, name...), make([]byte, 1+4+4+2+1+67)...) // no Unicode, no ScriptCode
	red, green, blue := xyz(0.43607, 0.22249, 0.01392), xyz(0.38515, 0.71687, 0.09708), xyz(0.14307, 0.06061, 0.71410)
	return profile([]profileTag{
		{"desc", description}, {"cprt", append(append([]byte("text"), 0, 0, 0, 0), copyright+"\x00"...)},
		{"wtpt", xyz(0.9642, 1, 0.8249)}, {"rXYZ", red}, {"gXYZ", green}, {"bXYZ", blue},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	})
}

// xyz is an XYZType of one value, in 16.16 fixed point.
func xyz(x, y, z float64) []byte {
	b := append([]byte("XYZ "), 0, 0, 0, 0)
	for _, v := range []float64{x, y, z} {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*(1<<16)))))
	}
	return b
}

type profileTag struct {
	signature string
	data      []byte
}

// profile puts a profile for displays together: header, table of tags, data. Tags of the same data share it.
func profile(tags []profileTag) []byte {
	const header, entry = 128, 12
	b := make([]byte, header, 4096)
	b[8] = 2 // version 2.1
	b[9] = 0x10
	copy(b[12:], "mntrRGB XYZ ")
	for i, v := range []uint16{2026, 1, 1, 0, 0, 0} {
		binary.BigEndian.PutUint16(b[24+2*i:], v)
	}
	copy(b[36:], "acsp")
	copy(b[68:], xyz(0.9642, 1, 0.8249)[8:])
	b = binary.BigEndian.AppendUint32(b, uint32(len(tags)))
	var data []byte
	start, from := header+4+entry*len(tags), 0
	for i, t := range tags {
		if i == 0 || &t.data[0] != &tags[i-1].data[0] {
			data = append(data, make([]byte, -len(data)&3)...)
			from = start + len(data)
			data = append(data, t.data...)
		}
		b = append(b, t.signature...)
		b = binary.BigEndian.AppendUint32(b, uint32(from))
		b = binary.BigEndian.AppendUint32(b, uint32(len(t.data)))
	}
	b = append(b, data...)
	b = append(b, make([]byte, -len(b)&3)...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

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
		out := append(make([]byte, 0, len(picture)+len(profile)+18*chunks), picture[:2]...)
		for i := range chunks {
			part := profile[i*chunkSize : min((i+1)*chunkSize, len(profile))]
			out = append(out, 0xFF, 0xE2)
			out = binary.BigEndian.AppendUint16(out, uint16(len(part)+16))
			out = append(append(out, "ICC_PROFILE\x00"...), byte(i+1), byte(chunks))
			out = append(out, part...)
		}
		return append(out, picture[2:]...), nil
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
