package jpeg2000_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/codec/jpeg2000"
)

// TestFile wraps codestreams, reads them again, and has OpenJPEG read them.
func TestFile(t *testing.T) {
	for _, test := range []struct {
		name       string
		components int
		color      jpeg2000.Color
	}{{"gray", 1, jpeg2000.Gray}, {"color", 3, jpeg2000.SRGB}} {
		p := anatomy(50, 40, test.components, 8)
		codestream, err := jpeg2000.Encode(context.Background(), p.image(false), jpeg2000.EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		file, err := jpeg2000.File(codestream, test.color, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(file, codestream) || string(file[20:24]) != "jp2 " {
			t.Errorf("%s: %q", test.name, file[:100])
		}
		if got := mustDecode(t, file); !slices.Equal(interleaved(got), p.samples) {
			t.Errorf("%s: other samples", test.name)
		}
		profile := bytes.Repeat([]byte("profile."), 20)
		profiled, err := jpeg2000.File(codestream, test.color, profile)
		if err != nil || !bytes.HasSuffix(profiled, codestream) || !bytes.Contains(profiled, append([]byte("colr\x02\x00\x00profile.prof"), "scnr"...)) {
			t.Errorf("%s: a profile makes %q, %v", test.name, profiled[:100], err)
		}
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in.jp2"), filepath.Join(dir, "out."+map[int]string{1: "pgm", 3: "ppm"}[test.components])
		if err := os.WriteFile(in, file, 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "opj_decompress", "-i", in, "-o", out)
		if d := worst(t, loadPNM(t, out), p.samples); d != 0 {
			t.Errorf("%s: OpenJPEG decodes samples that differ by up to %d", test.name, d)
		}
	}
	if _, err := jpeg2000.File(vector(t, "gray"), jpeg2000.SRGB, nil); err == nil {
		t.Error("a color space of three components for one")
	}
	if file, err := jpeg2000.File(vector(t, "ht"), jpeg2000.Gray, nil); err != nil || string(file[20:24]) != "jph " {
		t.Errorf("HTJ2K: %v", err)
	}
}
