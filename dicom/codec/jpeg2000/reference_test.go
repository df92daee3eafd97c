package jpeg2000_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

// picture is an image for the encoders of others: planes of unsigned samples.
type picture struct {
	width, height, components, precision int
	samples                              []int32 // interleaved
}

// anatomy is a smooth picture with edges and noise, which fills the range of its precision.
func anatomy(width, height, components, precision int) picture {
	p := picture{width, height, components, precision, make([]int32, width*height*components)}
	top, noise := float64(int(1)<<precision-1), uint32(1)
	for i := range p.samples {
		x, y, c := float64(i/components%width), float64(i/components/width), float64(i%components)
		v := 0.5 + 0.3*math.Sin(x/17+c)*math.Cos(y/23) + 0.1*math.Sin(x*y/900)
		if math.Hypot(x-float64(width)/2, y-float64(height)/2) > float64(height)*0.45 {
			v = 0
		}
		noise = noise*1664525 + 1013904223
		v += (float64(noise>>16)/65536 - 0.5) * 0.03
		p.samples[i] = int32(max(0, min(top, v*top)))
	}
	return p
}

// save writes the picture as PGM or PPM.
func (p picture) save(t testing.TB, dir string) string {
	t.Helper()
	kind, ext := 5, "pgm"
	if p.components == 3 {
		kind, ext = 6, "ppm"
	}
	b := fmt.Appendf(nil, "P%d\n%d %d\n%d\n", kind, p.width, p.height, 1<<p.precision-1)
	for _, v := range p.samples {
		if p.precision > 8 {
			b = binary.BigEndian.AppendUint16(b, uint16(v))
		} else {
			b = append(b, byte(v))
		}
	}
	name := filepath.Join(dir, "picture."+ext)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// loadPNM reads what save writes.
func loadPNM(t testing.TB, name string) []int32 {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for len(fields) < 4 {
		i := bytes.IndexAny(b, " \n")
		if b[0] == '#' {
			i = bytes.IndexByte(b, '\n')
		} else {
			fields = append(fields, string(b[:i]))
		}
		b = b[i+1:]
	}
	var samples []int32
	for i := 0; i < len(b); i++ {
		v := int32(b[i])
		if fields[3] != "255" && len(fields[3]) >= 3 {
			i++
			v = v<<8 | int32(b[i])
		}
		samples = append(samples, v)
	}
	return samples
}

// run runs a tool of another project, or skips the test where it is not installed.
func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// encode encodes a picture by opj_compress, or by ojph_compress where the arguments begin with "ht".
func encode(t testing.TB, p picture, arguments string) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := p.save(t, dir), filepath.Join(dir, "out.j2k")
	if rest, ht := strings.CutPrefix(arguments, "ht"); ht {
		out = filepath.Join(dir, "out.j2c")
		run(t, "ojph_compress", append([]string{"-i", in, "-o", out}, strings.Fields(rest)...)...)
	} else {
		run(t, "opj_compress", append([]string{"-i", in, "-o", out}, strings.Fields(arguments)...)...)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decodeByReference decodes by opj_decompress.
func decodeByReference(t testing.TB, data []byte, components int) []int32 {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.j2k"), filepath.Join(dir, "out.pgm")
	if components == 3 {
		out = filepath.Join(dir, "out.ppm")
	}
	if err := os.WriteFile(in, data, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "opj_decompress", "-i", in, "-o", out)
	return loadPNM(t, out)
}

// interleaved is an image as PNM holds it.
func interleaved(img *jpeg2000.Image) []int32 {
	var samples []int32
	for i := range img.Planes[0] {
		for _, p := range img.Planes {
			samples = append(samples, p[i])
		}
	}
	return samples
}

// worst is the greatest difference.
func worst(t testing.TB, got, want []int32) int32 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	d := int32(0)
	for i := range got {
		d = max(d, got[i]-want[i], want[i]-got[i])
	}
	return d
}

// TestLossless decodes what other encoders made of a picture, in all the ways they know.
func TestLossless(t *testing.T) {
	gray := anatomy(203, 157, 1, 12)
	color := anatomy(131, 97, 3, 8)
	for _, arguments := range []string{
		"", "-n 1", "-n 2", "-n 7", "-b 4,4", "-b 1024,4", "-b 4,1024", "-b 32,128",
		"-M 1", "-M 2", "-M 4", "-M 8", "-M 16", "-M 32", "-M 5", "-M 13", "-M 63", "-M 37",
		"-r 20,10,5,1", "-r 20,10,5,1 -M 1", "-r 20,10,5,1 -M 5", "-r 30,20,10,5,3,2,1 -M 63",
		"-p LRCP -r 9,1", "-p RLCP -r 9,1", "-p RPCL -r 9,1", "-p PCRL -r 9,1", "-p CPRL -r 9,1",
		"-p RPCL -c [64,64] -r 9,1", "-p PCRL -c [32,64],[64,32],[16,16] -r 9,1", "-p CPRL -c [128,64] -r 9,1",
		"-p LRCP -c [32,32] -r 9,1", "-p RLCP -c [32,64] -r 9,1",
		"-t 64,64", "-t 50,70 -n 4", "-t 64,64 -p RPCL -c [32,32]", "-t 33,44 -T 0,0 -d 0,0 -r 5,1", "-t 3,3 -n 2", "-t 1,157 -n 1",
		"-SOP", "-EPH", "-SOP -EPH -t 64,64 -r 5,1", "-TP R -t 64,64", "-TP L -r 9,1", "-TP C -t 100,100", "-PLT", "-TLM",
		"-d 13,17", "-d 13,17 -t 64,64 -T 5,6", "-d 13,17 -n 6 -p PCRL -c [32,32] -t 90,80 -T 13,1",
		"-POC T1=0,0,1,5,3,CPRL/T1=5,0,1,6,3,CPRL",
		"-ROI c=0,U=3",
		"-mct 0", "-mct 1",
		"ht -reversible true", "ht -reversible true -block_size {32,32}", "ht -reversible true -block_size {4,1024}",
		"ht -reversible true -num_decomps 0", "ht -reversible true -prog_order RPCL -precincts {64,64},{32,32}",
		"ht -reversible true -tile_size {50,70}", "ht -reversible true -block_size {1024,4}",
		"ht -reversible true -prog_order CPRL", "ht -reversible true -prog_order LRCP", "ht -reversible true -prog_order PCRL",
	} {
		for _, p := range []picture{gray, color} {
			if strings.Contains(arguments, "-mct") && p.components == 1 || strings.Contains(arguments, "POC") && p.components == 1 {
				continue
			}
			t.Run(fmt.Sprintf("%d %s", p.components, arguments), func(t *testing.T) {
				data := encode(t, p, arguments)
				for _, workers := range []int{1, 3} {
					img, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{Workers: workers})
					if err != nil {
						t.Fatal(err)
					}
					want := p.samples
					if worst(t, interleaved(img), want) != 0 { // with a few of these options the encoder of OpenJPEG 2.5.0 is not lossless
						want = decodeByReference(t, data, p.components)
					}
					if d := worst(t, interleaved(img), want); d != 0 {
						t.Errorf("samples differ by up to %d: %+v", d, img.Header)
					}
				}
			})
		}
	}
}

