package render

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	_ "image/jpeg"
	"io"
	"testing"
)

// TestSRGB: lengths and offsets of the profile lie within it, and white comes out as D50: the sum of the primaries.
func TestSRGB(t *testing.T) {
	p := SRGB()
	if n := binary.BigEndian.Uint32(p); int(n) != len(p) || string(p[36:40]) != "acsp" {
		t.Fatalf("%d bytes, says %d", len(p), n)
	}
	var sum [3]int32
	for i := range int(binary.BigEndian.Uint32(p[128:])) {
		tag := p[132+12*i:][:12]
		from, size := binary.BigEndian.Uint32(tag[4:]), binary.BigEndian.Uint32(tag[8:])
		if from%4 != 0 || int(from+size) > len(p) {
			t.Fatalf("tag %s lies at %d + %d of %d", tag[:4], from, size, len(p))
		}
		if string(tag[1:4]) == "XYZ" {
			for k := range sum {
				sum[k] += int32(binary.BigEndian.Uint32(p[int(from)+8+4*k:]))
			}
		}
	}
	for k, want := range []float64{0.9642, 1, 0.8249} {
		if d := float64(sum[k])/(1<<16) - want; d > 0.001 || d < -0.001 {
			t.Errorf("white %v", sum)
		}
	}
}

func TestWithProfile(t *testing.T) {
	long := bytes.Repeat([]byte("profile."), 20000) // three segments
	for mediaType, found := range map[string]func([]byte) []byte{"image/jpeg": jpegProfile, "image/png": pngProfile} {
		for _, profile := range [][]byte{SRGB(), long} {
			var b bytes.Buffer
			if err := Encode(&b, Colored(image.NewGray(image.Rect(0, 0, 9, 9))), mediaType, 0); err != nil {
				t.Fatal(err)
			}
			got, err := WithProfile(b.Bytes(), profile)
			if err != nil || !bytes.Equal(found(got), profile) {
				t.Errorf("%s: %v, another profile", mediaType, err)
			}
			if _, _, err := image.Decode(bytes.NewReader(got)); err != nil {
				t.Errorf("%s: %v", mediaType, err)
			}
		}
	}
	if _, err := WithProfile([]byte("GIF89a"), long); err == nil {
		t.Error("a GIF has no profile")
	}
}

func jpegProfile(b []byte) (profile []byte) {
	for b = b[2:]; b[1] == 0xE2; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		profile = append(profile, b[18:2+n]...)
		b = b[2+n:]
	}
	return profile
}

func pngProfile(b []byte) []byte {
	n := int(binary.BigEndian.Uint32(b[33:]))
	z, err := zlib.NewReader(bytes.NewReader(b[41+len("ICC profile")+2:][:n-len("ICC profile")-2]))
	if err != nil {
		return nil
	}
	profile, _ := io.ReadAll(z)
	return profile
}
