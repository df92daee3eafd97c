package dicomweb

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

func TestParseCharsets(t *testing.T) {
	for in, want := range map[string]string{
		``:                                  ``,
		`utf-8`:                             `ISO_IR 192`,
		`utf-8;q=0.2, "ISO_IR 100"`:         `ISO_IR 100, ISO_IR 192`,
		`*;q=0.1, latin1, GBK;Q=0.5;x=1`:    `GBK, *`,
		`utf-8;q=0, *;q=0`:                  ``,
		`ISO 2022 IR 6, "iso 2022 ir 58"`:   `ISO 2022 IR 6\ISO 2022 IR 58`,
		`"ISO 2022 IR 13\ISO 2022 IR 87",,`: `ISO 2022 IR 13\ISO 2022 IR 87`,
		`ISO 2022 IR 6;q=0.3, ISO 2022 IR 87;q=0.3, ISO-8859-1, ISO 2022 IR 100`: `ISO_IR 100, ISO 2022 IR 100, ISO 2022 IR 6\ISO 2022 IR 87`,
		`"`: ``, `;;=,q`: ``,
	} {
		var got []string
		for _, c := range parseCharsets([]string{in}) {
			if c.set == nil {
				got = append(got, "*")
				continue
			}
			got = append(got, strings.Join(c.set.Terms(), `\`))
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s: %s, want %s", in, s, want)
		}
	}
	if n := len(parseCharsets([]string{strings.Repeat("gbk,", 5000)})); n != maxRanges {
		t.Errorf("%d of 5000", n)
	}
}

// TestCharsetOfStoredSyntax asks for another character set in the stored transfer syntax: frames and pixels are as they were, and the
// text, read back, is the same.
func TestCharsetOfStoredSyntax(t *testing.T) {
	ds := dataSetNamed(t, "us1")
	ds.SetStrings(dicom.NumberOfFrames, dicom.IS, "2")
	frames := [][]byte{{0xFF, 0xD8, 1, 2}, {0xFF, 0xD8, 3, 4, 5, 6}}
	for _, c := range []struct {
		options part10.WriteOptions
		status  int
	}{
		{part10.WriteOptions{TransferSyntax: dicom.JPEGLSLossless, Frames: frames}, 200},
		{part10.WriteOptions{TransferSyntax: dicom.JPEG2000, Frames: frames}, 200},
		{part10.WriteOptions{TransferSyntax: dicom.ImplicitVRLittleEndian}, 200},
		{part10.WriteOptions{TransferSyntax: dicom.DeflatedExplicitVRLittleEndian}, 200},
		{part10.WriteOptions{TransferSyntax: dicom.ExplicitVRLittleEndian}, 200},
		{part10.WriteOptions{TransferSyntax: dicom.ExplicitVRBigEndian}, 406},
	} {
		var file bytes.Buffer
		if err := part10.Write(&file, ds, c.options); err != nil {
			t.Fatal(err)
		}
		ts := string(c.options.TransferSyntax)
		a := newArchive(t, file.Bytes())
		w := a.get(a.refs[0], "?charset=iso-2022-jp", "application/dicom; transfer-syntax="+ts)
		checkStatus(t, w, c.status)
		if c.status != 200 {
			continue
		}
		if got := w.Header().Get("Content-Type"); got != "application/dicom; transfer-syntax="+ts+"; charset=ISO-2022-JP" {
			t.Errorf("%s: Content-Type %s", ts, got)
		}
		if n := w.Header().Get("Content-Length"); n != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s: Content-Length %s of %d bytes", ts, n, w.Body.Len())
		}
		written, err := part10.Scan(bytes.NewReader(w.Body.Bytes()), part10.Limits{})
		if err != nil {
			t.Fatal(ts, err)
		}
		original, err := part10.Scan(&file, part10.Limits{})
		if err != nil {
			t.Fatal(ts, err)
		}
		if !written.DataSet.Equal(original.DataSet) || written.DataSet.String(dicom.PatientName) != instances["us1"]["PatientName"] {
			t.Errorf("%s: %v", ts, written.DataSet.String(dicom.PatientName))
		}
		if c.options.Frames != nil {
			for _, f := range frames {
				if !bytes.Contains(w.Body.Bytes(), f) {
					t.Errorf("%s: frame % x is not there", ts, f)
				}
			}
			if p := written.Layout.Pixel; p == nil || p.NumberOfFrames != 2 {
				t.Errorf("%s: %+v", ts, p)
			}
		}
	}
}

// TestCapabilitiesListCharacterSets: what is listed is understood, and metadata is UTF-8 only (PS3.18 8.8).
func TestCapabilitiesListCharacterSets(t *testing.T) {
	for name, want := range map[string]int{"retrieve": len(dicom.CharacterSetNames()), "rendered-instance": len(dicom.CharacterSetNames()),
		"wado": len(dicom.CharacterSetNames()), "metadata": 1, "frames": 1} {
		listed := 0
		for _, p := range capabilities[name].query {
			if p.Name != "charset" {
				continue
			}
			for _, o := range p.Options {
				if _, known := dicom.CharacterSetOf(o.Value); !known {
					t.Errorf("%s lists %s", name, o.Value)
				}
				listed++
			}
		}
		if listed != want {
			t.Errorf("%s lists %d character sets, not %d", name, listed, want)
		}
	}
}

func FuzzParseCharsets(f *testing.F) {
	for _, s := range []string{`utf-8;q=0.2, "ISO_IR 100", *`, `"ISO 2022 IR 13\ISO 2022 IR 87",,`, `ISO 2022 IR 6, ISO 2022 IR 58;q="`, `;;=,q`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		sets := parseCharsets([]string{in})
		for i, c := range sets {
			if c.q <= 0 || c.q > 1 || i > 0 && c.q > sets[i-1].q || c.set != nil && len(c.set.Terms()) == 0 {
				t.Fatalf("%q: %+v", in, sets)
			}
			if c.set == nil {
				continue
			}
			b, err := c.set.Encode(dicom.LO, []string{in})
			if got := dicom.NewCharset(c.set.Terms()).Decode(dicom.LO, b); err == nil && got != in && !strings.ContainsAny(in, "\x1b\x7f") && utf8.ValidString(in) {
				t.Fatalf("%q in %q is %q, and read %q", in, c.set.Terms(), b, got)
			}
		}
	})
}
