package part10

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/corpus"
)

// refused are the files of the corpus that are no valid Part 10 files, and why they are refused.
var refused = map[string]Reason{
	"files/mr_evle_MR_truncated_a3f26c27.dcm":         Truncated, // within Pixel Data
	"files/rtplan_ivle_rtplan_truncated_15009ec7.dcm": Truncated, // within a sequence
	"files/xx_nots_no_meta_52912b99.dcm":              NotDICOM,  // a stray byte before the first element
	"files/xx_nots_acrnema.dic_6fba77c3.dcm":          NotDICOM,  // text: a dictionary of DCMTK
	"files/xx_nots_diconde.dic_b2d72f2c.dcm":          NotDICOM,
	"files/xx_nots_private.dic_d3907ad1.dcm":          NotDICOM,
}

func TestCorpus(t *testing.T) {
	for _, f := range corpus.Files(t) {
		t.Run(f.Name, func(t *testing.T) {
			b := f.Bytes(t)
			got, err := Scan(bytes.NewReader(b), Limits{})
			if want, ok := refused[f.Name]; ok {
				var fault *FormatError
				if !errors.As(err, &fault) || fault.Reason != want {
					t.Errorf("got %v, want %v", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Size != int64(len(b)) {
				t.Errorf("size %d of %d", got.Size, len(b))
			}
			compareFolded(t, b, Limits{}, got)
			t.Logf("%s %v %v", got.TransferSyntax, got.Layout.Encoding, got.Warnings)
			stream := opened(t, got, b)
			compareFrames(t, f, got, stream)
			if ref := f.Reference(t, "dicom.json.gz"); ref != nil {
				var want map[string]jsonElement
				if err := json.Unmarshal(ref, &want); err != nil {
					t.Fatal(err)
				}
				compareDataSet(t, "", got, stream, got.DataSet, want)
			}
		})
	}
}

// opened returns the bytes that the layout's offsets count in.
func opened(t *testing.T, f *File, b []byte) []byte {
	t.Helper()
	if !f.Layout.Encoding.Deflated {
		return b
	}
	b, err := io.ReadAll(flate.NewReader(bytes.NewReader(b[f.Layout.DataSet:])))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func compareFrames(t *testing.T, f corpus.File, got *File, stream []byte) {
	var ref struct {
		Frames  int
		Decoded []struct {
			Frame   int
			Native  string `json:"native_sha256"` // of the bytes in the file, native syntaxes only
			Length  int    `json:"native_len"`
			Samples string `json:"samples_sha256"` // of the decoded samples, little endian
		}
	}
	if !f.Describe(t, &ref) || ref.Frames == 0 {
		return
	}
	p := got.Layout.Pixel
	if p == nil {
		t.Fatal("no pixel data")
	}
	if p.NumberOfFrames != ref.Frames {
		t.Errorf("%d frames, want %d", p.NumberOfFrames, ref.Frames)
	}
	for _, d := range ref.Decoded {
		b, ok := frameBytes(p, stream, d.Frame)
		if !ok {
			t.Errorf("no frame %d", d.Frame)
			continue
		}
		if d.Native == "" {
			continue
		}
		sum := sha256.Sum256(b)
		digest := hex.EncodeToString(sum[:])
		if digest != d.Native && !(p.Word > 1 && digest == d.Samples) {
			t.Errorf("frame %d: %d bytes, want %d, another digest", d.Frame, len(b), d.Length)
		}
	}
}

// frameBytes reads a frame as the store does: joined, shifted to a byte boundary, words in little endian.
func frameBytes(p *PixelData, stream []byte, n int) ([]byte, bool) {
	f, ok := p.Frame(n)
	if !ok {
		return nil, false
	}
	value, base := stream, int64(0)
	if p.Word > 1 {
		value, base = swapped(stream[p.Value.Offset:p.Value.Offset+p.Value.Length], p.Word), p.Value.Offset
	}
	var b []byte
	for _, s := range f.Spans {
		b = append(b, value[s.Offset-base:s.Offset-base+s.Length]...)
	}
	if f.Shift > 0 {
		for i := range b {
			b[i] >>= f.Shift
			if i+1 < len(b) {
				b[i] |= b[i+1] << (8 - f.Shift)
			}
		}
	}
	b = b[:(f.Bits+7)/8]
	if f.Bits%8 != 0 {
		b[len(b)-1] &= 1<<(f.Bits%8) - 1
	}
	return b, true
}

type jsonElement struct {
	VR     string          `json:"vr"`
	Value  json.RawMessage `json:"Value"`
	Length *int            `json:"length"`
	SHA256 string          `json:"sha256"`
}

func compareDataSet(t *testing.T, path string, f *File, stream []byte, ds *dicom.DataSet, want map[string]jsonElement) {
	for tag, w := range want {
		parsed, err := dicom.ParseTag(tag)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := ds.Get(parsed)
		switch {
		case !ok:
			t.Errorf("%s%s: absent", path, tag)
		case string(e.VR) != w.VR:
			t.Errorf("%s%s: VR %s, want %s", path, tag, e.VR, w.VR)
		case w.VR == "SQ":
			var items []map[string]jsonElement
			if w.Value != nil {
				if err := json.Unmarshal(w.Value, &items); err != nil {
					t.Fatal(err)
				}
			}
			if got := ds.Items(parsed); len(got) != len(items) {
				t.Errorf("%s%s: %d items, want %d", path, tag, len(got), len(items))
			} else {
				for i := range got {
					compareDataSet(t, fmt.Sprintf("%s%s.%d.", path, tag, i+1), f, stream, got[i], items[i])
				}
			}
		case w.Length != nil:
			b := binaryOf(f, stream, e)
			if f.Layout.Encoding.BigEndian { // the references have the bytes of the file; ours are little endian (PS3.18 F.2.7)
				b = swapped(b, wordSize(e.VR))
			}
			if sum := sha256.Sum256(b); len(b) != *w.Length || hex.EncodeToString(sum[:]) != w.SHA256 {
				t.Errorf("%s%s: %d bytes, want %d, or another digest", path, tag, len(b), *w.Length)
			}
		default:
			var values []any
			if w.VR == "PN" && w.Value == nil { // the references leave alphabetic groups out
				continue
			}
			if w.Value != nil {
				if err := json.Unmarshal(w.Value, &values); err != nil {
					t.Fatal(err)
				}
			}
			if got := plain(e.Value); !equalValues(got, values) {
				t.Errorf("%s%s %s: %v, want %v", path, tag, e.VR, got, values)
			}
		}
	}
}

func binaryOf(f *File, stream []byte, e dicom.Element) []byte {
	switch v := e.Value.(type) {
	case dicom.Bytes:
		return v
	case dicom.Bulk:
		for _, b := range f.Layout.Bulk {
			if "bulkdata/"+b.Path == v.URI {
				return swapped(stream[b.Offset:b.Offset+b.Length], b.Word)
			}
		}
	}
	return nil
}

// plain turns a value into what encoding/json reads.
func plain(v dicom.Value) (out []any) {
	switch v := v.(type) {
	case dicom.Strings:
		for _, s := range v {
			out = append(out, s)
		}
	case dicom.Ints:
		for _, n := range v {
			out = append(out, float64(n))
		}
	case dicom.Floats:
		for _, n := range v {
			out = append(out, n)
		}
	case dicom.Tags:
		for _, n := range v {
			out = append(out, n.String())
		}
	}
	return out
}

func equalValues(got, want []any) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		switch w := want[i].(type) {
		case map[string]any:
			groups := append(strings.Split(got[i].(string), "="), "", "", "")
			for j, name := range []string{"Ideographic", "Phonetic"} {
				if s, _ := w[name].(string); s != groups[j+1] {
					return false
				}
			}
		case nil:
			if got[i] != "" {
				return false
			}
		case float64:
			if g := got[i].(float64); g != w && math.Abs(g-w) > 1e-9*math.Abs(w) {
				return false
			}
		default:
			if got[i] != w {
				return false
			}
		}
	}
	return true
}
