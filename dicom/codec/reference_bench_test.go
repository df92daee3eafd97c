package codec

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/codec/internal/bounded"
	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
	"github.com/noctis-dicom/noctis/dicom/codec/jpeglossless"
	"github.com/noctis-dicom/noctis/dicom/codec/jpegls"
	"github.com/noctis-dicom/noctis/dicom/pixel"
)

// BenchmarkReference decodes an image of 16 bits on one thread, in turns with the library that others use for it, and reports the
// least processor time of each, which a machine at work changes less than time, and the ratio. Where that library is not installed
// it skips.
func BenchmarkReference(b *testing.B) {
	for _, test := range []struct {
		name      string
		syntax    dicom.UID
		decode    func(data []byte) error
		reference func(b *testing.B, file string) func() float64
	}{
		{"JPEG-LS_CharLS", dicom.JPEGLSLossless, func(data []byte) error {
			_, err := jpegls.Decode(context.Background(), data, func(jpegls.Header) error { return nil })
			return err
		}, byProgram("charls", "charls")},
		{"JPEG-lossless_dcmtk", dicom.JPEGLosslessSV1, func(data []byte) error {
			_, err := jpeglossless.Decode(context.Background(), data, func(jpeglossless.Header) error { return nil })
			return err
		}, byDCMTK},
		{"JPEG-2000_OpenJPEG", dicom.JPEG2000Lossless, decodeOnOneThread, byProgram("openjpeg", "openjp2")},
		{"JPEG-2000-lossy_OpenJPEG", dicom.JPEG2000, decodeOnOneThread, byProgram("openjpeg", "openjp2")},
		{"HTJ2K_OpenJPEG", dicom.HTJ2KLossless, decodeOnOneThread, byProgram("openjpeg", "openjp2")},
	} {
		for _, size := range []int{512, 2048} {
			b.Run(fmt.Sprintf("%s/%d", test.name, size), func(b *testing.B) {
				data, err := Encode(context.Background(), test.syntax, scan(size), EncodeOptions{})
				if err != nil {
					b.Fatal(err)
				}
				file := filepath.Join(b.TempDir(), "data")
				if err := os.WriteFile(file, data, 0o600); err != nil {
					b.Fatal(err)
				}
				reference := test.reference(b, file)
				ours, theirs := math.Inf(1), math.Inf(1)
				for b.Loop() {
					theirs = min(theirs, reference())
					for range 5 {
						begin := bounded.ProcessorTime()
						if err := test.decode(data); err != nil {
							b.Fatal(err)
						}
						ours = min(ours, float64((bounded.ProcessorTime() - begin).Microseconds()))
					}
				}
				b.ReportMetric(ours/1000, "ms-least")
				b.ReportMetric(theirs/1000, "ms-least-reference")
				b.ReportMetric(ours/theirs, "ratio")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func decodeOnOneThread(data []byte) error {
	_, err := jpeg2000.Decode(context.Background(), data, jpeg2000.Limits{Workers: 1})
	return err
}

// scan is a picture like that of a scanner: a body with soft edges and noise, in air.
func scan(size int) *pixel.Frame {
	f := newFrame(gray(size, size, 16, 16))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range f.U16 {
		x, y := float64(i%size)/float64(size)-0.5, float64(i/size)/float64(size)-0.5
		v := 1000 + 40*math.Sin(30*x)*math.Cos(25*y) + 300*math.Exp(-40*((x-0.1)*(x-0.1)+y*y))
		if math.Hypot(x, 1.3*y) > 0.45 {
			v = 24
		}
		f.U16[i] = uint16(v + 6*r.NormFloat64() + 24)
	}
	return f
}

// byProgram compiles a program of testdata against a library, and returns what runs it and tells its least processor time in microseconds.
func byProgram(name, library string) func(b *testing.B, file string) func() float64 {
	return func(b *testing.B, file string) func() float64 {
		program := filepath.Join(b.TempDir(), name)
		if out, err := exec.Command("cc", "-O2", "-o", program, "testdata/"+name+".c", "-l"+library).CombinedOutput(); err != nil {
			b.Skipf("%s is not installed for development: %v\n%.300s", library, err, out)
		}
		return func() float64 {
			out, err := exec.Command(program, file, "5").Output()
			if err != nil {
				b.Fatal(err)
			}
			us, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			if err != nil {
				b.Fatal(err)
			}
			return us
		}
	}
}

// byDCMTK has dcmdjpeg decode a file of few and one of many frames; the difference is what the frames take.
func byDCMTK(b *testing.B, file string) func() float64 {
	if _, err := exec.LookPath("dcmdjpeg"); err != nil {
		b.Skip("dcmdjpeg is not installed")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	const few, many = 1, 9
	files := map[int]string{}
	for _, n := range []int{few, many} {
		files[n] = file + strconv.Itoa(n)
		frames := make([][]byte, n)
		for i := range frames {
			frames[i] = data
		}
		size := 512
		if len(data) > 1<<20 {
			size = 2048
		}
		if err := os.WriteFile(files[n], dicomFile(b, dicom.JPEGLosslessSV1, gray(size, size, 16, 16), frames), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	run := func(n int) float64 {
		least := math.Inf(1)
		for range 3 {
			command := exec.Command("dcmdjpeg", files[n], "/dev/null")
			if out, err := command.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			least = min(least, float64((command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Microseconds()))
		}
		return least
	}
	return func() float64 { return (run(many) - run(few)) / (many - few) }
}
