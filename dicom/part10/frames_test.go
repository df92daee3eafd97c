package part10

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

const (
	jpeg  dicom.UID = "1.2.840.10008.1.2.4.50"
	j2k   dicom.UID = "1.2.840.10008.1.2.4.90"
	rle   dicom.UID = "1.2.840.10008.1.2.5"
	h264  dicom.UID = "1.2.840.10008.1.2.4.102"
	other dicom.UID = "1.2.3.4.5"
)

// Fragments that begin like a codestream and are told apart by what follows.
func soi(s string) string    { return "\xFF\xD8\xFF" + s }
func soc(s string) string    { return "\xFF\x4F\xFF\x51" + s }
func rleRow(s string) string { return u32(1) + u32(64) + s }

func numberOf(frames string) string { return explicit(dicom.NumberOfFrames, "IS", frames) }

func encapsulated(items ...string) string {
	return explicitHeader(dicom.PixelData, "OB", open) + join(items...) + sequenceEnd
}

func table(offsets ...uint32) string {
	var b string
	for _, o := range offsets {
		b += u32(o)
	}
	return item(b)
}

func table64(t dicom.Tag, values ...uint64) string {
	var b string
	for _, o := range values {
		b += u64(o)
	}
	return explicit(t, "OV", b)
}

func TestEncapsulatedFrames(t *testing.T) {
	a, b, c := soi("aaaaa"), soi("bbb"), soi("ccccccc") // 8, 6 and 10 bytes
	x, y := "xxxxxxxx", "yyyyyyyy"
	cases := []struct {
		name     string
		ts       dicom.UID
		dataSet  string
		frames   []string
		warnings []string
	}{
		{"one fragment", jpeg, encapsulated(item(), item(a)), []string{a}, nil},
		{"one frame of several fragments", jpeg, numberOf("1 ") + encapsulated(item(), item(x), item(a), item(b)), []string{x + a + b}, nil},
		{"one frame, one fragment each by the table", jpeg, encapsulated(table(0), item(a), item(x)), []string{a + x}, nil},
		{"a fragment each", other, numberOf("3 ") + encapsulated(item(), item(x), item(y), item(x)), []string{x, y, x}, nil},
		{"table", other, numberOf("2 ") + encapsulated(table(0, 32), item(x), item(y), item(a)), []string{x + y, a}, nil},
		{"table, against the codestreams", jpeg, numberOf("2 ") + encapsulated(table(0, 16), item(a), item(x), item(b)),
			[]string{a, x + b}, nil},
		{"no table", jpeg, numberOf("2 ") + encapsulated(item(), item(a), item(x), item(y), item(b), item(x)),
			[]string{a + x + y, b + x}, nil},
		{"no table, JPEG 2000", j2k, numberOf("2 ") + encapsulated(item(), item(soc("abcd")), item(x), item(soc("efgh"))),
			[]string{soc("abcd") + x, soc("efgh")}, nil},
		{"no table, JPEG XL", other, numberOf("2 ") + encapsulated(item(), item("\xFF\x0Aabcdef"), item("\x00\x00\x00\x0CJXL \r\n\x87\nab"), item(x)),
			[]string{"\xFF\x0Aabcdef", "\x00\x00\x00\x0CJXL \r\n\x87\nab" + x}, nil},
		{"no table, JPEG 2000 like JPEG XL", j2k, numberOf("2 ") + encapsulated(item(), item(soc("ab")), item("\xFF\x0Acdef"), item(soc("gh"))),
			[]string{soc("ab") + "\xFF\x0Acdef", soc("gh")}, nil},
		{"no table, RLE", rle, numberOf("2 ") + encapsulated(item(), item(rleRow("a ")), item(rleRow("b "))),
			[]string{rleRow("a "), rleRow("b ")}, nil},
		{"as many fragments as frames, some begin in another way", jpeg, numberOf("3 ") + encapsulated(item(), item(a), item(x), item(c)),
			[]string{a, x, c}, nil},
		{"table with wrong offsets", jpeg, numberOf("2 ") + encapsulated(table(0, 17), item(a), item(x), item(b)), []string{a + x, b},
			[]string{"offset table"}},
		{"table that does not begin at 0", jpeg, numberOf("2 ") + encapsulated(table(16, 32), item(a), item(x), item(b)), []string{a + x, b},
			[]string{"offset table"}},
		{"table that wraps around", jpeg, numberOf("3 ") + encapsulated(table(0, 16, 0), item(a), item(b), item(c)), []string{a, b, c},
			[]string{"offset table"}},
		{"table of too few", jpeg, numberOf("3 ") + encapsulated(table(0, 16), item(a), item(b), item(c)), []string{a, b, c},
			[]string{"offset table"}},
		{"fewer frames than said", jpeg, numberOf("3 ") + encapsulated(item(), item(a), item(x), item(y), item(b)), []string{a + x + y, b},
			[]string{"Number of Frames"}},
		{"fewer fragments than said", other, numberOf("3 ") + encapsulated(item(), item(x), item(y)), []string{x, y}, []string{"Number of Frames"}},
		{"nothing tells", other, numberOf("2 ") + encapsulated(item(), item(x), item(y), item(x)), nil,
			[]string{"cannot be told", "Number of Frames"}},
		{"only the table tells", other, numberOf("2 ") + encapsulated(table(0), item(x), item(y), item(x)), []string{x + y + x},
			[]string{"offset table", "Number of Frames"}},
		{"no fragments", jpeg, encapsulated(item()), nil, []string{"Number of Frames"}},
		{"not even a table", jpeg, encapsulated(), nil, []string{"Number of Frames"}},
		{"empty fragment", jpeg, numberOf("2 ") + encapsulated(item(), item(a), item(), item(b)), []string{a, b}, nil},
		{"extended table", other, numberOf("2 ") + table64(dicom.ExtendedOffsetTable, 0, 16) +
			table64(dicom.ExtendedOffsetTableLengths, 7, 8) + encapsulated(item(), item(x), item(y)), []string{x[:7], y}, nil},
		{"extended table, several fragments", other, numberOf("2 ") + table64(dicom.ExtendedOffsetTable, 0, 16) +
			encapsulated(item(), item(x), item(y), item(x)), []string{x, y + x}, nil},
		{"extended table is wrong", jpeg, numberOf("2 ") + table64(dicom.ExtendedOffsetTable, 0, 99) +
			table64(dicom.ExtendedOffsetTableLengths, 8, 6) + encapsulated(item(), item(a), item(b)), []string{a, b},
			[]string{"offset table"}},
		{"extended lengths are wrong", other, numberOf("2 ") + table64(dicom.ExtendedOffsetTable, 0, 16) +
			table64(dicom.ExtendedOffsetTableLengths, 7, 9) + encapsulated(item(), item(x), item(y)), []string{x, y},
			[]string{"Lengths"}},
		{"video", h264, numberOf("25") + encapsulated(item(), item(x), item(y)), []string{x + y}, nil},
		{"video, table of the stream", h264, numberOf("25") + encapsulated(table(0), item(x), item(y)), []string{x + y}, nil},
		{"video, table of fragments", h264, numberOf("2 ") + encapsulated(table(0, 16), item(x), item(y)), []string{x + y}, []string{"offset table"}},
		{"Number of Frames makes no sense", jpeg, numberOf("0 ") + encapsulated(item(), item(a), item(x)), []string{a + x}, nil},
		{"defined length", jpeg, numberOf("2 ") + explicit(dicom.PixelData, "OB", item()+item(a)+item(b)), []string{a, b},
			[]string{"of defined length"}},
		{"native syntax", evle, encapsulated(item(), item(a)), []string{a}, []string{"under a native"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file := part10File(c.ts, sopExplicit, c.dataSet)
			f := mustScan(t, file, Limits{})
			p := f.Layout.Pixel
			if !p.Encapsulated || p.NumberOfFrames != len(c.frames) {
				t.Errorf("encapsulated %v, %d frames, want %d", p.Encapsulated, p.NumberOfFrames, len(c.frames))
			}
			for _, p := range []*PixelData{p, again(t, &f.Layout).Pixel} {
				for i, want := range c.frames {
					got, ok := frameBytes(p, []byte(file), i+1)
					if !ok || string(got) != want {
						t.Errorf("frame %d: %q, want %q", i+1, got, want)
					}
				}
			}
			if len(f.Warnings) != len(c.warnings) {
				t.Fatalf("warnings %q, want %q", f.Warnings, c.warnings)
			}
			for i, w := range c.warnings {
				if !strings.Contains(f.Warnings[i], w) {
					t.Errorf("warning %q, want %q", f.Warnings[i], w)
				}
			}
			value := file[p.Value.Offset : p.Value.Offset+p.Value.Length]
			if !strings.Contains(c.dataSet, value) || !strings.HasSuffix(file, value) {
				t.Errorf("the value is %q", value)
			}
		})
	}
}

