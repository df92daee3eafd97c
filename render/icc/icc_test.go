package icc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var spaces = map[string]*Space{"srgb": SRGB, "adobergb": AdobeRGB, "rommrgb": ROMMRGB}

// TestProfile: lengths and offsets of the profiles lie within them, white comes out as D50, and what is read again is what was written.
func TestProfile(t *testing.T) {
	for name, s := range spaces {
		p := s.Profile()
		if n := binary.BigEndian.Uint32(p); int(n) != len(p) || len(p)%4 != 0 {
			t.Fatalf("%s: %d bytes, says %d", name, len(p), n)
		}
		if !Primaries(p) {
			t.Errorf("%s: no profile of three primaries", name)
		}
		again, err := Parse(p)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range again.xyz([3]uint8{255, 255, 255}) {
			if math.Abs(v-white[i]) > 0.0002 {
				t.Errorf("%s: white %v", name, again.xyz([3]uint8{255, 255, 255}))
			}
		}
		for range 1000 {
			c := anyColor()
			a, b := s.xyz(c), again.xyz(c)
			for i := range a {
				if math.Abs(a[i]-b[i]) > 0.0001 {
					t.Fatalf("%s: %v is %v, and %v when read again", name, c, a, b)
				}
			}
		}
	}
}

// Colors by hand: gray stays gray; a mid gray of sRGB, 128, is 0.21586 of white, which Adobe RGB has at 0.21586^(256/563) = 127.0 and ROMM RGB
// at 0.21586^(1/1.8) = 108.8; the green of sRGB lies in the other two at (144, 255, 60) and (138, 237, 78); the red of Adobe RGB is more red than sRGB has.
func TestConvert(t *testing.T) {
	for _, test := range []struct {
		from, to   *Space
		have, want [3]uint8
	}{
		{SRGB, SRGB, [3]uint8{1, 77, 254}, [3]uint8{1, 77, 254}},
		{SRGB, AdobeRGB, [3]uint8{128, 128, 128}, [3]uint8{127, 127, 127}},
		{SRGB, ROMMRGB, [3]uint8{128, 128, 128}, [3]uint8{109, 109, 109}},
		{SRGB, AdobeRGB, [3]uint8{0, 255, 0}, [3]uint8{144, 255, 60}},
		{SRGB, ROMMRGB, [3]uint8{0, 255, 0}, [3]uint8{138, 237, 78}},
		{AdobeRGB, SRGB, [3]uint8{255, 0, 0}, [3]uint8{255, 0, 0}},
		{AdobeRGB, ROMMRGB, [3]uint8{255, 255, 255}, [3]uint8{255, 255, 255}},
		{ROMMRGB, AdobeRGB, [3]uint8{0, 0, 0}, [3]uint8{0, 0, 0}},
	} {
		if got := converted(test.from, test.to, test.have); got != test.want {
			t.Errorf("%v from %s to %s: %v, want %v", test.have, test.from.name, test.to.name, got, test.want)
		}
	}
}

// TestEncoder compares with the definition: each level is its own, and what lies between two goes to the nearest.
func TestEncoder(t *testing.T) {
	for name, s := range spaces {
		for v := range 256 {
			if got := s.level(s.linear[0][v]); int(got) != v {
				t.Errorf("%s: level %d comes back as %d", name, v, got)
			}
		}
		for range 10000 {
			v := rand.Float64() * rand.Float64() * 1.1
			want := 0
			for i := range 256 {
				if i > 0 && v >= s.above[i-1] {
					want = i
				}
			}
			if got := s.level(v); int(got) != want {
				t.Fatalf("%s: %g is level %d, want %d", name, v, got, want)
			}
		}
	}
}

// profiles of the Debian packages icc-profiles-free and ghostscript: of tables and of primaries.
const profiles = "/usr/share/color/icc"