// TestLossy compares lossy images with OpenJPEG's. That has a constant of the 9-7 transform in which only four digits are
// right, which shows in images of 16 bits.
func TestLossy(t *testing.T) {
	for _, p := range []picture{anatomy(203, 157, 1, 12), anatomy(131, 97, 3, 8), anatomy(64, 300, 1, 16), anatomy(200, 100, 1, 8)} {
		for _, arguments := range []string{
			"-I", "-I -r 10", "-I -r 40,20,5", "-I -n 1", "-I -t 50,70 -n 4 -r 8", "-I -M 63 -r 8", "-r 10", "-r 30,10 -M 1", "-I -d 13,17 -r 6",
			"-I -ROI c=0,U=4 -r 4",
			"ht", "ht -qstep 0.0001", "ht -qstep 0.05", "ht -qstep 0.01 -num_decomps 3 -block_size {32,32}",
		} {
			t.Run(fmt.Sprintf("%dx%d %d bits %s", p.width, p.height, p.precision, arguments), func(t *testing.T) {
				data := encode(t, p, arguments)
				img, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				bound := int32(1 + p.precision/16)
				if d := worst(t, interleaved(img), decodeByReference(t, data, p.components)); d > bound {
					t.Errorf("samples differ by up to %d: %+v", d, img.Header)
				}
			})
		}
	}
}
