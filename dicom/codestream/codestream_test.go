package codestream

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// box is a box of ISO/IEC 14496-12.
func box(kind string, bodies ...[]byte) []byte {
	body := bytes.Join(bodies, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// j2k is the main header of a codestream of 5 by 4 pixels with 8 bits.
func j2k(components int, mct, transformation string) []byte {
	siz := "0000 00000005 00000004 00000000 00000000 00000005 00000004 00000000 00000000 00" + hex.EncodeToString([]byte{byte(components)}) +
		strings.Repeat("070101", components)
	size := len(unhex(siz)) + 2
	return unhex("FF4F FF51 00" + hex.EncodeToString([]byte{byte(size)}) + siz + "FF52 000C 00 00 0001" + mct + "05 04 04 00" + transformation + "FF90 000A")
}

func jpegHeaderOf(sof, components, app, sos string) []byte {
	return unhex("FFD8" + app + sof + components + sos)
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	var gray, rgb, animated, palette bytes.Buffer
	if err := jpeg.Encode(&gray, image.NewGray(image.Rect(0, 0, 5, 4)), nil); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&rgb, image.NewRGBA(image.Rect(0, 0, 5, 4)), nil); err != nil {
		t.Fatal(err)
	}
	colors := color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{4, 5, 6, 255}, color.RGBA{}}
	one := image.NewPaletted(image.Rect(0, 0, 2, 1), colors)
	two := image.NewPaletted(image.Rect(1, 0, 2, 1), colors)
	two.Pix[0] = 1
	three := image.NewPaletted(image.Rect(0, 0, 2, 1), colors)
	three.Pix[0], three.Pix[1] = 2, 2
	g := &gif.GIF{Image: []*image.Paletted{one, two, three}, Delay: []int{1, 1, 1},
		Disposal: []byte{gif.DisposalNone, gif.DisposalPrevious, gif.DisposalBackground}}
	if err := gif.EncodeAll(&animated, g); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&palette, one); err != nil {
		t.Fatal(err)
	}
	avc := make([]byte, 78)
	binary.BigEndian.PutUint16(avc[24:], 640)
	binary.BigEndian.PutUint16(avc[26:], 480)
	mp4 := func(entry string, config []byte) []byte {
		return append(box("ftyp", []byte("isom")), box("moov", box("trak", box("tkhd", make([]byte, 15), []byte{2}), box("mdia", box("hdlr", make([]byte, 8), []byte("vide")),
			box("minf", box("stbl", box("stsd", make([]byte, 8), box(entry, avc, config)),
				box("stsz", make([]byte, 8), []byte{0, 0, 0, 25}))))))...)
	}
	fragment := func(track, frames byte) []byte {
		return box("moof", box("traf", box("tfhd", make([]byte, 7), []byte{track}), box("trun", make([]byte, 7), []byte{frames})))
	}
	container := func(b []byte) []byte {
		return bytes.Join([][]byte{box("jP  ", []byte("\r\n\x87\n")), box("ftyp", []byte("jp2 ")), box("jp2h",
			box("colr", []byte{1, 0, 0, 0, 0, 0, 18})), box("jp2c", b)}, nil)
	}
	return map[string][]byte{
		"jpeg gray":        gray.Bytes(),
		"jpeg color":       rgb.Bytes(),
		"jpeg extended 12": jpegHeaderOf("FFC1000B0C00040005 01", "011100", "", "FFDA0008010100003F00"),
		"jpeg progressive": jpegHeaderOf("FFC2000B080004000501", "011100", "", "FFDA0008010100003F00"),
		"jpeg lossless 1":  jpegHeaderOf("FFC3000B100004000501", "011100", "", "FFDA0008010100010000"),
		"jpeg lossless 6":  jpegHeaderOf("FFC3000B100004000501", "011100", "", "FFDA0008010100060000"),
		"jpeg lossless 3":  jpegHeaderOf("FFC30011080004000503", "011100021100031100", "", "FFDA000C03010002000300010000"),
		"jpeg rgb":         jpegHeaderOf("FFC00011080004000503", "521100471100421100", "", "FFDA000C03520047004200003F00"),
		"jpeg adobe ycc":   jpegHeaderOf("FFC00011080004000503", "521100471100421100", "FFEE000E41646F626500640000000001", "FFDA000C03520047004200003F00"),
		"jpeg cmyk":        jpegHeaderOf("FFC00014080004000504", "011100021100031100041100", "", "FFDA000E040100020003000400003F00"),
		"jpeg ls":          jpegHeaderOf("FFF7000B0C0004000501", "011100", "", "FFDA0008010100000000"),
		"jpeg ls near":     jpegHeaderOf("FFF7000B0C0004000501", "011100", "", "FFDA0008010100030000"),
		"j2k":              j2k(1, "00", "01"),
		"j2k lossy":        j2k(3, "01", "00"),
		"j2k rct":          j2k(3, "01", "01"),
		"j2k alpha":        j2k(4, "01", "01"),
		"jp2 sycc":         container(j2k(3, "00", "01")),
		"htj2k":            bytes.Replace(j2k(1, "00", "01"), unhex("FF52"), unhex("FF50 0008 00020000 0001 FF52"), 1),
		"png palette":      palette.Bytes(),
		"gif":              animated.Bytes(),
		"mp4 h264":         mp4("avc1", box("avcC", []byte{1, 100, 0, 41})),
		"mp4 h264 4.2":     mp4("avc1", box("avcC", []byte{1, 100, 0, 42})),
		"mp4 h264 4:4:4":   mp4("avc1", box("avcC", []byte{1, 244, 0, 41})),
		"mp4 hevc 4:2:2":   mp4("hvc1", box("hvcC", []byte{1, 4, 0, 0})),
		"mp4 fragments": bytes.Join([][]byte{mp4("avc1", box("avcC", []byte{1, 100, 0, 41})), fragment(2, 7), fragment(1, 100),
			fragment(2, 3)}, nil),
		"mp4 hevc 10":   mp4("hvc1", box("hvcC", []byte{1, 2, 0, 0})),
		"mp4 with ftyp": mp4("hvc1", box("hvcC", []byte{1, 2, 0, 0})),
		"mp4 other":     mp4("mp4v", nil),
		"mp4 no video":  box("moov", box("trak", nil)),
		"mpeg":          unhex("000001BA00 000001B3 2D0240 33 FFFF 000001B5 14 8A 0000"),
		"mpeg high":     unhex("000001B3 780438 33 FFFF 000001B5 14 4A 0000"),
		// A Main profile SPS of 416 by 240, level 2.1, as x265 writes it.
		"hevc":    unhex("00000001 40010C01FFFF 00000001 420101 01600000030090000003000003003F A00D080F16 000001 4401"),
		"rle":     append([]byte{1, 0, 0, 0, 64, 0, 0, 0}, make([]byte, 60)...),
		"jxl":     unhex("FF0A FFFF 00000000"),
		"nothing": nil,
	}
}

