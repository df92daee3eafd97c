package part10

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/corpus"
)

// seeds are small files of every kind.
func seeds() []string {
	sq := explicitHeader(dicom.ReferencedSeriesSequence, "SQ", open) + openItem(sopExplicit) + sequenceEnd
	return []string{
		"",
		part10File(evle, sopExplicit, sq, explicit(dicom.PatientName, "??", "A^B ")),
		part10File(ivle, sopImplicit, implicit(dicom.SmallestImagePixelValue, "\xFF\xFF"), implicit(dicom.PixelRepresentation, u16(1))),
		part10File(evbe, sopBig, bigEndian(dicom.Rows, "US", "\x00\x01"), bigEndian(dicom.PixelData, "OW", "abcd")),
		part10File(dfle, deflate(sopExplicit+sq)),
		part10File(jpeg, numberOf("2 "), encapsulated(table(0, 16), item(soi("aaaaa")), item(soi("bbb")), item("x "))),
		part10File(rle, numberOf("2 "), table64(dicom.ExtendedOffsetTable, 0, 18), table64(dicom.ExtendedOffsetTableLengths, 9, 10),
			encapsulated(item(), item(rleRow("a ")), item(rleRow("b ")))),
		part10File(evle, explicitHeader(0x00111001, "UN", open), openItem(sopImplicit), sequenceEnd),
		sopExplicit, sopImplicit, "DICM" + metaGroup(evle) + sopExplicit,
	}
}

// FuzzScan checks what holds for every input: no panic, memory in proportion, an error of the known kind, and a layout that lies
// within the file, survives encoding, and belongs to the data set.
func FuzzScan(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	if _, err := os.Stat("../../../shared/corpus"); err == nil {
		for _, file := range corpus.Files(f) {
			if b := file.Bytes(f); len(b) < 8<<10 {
				f.Add(b)
			}
		}
	}
	limits := Limits{Header: 1 << 20, Elements: 10_000, Depth: 16, Inflate: 1 << 20, Fragments: 1000}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		file, err := Scan(bytes.NewReader(b), limits)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%d bytes were allocated for %d", n, len(b))
		}
		if err != nil {
			var fault *FormatError
			if !errors.As(err, &fault) || file == nil || fault.Offset < 0 {
				t.Fatalf("%v, %v", err, file)
			}
			return
		}
		if file.Size != int64(len(b)) {
			t.Errorf("size %d of %d", file.Size, len(b))
		}
		if !file.Layout.Encoding.Deflated {
			checkLayout(t, file, int64(len(b)))
		}
		if got := again(t, &file.Layout); !reflect.DeepEqual(got, &file.Layout) {
			t.Errorf("layout %v, after encoding %v", &file.Layout, got)
		}
		checkBulk(t, file, file.DataSet)
		compareFolded(t, b, limits, file)
	})
}

// checkLayout looks for spans outside of the file.
func checkLayout(t *testing.T, f *File, size int64) {
	spans := []Span{}
	for _, v := range f.Layout.Bulk {
		spans = append(spans, v.Span)
	}
	if p := f.Layout.Pixel; p != nil {
		spans = append(spans, p.Value)
		for n := 1; n <= min(p.NumberOfFrames, 2000); n++ {
			frame, ok := p.Frame(n)
			if !ok || len(frame.Spans) == 0 {
				t.Fatalf("frame %d of %d is not there", n, p.NumberOfFrames)
			}
			spans = append(spans, frame.Spans...)
		}
	}
	for _, s := range spans {
		if s.Offset < f.Layout.DataSet || s.Length < 0 || s.Offset+s.Length > size {
			t.Errorf("%v lies outside of the data set", s)
		}
	}
}

// checkBulk looks for bulk values that the layout does not have.
func checkBulk(t *testing.T, f *File, ds *dicom.DataSet) {
	for e := range ds.All() {
		switch v := e.Value.(type) {
		case dicom.Bulk:
			path := strings.TrimPrefix(v.URI, "bulkdata/")
			p := f.Layout.Pixel
			if _, ok := f.Layout.Value(path); !ok && (p == nil || p.Tag.String() != path) {
				t.Errorf("%s is nowhere", v.URI)
			}
		case dicom.Items:
			for _, item := range v {
				checkBulk(t, f, item)
			}
		}
	}
}

// FuzzLayout decodes anything, and uses what it gets.
func FuzzLayout(f *testing.F) {
	for _, s := range seeds() {
		if file, err := Scan(strings.NewReader(s), Limits{Inline: 1}); err == nil {
			b, err := file.Layout.MarshalBinary()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var l Layout
		if err := l.UnmarshalBinary(b); err != nil {
			return
		}
		if p := l.Pixel; p != nil {
			for _, n := range []int{0, 1, 2, p.NumberOfFrames, p.NumberOfFrames + 1} {
				frame, ok := p.Frame(n)
				if ok != (n >= 1 && n <= p.NumberOfFrames) {
					t.Fatalf("frame %d: %v", n, ok)
				}
				for _, s := range frame.Spans {
					if s.Offset < 0 || s.Length < 0 {
						t.Fatalf("frame %d: %v", n, s)
					}
				}
			}
		}
		if got := again(t, &l); !reflect.DeepEqual(got, &l) {
			t.Errorf("layout %v, after encoding %v", &l, got)
		}
	})
}

// FuzzWrite writes what was read, and reads it again.
func FuzzWrite(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s), uint8(0))
	}
	syntaxes := []dicom.UID{evle, ivle, evbe, dfle}
	f.Fuzz(func(t *testing.T, b []byte, how uint8) {
		file, err := Scan(bytes.NewReader(b), Limits{Inline: 1 << 20, Elements: 1000})
		if err != nil || file.Layout.Pixel != nil || len(file.Layout.Bulk) > 0 {
			return
		}
		ts := syntaxes[how%4]
		var out bytes.Buffer
		if err := Write(&out, file.DataSet, WriteOptions{TransferSyntax: ts, UndefinedLength: how&4 != 0}); err != nil {
			t.Fatal(err)
		}
		again, err := Scan(bytes.NewReader(out.Bytes()), Limits{Inline: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if ts == ivle { // which loses the VRs of what the dictionary does not know
			return
		}
		if got, want := again.DataSet.Len(), file.DataSet.Len(); got < want {
			t.Errorf("%s: %d elements, want %d\n%s\n%s", ts, got, want, dump(again.DataSet), dump(file.DataSet))
		}
	})
}