// again encodes and decodes a layout.
func again(t testing.TB, l *Layout) *Layout {
	t.Helper()
	b, err := l.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var out Layout
	if err := out.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestNativeFrames(t *testing.T) {
	image := func(rows, columns, samples, bits uint16, photometric, frames string) string {
		return explicit(dicom.SamplesPerPixel, "US", u16(samples)) + explicit(dicom.PhotometricInterpretation, "CS", photometric) +
			numberOf(frames) + explicit(dicom.Rows, "US", u16(rows)) + explicit(dicom.Columns, "US", u16(columns)) +
			explicit(dicom.BitsAllocated, "US", u16(bits))
	}
	pixels := func(s string) string { return explicit(dicom.PixelData, "OW", s) }
	cases := []struct {
		name, dataSet string
		frames        []string
		warnings      int
	}{
		{"8 bits", image(2, 3, 1, 8, "MONOCHROME2 ", "2 ") + pixels("abcdefghijkl"), []string{"abcdef", "ghijkl"}, 0},
		{"16 bits", image(1, 2, 1, 16, "MONOCHROME2 ", "2 ") + pixels("abcdefgh"), []string{"abcd", "efgh"}, 0},
		{"odd frames", image(1, 3, 1, 8, "MONOCHROME2 ", "3 ") + pixels("abcdefghi "), []string{"abc", "def", "ghi"}, 0},
		{"color", image(1, 2, 3, 8, "RGB ", "1 ") + pixels("rgbrgb"), []string{"rgbrgb"}, 0},
		{"4:2:2", image(1, 2, 3, 8, "YBR_FULL_422", "2 ") + pixels("yyBRyyBR"), []string{"yyBR", "yyBR"}, 0},
		{"4:2:2, not subsampled", image(1, 2, 3, 8, "YBR_FULL_422", "1 ") + pixels("yBRyBR"), []string{"yBRyBR"}, 1},
		{"1 bit", image(1, 3, 1, 1, "MONOCHROME2 ", "3 ") + pixels("\xD1\x01"), []string{"\x01", "\x02", "\x07"}, 0},
		{"1 bit, aligned", image(2, 4, 1, 1, "MONOCHROME2 ", "2 ") + pixels("ab"), []string{"a", "b"}, 0},
		{"12 bits packed", image(1, 1, 1, 12, "MONOCHROME2 ", "2 ") + pixels("\xBC\x3A\x12\x00"), []string{"\xBC\x0A", "\x23\x01"}, 0},
		{"too short", image(2, 2, 1, 8, "MONOCHROME2 ", "3 ") + pixels("abcdefghij"), []string{"abcd", "efgh"}, 1},
		{"far too short", image(2, 2, 1, 8, "MONOCHROME2 ", "1 ") + pixels("ab"), nil, 1},
		{"too long", image(1, 2, 1, 8, "MONOCHROME2 ", "1 ") + pixels("abcdef"), []string{"ab"}, 0},
		{"billions of frames", image(1, 2, 1, 8, "MONOCHROME2 ", "2147483647") + pixels("abcd"), []string{"ab", "cd"}, 1},
		{"frames that do not fit an integer", image(1, 2, 1, 8, "MONOCHROME2 ", "99999999999999999999") + pixels("abcd"), []string{"ab"}, 0},
		{"enormous", image(65535, 65535, 65535, 65535, "MONOCHROME2 ", "1 ") + pixels("abcd"), nil, 1},
		{"no rows", pixels("abcd"), nil, 1},
		{"zero rows", image(0, 2, 1, 8, "MONOCHROME2 ", "1 ") + pixels("abcd"), nil, 1},
		{"float", image(1, 1, 1, 32, "MONOCHROME2 ", "2 ") + explicit(dicom.FloatPixelData, "OF", "abcdefgh"), []string{"abcd", "efgh"}, 0},
		{"double", image(1, 1, 1, 64, "MONOCHROME2 ", "1 ") + explicit(dicom.DoubleFloatPixelData, "OD", "abcdefgh"), []string{"abcdefgh"}, 0},
		{"UN", image(1, 2, 1, 8, "MONOCHROME2 ", "1 ") + explicit(dicom.PixelData, "UN", "ab"), []string{"ab"}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file := part10File(evle, c.dataSet)
			f := mustScan(t, file, Limits{})
			checkNative(t, f, file, c.frames)
			if len(f.Warnings) != c.warnings {
				t.Errorf("warnings %q, want %d", f.Warnings, c.warnings)
			}
		})
	}
}