func TestInspect(t *testing.T) {
	all := samples(t)
	for _, test := range []struct {
		mediaType, name string
		syntax          dicom.UID
		rows, columns   int
		samples, bits   int
		photometric     string
		frames          int
		err             string
	}{
		{"image/jpeg", "jpeg gray", dicom.JPEGBaseline8Bit, 4, 5, 1, 8, "MONOCHROME2", 1, ""},
		{"image/jpeg", "jpeg color", dicom.JPEGBaseline8Bit, 4, 5, 3, 8, "YBR_FULL_422", 1, ""},
		{"image/jpeg", "jpeg extended 12", dicom.JPEGExtended12Bit, 4, 5, 1, 12, "MONOCHROME2", 1, ""},
		{"image/jpeg", "jpeg progressive", "1.2.840.10008.1.2.4.55", 4, 5, 1, 8, "MONOCHROME2", 1, ""},
		{"image/jpeg", "jpeg lossless 1", dicom.JPEGLosslessSV1, 4, 5, 1, 16, "MONOCHROME2", 1, ""},
		{"image/jpeg", "jpeg lossless 6", dicom.JPEGLossless, 4, 5, 1, 16, "MONOCHROME2", 1, ""},
		{"image/jpeg", "jpeg lossless 3", dicom.JPEGLosslessSV1, 4, 5, 3, 8, "RGB", 1, ""},
		{"image/jpeg", "jpeg rgb", dicom.JPEGBaseline8Bit, 4, 5, 3, 8, "RGB", 1, ""},
		{"image/jpeg", "jpeg adobe ycc", dicom.JPEGBaseline8Bit, 4, 5, 3, 8, "YBR_FULL", 1, ""},
		{"image/jpeg", "jpeg cmyk", "", 0, 0, 0, 0, "", 0, "4 samples per pixel"},
		{"image/jls", "jpeg ls", dicom.JPEGLSLossless, 4, 5, 1, 12, "MONOCHROME2", 1, ""},
		{"image/jls", "jpeg ls near", dicom.JPEGLSNearLossless, 4, 5, 1, 12, "MONOCHROME2", 1, ""},
		{"image/jp2", "j2k", dicom.JPEG2000Lossless, 4, 5, 1, 8, "MONOCHROME2", 1, ""},
		{"image/jp2", "j2k lossy", dicom.JPEG2000, 4, 5, 3, 8, "YBR_ICT", 1, ""},
		{"image/jp2", "j2k rct", dicom.JPEG2000Lossless, 4, 5, 3, 8, "YBR_RCT", 1, ""},
		{"image/jp2", "j2k alpha", "", 0, 0, 0, 0, "", 0, "4 samples per pixel"},
		{"image/jp2", "jp2 sycc", dicom.JPEG2000Lossless, 4, 5, 3, 8, "YBR_FULL", 1, ""},
		{"image/jphc", "htj2k", dicom.HTJ2KLossless, 4, 5, 1, 8, "MONOCHROME2", 1, ""},
		{"image/png", "png palette", "", 1, 2, 3, 8, "RGB", 1, ""},
		{"image/gif", "gif", "", 1, 2, 3, 8, "RGB", 3, ""},
		{"video/mp4", "mp4 h264", h264Level41, 480, 640, 3, 8, videoPhotometry, 25, ""},
		{"video/mp4", "mp4 h264 4.2", h264Level42, 480, 640, 3, 8, videoPhotometry, 25, ""},
		{"video/mp4", "mp4 hevc 10", hevcMain10, 480, 640, 3, 10, videoPhotometry, 25, ""},
		{"video/mp4", "mp4 h264 4:4:4", "", 0, 0, 0, 0, "", 0, "chroma"},
		{"video/mp4", "mp4 hevc 4:2:2", "", 0, 0, 0, 0, "", 0, "chroma"},
		{"video/mp4", "mp4 fragments", h264Level41, 480, 640, 3, 8, videoPhotometry, 35, ""},
		{"video/mp4", "mp4 other", "", 0, 0, 0, 0, "", 0, "neither H.264 nor H.265"},
		{"video/mp4", "mp4 no video", "", 0, 0, 0, 0, "", 0, "no video track"},
		{"video/mpeg", "mpeg", mpeg2MainLevel, 576, 720, 3, 8, videoPhotometry, 0, ""},
		{"video/mpeg", "mpeg high", mpeg2HighLevel, 1080, 1920, 3, 8, videoPhotometry, 0, ""},
		{"video/h265", "hevc", hevcMain, 240, 416, 3, 8, videoPhotometry, 0, ""},
		{"video/h265", "mp4 with ftyp", hevcMain10, 480, 640, 3, 10, videoPhotometry, 25, ""},
		{"image/dicom-rle", "rle", dicom.RLELossless, 0, 0, 0, 0, "", 0, ""},
		{"image/jpeg", "png palette", "", 0, 0, 0, 0, "", 0, "does not begin with SOI"},
		{"image/png", "jpeg gray", "", 0, 0, 0, 0, "", 0, "no PNG"},
		{"image/jp2", "jpeg gray", "", 0, 0, 0, 0, "", 0, "longer than what it lies in"},
		{"image/jpeg", "nothing", "", 0, 0, 0, 0, "", 0, "SOI"},
		{"text/html", "nothing", "", 0, 0, 0, 0, "", 0, "no media type of pixel data"},
	} {
		s, err := Inspect(test.mediaType, section(all[test.name]))
		if test.err != "" || err != nil {
			if err == nil || test.err == "" || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		want := pixel.Description{Rows: test.rows, Columns: test.columns, Samples: test.samples, BitsStored: test.bits,
			Photometric: test.photometric, Frames: test.frames}
		got := s.Description
		got.HighBit, got.BitsAllocated = 0, 0
		if s.TransferSyntax != test.syntax || got != want {
			t.Errorf("%s: %s %+v", test.name, s.TransferSyntax, s.Description)
		}
	}
}

// The container of JPEG 2000 stays behind.
func TestInspectStripsContainer(t *testing.T) {
	all := samples(t)
	s, err := Inspect("image/jp2", section(all["jp2 sycc"]))
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(s.Codestream); !bytes.Equal(b, j2k(3, "00", "01")) {
		t.Errorf("codestream %x", b)
	}
}

func TestTransform(t *testing.T) {
	all := samples(t)
	encode := func(img image.Image) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	rect := image.Rect(0, 0, 2, 1)
	gray16 := image.NewGray16(rect)
	gray16.SetGray16(1, 0, color.Gray16{0x1234})
	alpha := image.NewNRGBA(rect)
	alpha.SetNRGBA(0, 0, color.NRGBA{10, 20, 30, 40}) // its colour counts, not what alpha makes of it
	deep := image.NewNRGBA64(rect)
	deep.SetNRGBA64(1, 0, color.NRGBA64{0x0102, 0x0304, 0x0506, 0x8000})
	for _, test := range []struct {
		name, mediaType string
		data            []byte
		want            string
	}{
		{"palette", "image/png", all["png palette"], "010203 010203"},
		{"16 bits", "image/png", encode(gray16), "0000 3412"},
		{"alpha", "image/png", encode(alpha), "0a141e 000000"},
		{"16 bits and alpha", "image/png", encode(deep), "000000000000 020104030605"},
		// The second image covers a pixel and is taken back; the third is transparent all over.
		{"gif", "image/gif", all["gif"], "010203010203 010203040506 010203010203"},
	} {
		var b bytes.Buffer
		d, err := Transform(&b, test.mediaType, section(test.data), 1<<20)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if want := strings.ReplaceAll(test.want, " ", ""); hex.EncodeToString(b.Bytes()) != want {
			t.Errorf("%s: %x, want %s", test.name, b.Bytes(), want)
		}
		if d.Values()*d.BitsAllocated/8*d.Frames != b.Len() {
			t.Errorf("%s: %d bytes for %+v", test.name, b.Len(), d)
		}
	}
	if _, err := Transform(io.Discard, "image/gif", section(all["gif"]), 17); err == nil || !strings.Contains(err.Error(), "allowed") {
		t.Errorf("more than the limit: %v", err)
	}
	if _, err := Transform(io.Discard, "image/png", section(all["png palette"]), 5); err == nil || !strings.Contains(err.Error(), "allowed") {
		t.Errorf("more than the limit: %v", err)
	}
}

// A cut codestream is an error or a description, and never a panic.
func FuzzInspect(f *testing.F) {
	all := samples(f)
	videos, err := filepath.Glob("testdata/video/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range videos {
		if all[path], err = os.ReadFile(path); err != nil {
			f.Fatal(err)
		}
	}
	for _, b := range all {
		for i := range mediaTypes {
			f.Add(i, b)
		}
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		mediaType := mediaTypes[uint(i)%uint(len(mediaTypes))]
		s, err := Inspect(mediaType, section(b))
		if err == nil && s.Codestream.Size() > int64(len(b)) {
			t.Fatal("a codestream longer than what it lies in")
		}
		if n, err := CountFrames(mediaType, section(b)); err == nil && n > len(b)/4 {
			t.Fatalf("%d frames in %d bytes", n, len(b))
		}
		if err == nil && Transformed(mediaType) && s.Values() < 1<<16 {
			counted := &counter{}
			d, err := Transform(counted, mediaType, section(b), 1<<20)
			if err == nil && counted.n != int64(d.Values()*d.BitsAllocated/8*d.Frames) {
				t.Fatalf("%d bytes for %+v", counted.n, d)
			}
		}
	})
}

var mediaTypes = []string{"image/gif", "image/png", "image/jpeg", "image/jp2", "image/jxl", "image/dicom-rle", "video/mp4", "video/mpeg", "video/h265"}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// A frame lies in memory when it is decoded: a file of few bytes must not ask for gigabytes of it.
func TestTransformLargeFrames(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	large := bytes.Clone(b.Bytes())
	binary.BigEndian.PutUint32(large[16:], 20_000)
	binary.BigEndian.PutUint32(large[20:], 20_000)
	binary.BigEndian.PutUint32(large[29:], crc32.ChecksumIEEE(large[12:29]))
	b.Reset()
	if err := gif.Encode(&b, image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black}), nil); err != nil {
		t.Fatal(err)
	}
	screen := b.Bytes()
	binary.LittleEndian.PutUint16(screen[6:], 65_535)
	binary.LittleEndian.PutUint16(screen[8:], 65_535)
	for mediaType, data := range map[string][]byte{"image/png": large, "image/gif": screen} {
		if _, err := Transform(io.Discard, mediaType, section(data), 1<<40); err == nil || !strings.Contains(err.Error(), "at most 268435456 are allowed") {
			t.Errorf("%s: %v", mediaType, err)
		}
	}
}
