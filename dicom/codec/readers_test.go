package codec

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicom/pixel"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/internal/corpus/corpusimage"
)

// readers are the tools of others that read what Encode makes: they turn a file into one in Explicit VR Little Endian.
var readers = []struct {
	syntax  dicom.UID
	command []string
}{
	{dicom.RLELossless, []string{"dcmdrle"}},
	{dicom.RLELossless, []string{"gdcmconv", "--raw"}},
	{dicom.JPEGBaseline8Bit, []string{"dcmdjpeg"}},
	{dicom.JPEGLosslessSV1, []string{"dcmdjpeg"}},
	{dicom.JPEGLosslessSV1, []string{"gdcmconv", "--raw"}},
	{dicom.JPEGLSLossless, []string{"dcmdjpls"}},
	{dicom.JPEGLSLossless, []string{"gdcmconv", "--raw"}},
	{dicom.JPEGLSNearLossless, []string{"dcmdjpls"}},
	{dicom.JPEG2000Lossless, []string{"gdcmconv", "--raw"}},
	{dicom.JPEG2000, []string{"gdcmconv", "--raw"}},
}

// readable are images that those tools know, too.
var readable = []pixel.Description{
	gray(64, 70, 8, 8), gray(64, 70, 16, 16), gray(65, 71, 16, 12), signed(gray(64, 70, 16, 16)), signed(gray(50, 60, 16, 12)),
	color(40, 33, 8, "RGB"),
}

// TestReaders has other programs read what Encode makes: without loss the very samples, else about those.
func TestReaders(t *testing.T) {
	for _, reader := range readers {
		t.Run(reader.command[0]+" "+syntaxName(reader.syntax), func(t *testing.T) {
			if _, err := exec.LookPath(reader.command[0]); err != nil {
				t.Skipf("%s is not installed", reader.command[0])
			}
			for i, d := range readable {
				if _, err := Encoded(reader.syntax, d); err == nil {
					compareReader(t, reader.syntax, reader.command, randomFrame(d, uint64(i)))
				}
			}
		})
	}
}

// TestReadersOfFewBits: dcmtk's CharLS has thresholds of its own for images of fewer than 8 bits that do not say theirs. Fewer than 6 it
// does not read.
func TestReadersOfFewBits(t *testing.T) {
	if _, err := exec.LookPath("dcmdjpls"); err != nil {
		t.Skip("dcmdjpls is not installed")
	}
	for bits := 6; bits < 8; bits++ {
		compareReader(t, dicom.JPEGLSLossless, []string{"dcmdjpls"}, randomFrame(gray(65, 71, 8, bits), uint64(bits)))
	}
}

func compareReader(t *testing.T, ts dicom.UID, command []string, f *pixel.Frame) {
	t.Helper()
	got := readBy(t, command, encodedFile(t, ts, f))
	lossy := encoders[ts].method != ""
	switch {
	case !lossy && !reflect.DeepEqual(samples(got), samples(f)):
		t.Errorf("%+v: other samples", f.Description)
	case ts == dicom.JPEGLSNearLossless && !within(got, f, 2):
		t.Errorf("%+v: samples differ by more than 2", f.Description)
	case lossy && got.Values() != f.Values():
		t.Errorf("%+v: %+v", f.Description, got.Description)
	}
}

// encodedFile writes a file with a frame in the transfer syntax.
func encodedFile(t testing.TB, ts dicom.UID, f *pixel.Frame) []byte {
	t.Helper()
	data, err := Encode(context.Background(), ts, f, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return dicomFile(t, ts, f.Description, [][]byte{data})
}

// dicomFile writes a file of encoded frames.
func dicomFile(t testing.TB, ts dicom.UID, d pixel.Description, frames [][]byte) []byte {
	t.Helper()
	ds := new(dicom.DataSet)
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.7")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "2.25.1")
	ds.SetStrings(dicom.NumberOfFrames, dicom.IS, strconv.Itoa(len(frames)))
	sign := 0
	if d.Signed {
		sign = 1
	}
	for tag, v := range map[dicom.Tag]int{dicom.Rows: d.Rows, dicom.Columns: d.Columns, dicom.SamplesPerPixel: d.Samples,
		dicom.PixelRepresentation: sign} {
		ds.SetInts(tag, dicom.US, int64(v))
	}
	encoding, err := Encoded(ts, d)
	if err != nil {
		t.Fatal(err)
	}
	encoding.Apply(ds, float64(d.Values()*d.BitsAllocated/8)/float64(len(frames[0])))
	var b bytes.Buffer
	if err := part10.Write(&b, ds, part10.WriteOptions{TransferSyntax: ts, Frames: frames}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readBy converts a file by another program, and reads the frame of what that has written.
func readBy(t *testing.T, command []string, file []byte) *pixel.Frame {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in.dcm"), filepath.Join(t.TempDir(), "out.dcm")
	if err := os.WriteFile(in, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if message, err := exec.Command(command[0], append(command[1:len(command):len(command)], in, out)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, message)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	converted, err := part10.Scan(bytes.NewReader(b), part10.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := pixel.Describe(converted.DataSet)
	if err != nil {
		t.Fatal(err)
	}
	value := converted.Layout.Pixel.Value
	f, err := Decode(context.Background(), dicom.ExplicitVRLittleEndian, d, b[value.Offset:value.Offset+value.Length])
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCorpusEncoded encodes the first frame of every image of the corpus that is not large in every lossless syntax that takes it, and decodes it.
func TestCorpusEncoded(t *testing.T) {
	encoded := map[string]int{}
	for _, file := range corpus.Files(t) {
		img := corpusimage.Open(t, file)
		if img == nil {
			continue
		}
		d, err := pixel.Describe(img.DataSet)
		if err != nil || d.Values() > 1<<17 {
			continue
		}
		data, err := img.Frame(1)
		if err != nil {
			continue
		}
		f, err := Decode(context.Background(), img.TransferSyntax, d, data)
		if err != nil {
			continue
		}
		for ts, e := range encoders {
			encoding, err := Encoded(ts, f.Description)
			if err != nil || e.method != "" {
				continue
			}
			got, err := reencode(ts, encoding, f)
			if err != nil || !reflect.DeepEqual(samples(got), samples(f)) {
				t.Errorf("%s in %s: %v", file.Name, syntaxName(ts), err)
			}
			encoded[syntaxName(ts)]++
		}
	}
	t.Log(encoded)
}

func reencode(ts dicom.UID, encoding Encoding, f *pixel.Frame) (*pixel.Frame, error) {
	data, err := Encode(context.Background(), ts, f, EncodeOptions{})
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return Decode(context.Background(), ts, encoding.Image, data)
}