// Native pixel data is found under the transfer syntax of a codestream, too, and that is told.
func TestNativeFramesUnderEncapsulatedSyntax(t *testing.T) {
	file := part10File(jpeg, explicit(dicom.SamplesPerPixel, "US", u16(1))+explicit(dicom.Rows, "US", u16(1))+explicit(dicom.Columns, "US", u16(2))+
		explicit(dicom.BitsAllocated, "US", u16(8))+explicit(dicom.PixelData, "OW", "ab"))
	f := mustScan(t, file, Limits{})
	checkNative(t, f, file, []string{"ab"})
	if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "native pixel data under") {
		t.Errorf("warnings %q", f.Warnings)
	}
}

func TestBigEndianFrames(t *testing.T) {
	image := func(columns, bits byte, frames, vr, pixels string) string {
		return bigEndian(dicom.NumberOfFrames, "IS", frames) + bigEndian(dicom.Rows, "US", "\x00\x01") +
			bigEndian(dicom.Columns, "US", "\x00"+string(rune(columns))) + bigEndian(dicom.BitsAllocated, "US", "\x00"+string(rune(bits))) +
			bigEndian(dicom.PixelData, vr, pixels)
	}
	for _, c := range []struct {
		name, dataSet string
		frames        []string
	}{
		{"16 bits", image(1, 16, "2 ", "OW", "abcd"), []string{"ba", "dc"}},
		{"8 bits in words", image(3, 8, "2 ", "OW", "badcfe"), []string{"abc", "def"}},
		{"8 bits in bytes", image(3, 8, "2 ", "OB", "abcdef"), []string{"abc", "def"}},
		{"32 bits", image(1, 32, "1 ", "OW", "abcd"), []string{"dcba"}},
		{"1 bit in words", image(12, 1, "1 ", "OW", "\x0F\xF1"), []string{"\xF1\x0F"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := part10File(evbe, c.dataSet)
			checkNative(t, mustScan(t, file, Limits{}), file, c.frames)
		})
	}
}

