package part10

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// descending is n elements, the one with the greatest tag first.
func descending(n uint16) string {
	var b strings.Builder
	for ; n > 0; n-- {
		b.WriteString(implicit(dicom.NewTag(0x11, n), ""))
	}
	return b.String()
}

func TestFaults(t *testing.T) {
	const sq = dicom.ReferencedStudySequence
	deep := strings.Repeat(implicitHeader(sq, open)+implicitHeader(dicom.Item, open), 60_000)
	flat := strings.Repeat(implicit(0x00111001, ""), 1000)
	limits := Limits{Header: 1 << 20, Elements: 900, Fragments: 100, Inflate: 1 << 20}
	cases := []struct {
		name, file string
		reason     Reason
		path       string
	}{
		{"empty", "", NotDICOM, ""},
		{"short", "DIC", NotDICOM, ""},
		{"text", strings.Repeat("no DICOM here, only words. ", 100), NotDICOM, ""},
		{"zeros", string(make([]byte, 5000)), NotDICOM, ""},
		{"HTML behind the prefix", prefix() + strings.Repeat("<html>", 100), NotDICOM, ""},
		{"prefix only", prefix(), NotDICOM, ""},
		{"PNG", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\x01\x02\x03", 100), NotDICOM, ""},

		{"no preamble, 60,000 sequences deep", part10File(ivle, sopImplicit, deep), LimitExceeded,
			strings.Repeat("00081110.1.", 64) + "00081110"},
		{"many elements", part10File(ivle, sopImplicit, flat), LimitExceeded, "00111001"},
		{"many elements, descending", part10File(ivle, sopImplicit, descending(2000)), LimitExceeded, "00110452"},
		{"many items", part10File(ivle, implicitHeader(sq, open), strings.Repeat(item(), 1000)), LimitExceeded, "00081110"},
		{"many delimiters", part10File(ivle, sopImplicit, strings.Repeat(sequenceEnd, 1000)), LimitExceeded, "FFFEE0DD"},
		{"text of 4 GB", part10File(evle, sopExplicit, explicitHeader(dicom.TextValue, "UT", 0xFFFFFFF0)), LimitExceeded, "0040A160"},
		{"text of many values", part10File(evle, sopExplicit, explicit(0x00111001, "UC", strings.Repeat(`\`, 100_000))), LimitExceeded, "00111001"},
		{"bytes of 4 GB", part10File(evle, sopExplicit, explicitHeader(0x00111001, "OB", 0xFFFFFFF0)), Truncated, "00111001"},
		{"pixel data of 4 GB", part10File(evle, sopExplicit, explicitHeader(dicom.PixelData, "OW", 0xFFFFFFF0)), Truncated, "7FE00010"},
		{"offset table of 4 GB", part10File(jpeg, sopExplicit, explicitHeader(dicom.PixelData, "OB", open), implicitHeader(dicom.Item, 0xFFFFFFF0)),
			LimitExceeded, "7FE00010"},
		{"extended offset table of 4 GB", part10File(jpeg, sopExplicit, explicitHeader(dicom.ExtendedOffsetTable, "OV", 0xFFFFFFF0)),
			LimitExceeded, "7FE00001"},
		{"many fragments", part10File(jpeg, sopExplicit, encapsulated(item(), strings.Repeat(item(), 200))), LimitExceeded, "7FE00010"},
		{"bomb", part10File(dfle, deflate(sopExplicit+explicit(dicom.PixelData, "OW", string(make([]byte, 2<<20))))), LimitExceeded, "7FE00010"},
		{"meta text of 4 GB", prefix() + explicitHeader(dicom.PrivateInformation, "OB", 0xFFFFFFF0), LimitExceeded, "00020102"},

		{"within a value", part10File(evle, sopExplicit, explicitHeader(dicom.PatientID, "LO", 10), "123"), Truncated, "00100020"},
		{"within a header", part10File(evle, sopExplicit, "\x10\x00\x20"), Truncated, ""},
		{"within a long header", part10File(evle, sopExplicit, "\x10\x00\x20\x00OB\x00\x00\x01"), Truncated, "00080018"},
		{"within a sequence", part10File(evle, explicitHeader(sq, "SQ", open)), Truncated, "00081110"},
		{"within a sequence in an item", part10File(evle, explicitHeader(sq, "SQ", open), implicitHeader(dicom.Item, open), explicitHeader(sq, "SQ", open), item()), Truncated,
			"00081110.1.00081110"},
		{"within a sequence of defined length", part10File(evle, explicitHeader(sq, "SQ", 99), item()), Truncated, "00081110"},
		{"within an item", part10File(evle, explicitHeader(sq, "SQ", open), implicitHeader(dicom.Item, open), sopExplicit), Truncated,
			"00081110"},
		{"within pixel data", part10File(evle, sopExplicit, explicitHeader(dicom.PixelData, "OW", 10), "123456789"), Truncated, "7FE00010"},
		{"within a fragment", part10File(jpeg, sopExplicit, explicitHeader(dicom.PixelData, "OB", open), item(), item("abcd")[:10]), Truncated, "7FE00010"},
		{"after the offset table", part10File(jpeg, sopExplicit, explicitHeader(dicom.PixelData, "OB", open), item()), Truncated, "7FE00010"},
		{"after a frame of two", part10File(jpeg, sopExplicit, explicit(dicom.NumberOfFrames, "IS", "2 "), explicitHeader(dicom.PixelData, "OB", open), item(), item("abcd")),
			Truncated, "7FE00010"},
		{"within the deflated stream", part10File(dfle, deflate(sopExplicit + strings.Repeat(sopExplicit, 10))[:30]), Truncated, ""},
		{"of the deflated stream", part10File(dfle, "\x06\xFF\xFF\xFF\xFF"), Malformed, ""},

		{"item outside of a sequence", part10File(evle, sopExplicit, item()), Malformed, "FFFEE000"},
		{"unknown delimiter", part10File(evle, sopExplicit, implicit(0xFFFE0001, "")), Malformed, "FFFE0001"},
		{"no item in a sequence", part10File(evle, explicit(sq, "SQ", sopExplicit)), Malformed, "00081110"},
		{"no fragment in pixel data", part10File(jpeg, sopExplicit, explicitHeader(dicom.PixelData, "OB", open), sopExplicit), Malformed, "7FE00010"},
		{"fragment of undefined length", part10File(jpeg, encapsulated(item(), openItem())), Malformed, "7FE00010"},
		{"undefined length of text", part10File(evle, sopExplicit, explicitHeader(dicom.TextValue, "UT", open), sopExplicit), Malformed, "0040A160"},
		{"zeros within the data set", part10File(evle, sopExplicit, string(make([]byte, 16)), sopExplicit), Malformed, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			f, err := Scan(strings.NewReader(c.file), limits)
			var fault *FormatError
			if !errors.As(err, &fault) {
				t.Fatalf("got %v", err)
			}
			if fault.Reason != c.reason || fault.Path != c.path {
				t.Errorf("got %v, want %v at %q", fault, c.reason, c.path)
			}
			if f == nil {
				t.Fatal("no file beside the error")
			}
			if strings.HasPrefix(c.file, part10File(evle, sopExplicit)) && f.DataSet.UID(dicom.SOPInstanceUID) != "1.2.3.4" {
				t.Errorf("the refusal cannot name the instance: %s", dump(f.DataSet))
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestEveryCutIsNoticed cuts files at every byte. Only a cut just before an element of the top level cannot be noticed; one where nothing but a delimiter
// is missing of the last element is warned of.
func TestEveryCutIsNoticed(t *testing.T) {
	dataSet := []string{
		sopExplicit,
		explicit(dicom.ReferencedStudySequence, "SQ", item(sopExplicit)),
		explicitHeader(dicom.ReferencedSeriesSequence, "SQ", open) + openItem(sopExplicit) + sequenceEnd,
		explicitHeader(0x00111001, "UN", open) + openItem(sopImplicit) + sequenceEnd,
		encapsulated(table(0), item("abcd"), item("efgh")),
	}
	whole := part10File(jpeg, dataSet...)
	boundary := map[int]bool{len(part10File(jpeg)): true, len(part10File(jpeg, explicit(dicom.SOPClassUID, "UI", "1.2.3\x00"))): true}
	for i := range dataSet {
		boundary[len(part10File(jpeg, dataSet[:i+1]...))] = true
	}
	for n := range len(whole) {
		f, err := Scan(strings.NewReader(whole[:n]), Limits{})
		var fault *FormatError
		if boundary[n] {
			if err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
		} else if warned := err == nil && f.Lenient == 1 && strings.Contains(f.Warnings[0], "without the delimiter"); !errors.As(err, &fault) && !warned {
			t.Errorf("%d bytes of %d: %v", n, len(whole), err)
		}
	}
	deflated := part10File(dfle, deflate(join(dataSet[:4]...)))
	for n := len(part10File(dfle)); n < len(deflated); n++ {
		if _, err := Scan(strings.NewReader(deflated[:n]), Limits{}); err == nil {
			t.Errorf("%d bytes of %d, deflated, are accepted", n, len(deflated))
		}
	}
}

// TestReaderErrors tells a broken upload from a broken file.
func TestReaderErrors(t *testing.T) {
	for _, file := range []string{part10File(evle, sopExplicit), part10File(dfle, deflate(sopExplicit))} {
		for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("reset")} {
			for n := range len(file) {
				r := io.MultiReader(strings.NewReader(file[:n]), iotest.ErrReader(broken))
				if f, err := Scan(r, Limits{}); err != broken || f != nil {
					t.Fatalf("after %d bytes: %v, want the error of the reader", n, err)
				}
			}
		}
	}
}

func TestSmallReads(t *testing.T) {
	file := part10File(jpeg, sopExplicit, encapsulated(table(0), item("abcd"), item("efgh")))
	f, err := Scan(iotest.OneByteReader(strings.NewReader(file)), Limits{})
	if err != nil || f.Size != int64(len(file)) || f.Layout.Pixel.NumberOfFrames != 1 {
		t.Errorf("%v, %v", f, err)
	}
}

// TestErrorsHoldNoValues puts a name into places where things go wrong, and looks for it in texts.
func TestErrorsHoldNoValues(t *testing.T) {
	name := explicit(dicom.PatientName, "PN", "SECRET^NAME")
	for _, file := range []string{
		part10File(evle, name)[:len(part10File(evle, name))-2],
		part10File(evle, name, "SECRETSECRET"),
		part10File(evle, "SECRETSECRETSECRET", name),
		part10File("SECRET", name, name),
		prefix() + "SECRETSECRETSECRETSECRET",
	} {
		f, err := Scan(strings.NewReader(file), Limits{})
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("error %q", err)
		}
		if f != nil && strings.Contains(strings.Join(f.Warnings, "\n"), "SECRET") {
			t.Errorf("warnings %q", f.Warnings)
		}
	}
}

// zeros is n bytes of zeros that are nowhere.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestMemoryOfLongPixelData(t *testing.T) {
	const size = 1 << 30
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := io.MultiReader(strings.NewReader(part10File(evle, sopExplicit, explicitHeader(dicom.PixelData, "OW", size))), zeros(size))
	f, err := Scan(r, Limits{})
	if err != nil || f.Layout.Pixel.Value.Length != size {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

func TestLengthsAllocateNothing(t *testing.T) {
	for _, file := range []string{
		part10File(evle, explicitHeader(dicom.TextValue, "UT", 60<<20)),
		part10File(evle, explicitHeader(0x00111001, "OB", 0xFFFFFFF0)),
		part10File(jpeg, explicitHeader(dicom.PixelData, "OB", open), implicitHeader(dicom.Item, 16<<20)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Scan(bytes.NewReader([]byte(file)), Limits{}); err == nil {
			t.Fatal("no error")
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%d bytes were allocated", n)
		}
	}
}

// A bomb is refused long before the limit, by its ratio: 2 MB that inflate to 2 GB.
func TestDeflateBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("inflates 256 MiB")
	}
	var deflated bytes.Buffer
	z, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(z, sopExplicit+explicitHeader(dicom.PixelData, "OB", 2<<30))
	zeros := make([]byte, 1<<20)
	for range 300 {
		z.Write(zeros)
	}
	z.Close()
	_, err = Scan(strings.NewReader(part10File("1.2.840.10008.1.2.1.99", deflated.String())), Limits{})
	var fault *FormatError
	if !errors.As(err, &fault) || fault.Reason != LimitExceeded {
		t.Errorf("a bomb of %d bytes: %v", deflated.Len(), err)
	}
}