// TestTransicc compares with lcms, by profiles of this package and of others, in each direction that there is. lcms works with 16 bits.
func TestTransicc(t *testing.T) {
	program, err := exec.LookPath("transicc")
	if err != nil {
		t.Skip("transicc is not installed")
	}
	sources := map[string][]byte{"table 8": tableProfile("mft1"), "table 16": tableProfile("mft2"), "table new": tableProfile("mAB ")}
	for name, s := range spaces {
		sources[name] = s.Profile()
	}
	for _, name := range []string{"LStar-RGB.icc", "ghostscript/srgb.icc", "ghostscript/a98.icc", "ghostscript/rommrgb.icc", "ghostscript/esrgb.icc"} {
		if b, err := os.ReadFile(filepath.Join(profiles, name)); err == nil {
			sources[name] = b
		}
	}
	dir := t.TempDir()
	for name, source := range sources {
		colors, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		from, to := filepath.Join(dir, "from.icc"), filepath.Join(dir, "to.icc")
		if err := os.WriteFile(from, source, 0o600); err != nil {
			t.Fatal(err)
		}
		for other, s := range spaces {
			if err := os.WriteFile(to, s.Profile(), 0o600); err != nil {
				t.Fatal(err)
			}
			var in strings.Builder
			samples := make([][3]uint8, 300)
			for i := range samples {
				samples[i] = anyColor()
				fmt.Fprintf(&in, "%d\n%d\n%d\n", samples[i][0], samples[i][1], samples[i][2])
			}
			transform := exec.Command(program, "-i", from, "-o", to, "-t1", "-n", "-c0", "-d0")
			transform.Stdin = strings.NewReader(in.String())
			out, err := transform.Output()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
			worst := 0.0
			for i, c := range samples {
				var want [3]float64
				if _, err := fmt.Sscan(string(lines[i]), &want[0], &want[1], &want[2]); err != nil {
					t.Fatalf("%s: %q: %v", name, lines[i], err)
				}
				got := converted(colors, s, c)
				for k := range want {
					within := min(max(want[k], 0), 255) // lcms goes on beyond what a space has
					worst = max(worst, math.Abs(within-float64(got[k])))
				}
			}
			t.Logf("%s to %s: at most %.2f levels", name, other, worst)
			if worst > 1 {
				t.Errorf("%s to %s: up to %.2f levels off", name, other, worst)
			}
		}
	}
}

func anyColor() [3]uint8 { return [3]uint8{uint8(rand.N(256)), uint8(rand.N(256)), uint8(rand.N(256))} }

func converted(from Colors, to *Space, c [3]uint8) [3]uint8 {
	img := image.NewRGBA(image.Rect(0, 0, 1, 1))
	copy(img.Pix, c[:])
	Convert(img, from, to)
	return [3]uint8(img.Pix[:3])
}

// tableProfile makes a profile of a table of the type: some curve, a grid of some colors of CIELab, and some curve.
func tableProfile(kind string) []byte {
	be := binary.BigEndian
	const points = 5
	curve := func(width, i int) (b []byte) {
		for v := range 256 {
			y := math.Pow(float64(v)/255, 1+float64(i)/4)
			if width == 1 {
				b = append(b, byte(y*255+0.5))
			} else {
				b = be.AppendUint16(b, uint16(y*65535+0.5))
			}
		}
		return b
	}
	gridOf := func(width int) (b []byte) {
		for i := range points * points * points {
			r, g, blue := float64(i/points/points)/(points-1), float64(i/points%points)/(points-1), float64(i%points)/(points-1)
			for _, y := range []float64{0.3*r + 0.6*g + 0.1*blue, 0.5 + 0.2*(r-g), 0.5 + 0.2*(g-blue*blue)} {
				if width == 1 {
					b = append(b, byte(y*255+0.5))
				} else {
					b = be.AppendUint16(b, uint16(y*65280+0.5))
				}
			}
		}
		return b
	}
	b := append([]byte(kind), 0, 0, 0, 0, 3, 3, points, 0)
	switch kind {
	case "mAB ":
		b[10] = 0
		parametric := append([]byte("para"), 0, 0, 0, 0, 0, 3, 0, 0)
		for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
			parametric = be.AppendUint32(parametric, uint32(v*65536+0.5))
		}
		tables := append([]byte{'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 1, 0}, curve(2, 1)...)
		exponent := []byte{'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 1, 1, 51, 0, 0}
		straight := []byte{'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 0}
		parts := [][]byte{bytes.Repeat(straight, 3), nil, bytes.Repeat(exponent, 3), nil, append(append(bytes.Clone(parametric), tables...), exponent...)}
		for _, v := range []float64{0.9, 0.1, 0, 0.05, 0.9, 0.05, 0, 0, 1, 0.01, -0.01, 0} {
			parts[1] = be.AppendUint32(parts[1], uint32(int32(v*65536)))
		}
		parts[3] = append(append([]byte{points, points, points}, make([]byte, 13)...), 2, 0, 0, 0)
		parts[3] = append(parts[3], gridOf(2)...)
		from := 32
		for _, p := range parts {
			b = be.AppendUint32(b, uint32(from))
			from += (len(p) + 3) &^ 3
		}
		for _, p := range parts {
			b = append(append(b, p...), make([]byte, -len(p)&3)...)
		}
	default:
		width := 1
		b = append(b, make([]byte, 36)...)
		for i := range 3 {
			be.PutUint32(b[12+16*i:], 1<<16)
		}
		if kind == "mft2" {
			width = 2
			b = append(b, 1, 0, 1, 0)
		}
		for i := range 3 {
			b = append(b, curve(width, i)...)
		}
		b = append(b, gridOf(width)...)
		for i := range 3 {
			b = append(b, curve(width, i)...)
		}
	}
	p := assemble([]tag{{"A2B0", b}, {"wtpt", xyzType(white[0], white[1], white[2])}})
	copy(p[12:], "scnrRGB Lab ")
	if kind == "mAB " {
		p[8], p[9] = 4, 0x20
	}
	return p
}