func checkNative(t *testing.T, f *File, file string, frames []string) {
	t.Helper()
	for _, p := range []*PixelData{f.Layout.Pixel, again(t, &f.Layout).Pixel} {
		var got []string
		for n := 1; ; n++ {
			b, ok := frameBytes(p, []byte(file), n)
			if !ok {
				break
			}
			got = append(got, string(b))
		}
		if !slices.Equal(got, frames) {
			t.Errorf("frames %q, want %q", got, frames)
		}
		if _, ok := p.Frame(0); ok {
			t.Error("there is a frame 0")
		}
	}
}

func TestEncapsulatedIcon(t *testing.T) {
	icon := explicit(dicom.IconImageSequence, "SQ", item(encapsulated(item(), item(soi("icon!")))))
	file := part10File(jpeg, sopExplicit, icon, encapsulated(item(), item(soi("image"))))
	f := mustScan(t, file, Limits{})
	v, ok := f.Layout.Value("00880200.1.7FE00010")
	if want := item() + item(soi("icon!")) + sequenceEnd; !ok || file[v.Offset:v.Offset+v.Length] != want {
		t.Errorf("icon at %v", v)
	}
	if b, _ := frameBytes(f.Layout.Pixel, []byte(file), 1); string(b) != soi("image") {
		t.Errorf("frame %q", b)
	}
	if _, ok := f.Layout.Value("7FE00010"); ok {
		t.Error("encapsulated pixel data is found as a value")
	}
}

func TestSecondPixelDataIsLeftOut(t *testing.T) {
	file := part10File(jpeg, encapsulated(item(), item(soi("first"))), encapsulated(item(), item(soi("again"))))
	f := mustScan(t, file, Limits{})
	if b, ok := frameBytes(f.Layout.Pixel, []byte(file), 1); !ok || string(b) != soi("first") {
		t.Errorf("frame %q", b)
	}
}

// TestFragmentSpans goes beyond the distance of the marks.
func TestFragmentSpans(t *testing.T) {
	var f Fragments
	var want []Span
	offset := int64(1000)
	for i := range 1000 {
		f.add(offset, uint32(i))
		want = append(want, Span{offset, int64(i)})
		offset += int64(i) + itemHeader
	}
	for i, w := range want {
		if got := f.Span(i); got != w {
			t.Fatalf("fragment %d: %v, want %v", i, got, w)
		}
	}
}

func TestLayoutIsSmall(t *testing.T) {
	var file bytes.Buffer
	file.WriteString(part10File(jpeg, numberOf("10000 "), explicitHeader(dicom.PixelData, "OB", open), item()))
	for i := range 10000 {
		file.WriteString(item(soi(strings.Repeat("x", 5001+i*7919%3000/2*2))))
	}
	file.WriteString(sequenceEnd)
	f := mustScan(t, file.String(), Limits{})
	if f.Layout.Pixel.NumberOfFrames != 10000 {
		t.Fatalf("%d frames", f.Layout.Pixel.NumberOfFrames)
	}
	b, err := f.Layout.MarshalBinary()
	if err != nil || len(b) > 30_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if !reflect.DeepEqual(again(t, &f.Layout), &f.Layout) {
		t.Error("another layout after decoding")
	}
}
