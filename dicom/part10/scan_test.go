package part10

import (
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

const (
	evle = dicom.ExplicitVRLittleEndian
	ivle = dicom.ImplicitVRLittleEndian
	evbe = dicom.ExplicitVRBigEndian
	dfle = dicom.DeflatedExplicitVRLittleEndian

	sopDump = "00080016 UI 1.2.3; 00080018 UI 1.2.3.4"
)

// scanCase is a file, the data set that is read from it, and the warnings, by a part of each.
type scanCase struct {
	name, file, want string
	warnings         []string
}

func runScans(t *testing.T, cases []scanCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := mustScan(t, c.file, Limits{})
			if got := dump(f.DataSet); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if f.Size != int64(len(c.file)) {
				t.Errorf("size %d, want %d", f.Size, len(c.file))
			}
			if len(f.Warnings) != len(c.warnings) {
				t.Errorf("warnings %q, want %q", f.Warnings, c.warnings)
			}
			for i, w := range c.warnings[:min(len(c.warnings), len(f.Warnings))] {
				if !strings.Contains(f.Warnings[i], w) {
					t.Errorf("warning %q, want %q", f.Warnings[i], w)
				}
			}
			compareFolded(t, []byte(c.file), Limits{}, f)
		})
	}
}

func TestFileMetaInformation(t *testing.T) {
	group := explicit(dicom.TransferSyntaxUID, "UI", even(string(ivle)))
	implicitGroup := implicit(dicom.FileMetaInformationGroupLength, u32(26)) + implicit(dicom.TransferSyntaxUID, even(string(ivle)))
	length := func(n uint32) string { return explicit(dicom.FileMetaInformationGroupLength, "UL", u32(n)) }
	runScans(t, []scanCase{
		{"as it should be", part10File(ivle, sopImplicit), sopDump, nil},
		{"no preamble", "DICM" + metaGroup(ivle) + sopImplicit, sopDump, []string{"no preamble"}},
		{"no preamble, no prefix", metaGroup(ivle) + sopImplicit, sopDump, []string{"no DICM prefix"}},
		{"no group length", prefix() + group + sopImplicit, sopDump, []string{"no group length"}},
		{"group length too small", prefix() + length(3) + group + sopImplicit, sopDump, []string{"wrong group length"}},
		{"group length too great", prefix() + length(5000) + group + sopImplicit, sopDump, []string{"wrong group length"}},
		{"in implicit VR", prefix() + implicitGroup + sopImplicit, sopDump, []string{"implicit VR"}},
		{"in big endian", prefix() + bigEndian(dicom.TransferSyntaxUID, "UI", even(string(evbe))) + sopBig, sopDump,
			[]string{"big endian", "no group length"}},
		{"absent", prefix() + sopImplicit, sopDump, []string{"no File Meta", "read as implicit VR"}},
		{"nothing but a data set", sopExplicit, sopDump, []string{"no DICM prefix", "no File Meta", "read as explicit VR"}},
		{"no transfer syntax", prefix() + explicit(dicom.MediaStorageSOPClassUID, "UI", "1.2.3\x00") + sopBig, sopDump,
			[]string{"no group length", "read as explicit VR big endian"}},
	})
}

func TestTransferSyntaxIsGuessed(t *testing.T) {
	for want, file := range map[dicom.UID]string{evle: sopExplicit, ivle: sopImplicit, evbe: sopBig} {
		if got := mustScan(t, prefix()+file, Limits{}).TransferSyntax; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestEncodings(t *testing.T) {
	zlib := "\x78\x9C" + deflate(sopExplicit) + "sum!"
	runScans(t, []scanCase{
		{"explicit", part10File(evle, sopExplicit), sopDump, nil},
		{"implicit", part10File(ivle, sopImplicit), sopDump, nil},
		{"big endian", part10File(evbe, sopBig), sopDump, nil},
		{"deflated", part10File(dfle, deflate(sopExplicit)), sopDump, nil},
		{"deflated, padded", part10File(dfle, deflate(sopExplicit), "\x00"), sopDump, nil},
		{"deflated, trailer", part10File(dfle, deflate(sopExplicit), "more"), sopDump, []string{"bytes after"}},
		{"deflated, zlib", part10File(dfle, zlib), sopDump, []string{"zlib header", "bytes after"}},
		{"not deflated", part10File(dfle, sopExplicit), sopDump, []string{"the data set is not"}},
		{"explicit is implicit", part10File(evle, sopImplicit), sopDump, []string{"but the data set is implicit VR"}},
		{"implicit is explicit", part10File(ivle, sopExplicit), sopDump, []string{"but the data set is explicit VR"}},
		{"explicit is big endian", part10File(evle, sopBig), sopDump, []string{"but the data set is explicit VR big"}},
		{"JPEG is implicit", part10File("1.2.840.10008.1.2.4.50", sopImplicit), sopDump, []string{"is implicit VR"}},
		{"private syntax", part10File("1.2.3.4.5", sopExplicit), sopDump, nil},
		{"empty data set", part10File(evle), "", nil},
		{"zeros after the end", part10File(evle, sopExplicit, string(make([]byte, 4099))), sopDump, []string{"zeros after"}},
		{"few zeros after the end", part10File(evle, sopExplicit, "\x00\x00\x00"), sopDump, []string{"zeros after"}},
		{"trailing padding", part10File(evle, sopExplicit, explicit(dicom.DataSetTrailingPadding, "OB", "\x00\x00")),
			sopDump + "; FFFCFFFC OB 0000", nil},
	})
}

func TestDeflatedOffsets(t *testing.T) {
	data := sopExplicit + explicit(dicom.PixelData, "OW", "0123456789")
	f := mustScan(t, part10File(dfle, "\x78\x9C", deflate(data)), Limits{})
	if want := int64(len(part10File(dfle)) + 2); f.Layout.DataSet != want {
		t.Errorf("data set at %d, want %d: behind the zlib header", f.Layout.DataSet, want)
	}
	if want := (Span{int64(len(data) - 10), 10}); f.Layout.Pixel.Value != want {
		t.Errorf("pixel data at %v, want %v in the inflated stream", f.Layout.Pixel.Value, want)
	}
}

func TestOrderOfElements(t *testing.T) {
	name := explicit(dicom.PatientName, "PN", "A^B ")
	study := explicit(dicom.StudyInstanceUID, "UI", "1.2\x00")
	runScans(t, []scanCase{
		{"out of order", part10File(evle, study, name), "00100010 PN A^B; 0020000D UI 1.2", []string{"ascending"}},
		{"twice", part10File(evle, name, explicit(dicom.PatientName, "PN", "C "), study), "00100010 PN A^B; 0020000D UI 1.2",
			[]string{"ascending", "occur twice"}},
		{"twice, far apart", part10File(evle, name, study, explicit(dicom.PatientName, "PN", "C ")),
			"00100010 PN A^B; 0020000D UI 1.2", []string{"ascending", "occur twice"}},
		{"group lengths", part10File(evle, explicit(0x00080000, "UL", u32(99)), sopExplicit, explicit(0x00090000, "UL", u32(9))),
			sopDump, nil},
		{"group 0002 in the data set", part10File(evle, sopExplicit, explicit(dicom.TransferSyntaxUID, "UI", "1.2\x00"), name),
			sopDump + "; 00100010 PN A^B", nil},
	})
}

func TestBulkOfDuplicates(t *testing.T) {
	long := func(c string) string { return explicit(dicom.EncapsulatedDocument, "OB", strings.Repeat(c, 2000)) }
	pixels := explicit(dicom.PixelData, "OW", "first!")
	file := part10File(evle, long("a"), long("b"), pixels, explicit(dicom.PixelData, "OW", "second"))
	f := mustScan(t, file, Limits{})
	if len(f.Layout.Bulk) != 1 || file[f.Layout.Bulk[0].Offset] != 'a' {
		t.Errorf("bulk %v, want the first value only", f.Layout.Bulk)
	}
	if v, ok := f.Layout.Value("7FE00010"); !ok || file[v.Offset:v.Offset+v.Length] != "first!" {
		t.Errorf("pixel data %v", v)
	}
}

func TestCharacterSets(t *testing.T) {
	charset := func(term string) string { return explicit(dicom.SpecificCharacterSet, "CS", term) }
	latin, greek := explicit(dicom.PatientName, "PN", "M\xFCller"), explicit(dicom.PatientName, "PN", "\xC1\xC2")
	in := func(content ...string) string { return explicit(dicom.ReferencedStudySequence, "SQ", item(content...)) }
	ascii := explicit(dicom.PatientName, "PN", "Ab")
	runScans(t, []scanCase{
		{"declared", part10File(evle, charset("ISO_IR 100"), latin), "00080005 CS ISO_IR 192; 00100010 PN Müller", nil},
		{"declared, not needed", part10File(evle, charset("ISO_IR 100"), ascii), "00080005 CS ISO_IR 192; 00100010 PN Ab", nil},
		{"default repertoire", part10File(evle, charset("ISO_IR 6"), ascii), "00080005 CS ISO_IR 6; 00100010 PN Ab", nil},
		{"absent, not needed", part10File(evle, ascii), "00100010 PN Ab", nil},
		{"absent, needed", part10File(evle, latin), "00080005 CS ISO_IR 192; 00100010 PN Müller", nil},
		{"inherited", part10File(evle, charset("ISO_IR 126"), in(greek)), "00080005 CS ISO_IR 192; 00081110 SQ [00100010 PN ΑΒ]", nil},
		{"own", part10File(evle, charset("ISO_IR 100"), in(charset("ISO_IR 126"), greek), latin),
			"00080005 CS ISO_IR 192; 00081110 SQ [00080005 CS ISO_IR 192; 00100010 PN ΑΒ]; 00100010 PN Müller", nil},
		{"own, not needed", part10File(evle, in(charset("ISO_IR 126"), ascii)), "00081110 SQ [00080005 CS ISO_IR 126; 00100010 PN Ab]", nil},
		{"own does not reach out", part10File(evle, in(charset("ISO_IR 126"), greek)),
			"00081110 SQ [00080005 CS ISO_IR 192; 00100010 PN ΑΒ]", nil},
		{"empty in an item", part10File(evle, charset("ISO_IR 126"), in(charset(""), greek)),
			"00080005 CS ISO_IR 192; 00081110 SQ [00080005 CS ISO_IR 192; 00100010 PN ΑΒ]", nil},
	})
}

func TestValues(t *testing.T) {
	runScans(t, []scanCase{
		{"numbers", part10File(evle,
			explicit(0x00110010, "LO", "T "),
			explicit(0x00111001, "US", "\x01\x00\xFF\xFF"), explicit(0x00111002, "SS", "\xFF\xFF"),
			explicit(0x00111003, "UL", "\xFF\xFF\xFF\xFF"), explicit(0x00111004, "SL", "\xFE\xFF\xFF\xFF"),
			explicit(0x00111005, "SV", u64(1<<63)), explicit(0x00111006, "UV", u64(1<<63)),
			explicit(0x00111007, "FL", "\x00\x00\xC0\x3F"), explicit(0x00111008, "FD", u64(0x3FF8000000000000)),
			explicit(0x00111009, "AT", "\x10\x00\x20\x00"), explicit(0x0011100A, "OV", u64(1)), explicit(0x0011100B, "OW", "abcd")),
			`00110010 LO T; 00111001 US 1\65535; 00111002 SS -1; 00111003 UL 4294967295; 00111004 SL -2; ` +
				`00111005 SV -9223372036854775808; 00111006 UV 9223372036854775808; 00111007 FL 1.5; 00111008 FD 1.5; ` +
				`00111009 AT 00100020; 0011100A OV 0100000000000000; 0011100B OW 61626364`, nil},
		{"big endian numbers", part10File(evbe,
			bigEndian(0x00111001, "US", "\x00\x01"), bigEndian(0x00111003, "UL", "\x00\x00\x00\x02"),
			bigEndian(0x00111008, "FD", "\x3F\xF8\x00\x00\x00\x00\x00\x00"), bigEndian(0x00111009, "AT", "\x00\x10\x00\x20"),
			bigEndian(0x0011100B, "OW", "abcd"), bigEndian(0x0011100C, "OB", "abcd"), bigEndian(0x0011100D, "OF", "abcd"),
			bigEndian(0x0011100E, "OV", "abcdefgh"), bigEndian(0x0011100F, "UN", "abcd")),
			"00111001 US 1; 00111003 UL 2; 00111008 FD 1.5; 00111009 AT 00100020; 0011100B OW 62616463; 0011100C OB 61626364; " +
				"0011100D OF 64636261; 0011100E OV 6867666564636261; 0011100F UN 61626364", nil},
		{"text", part10File(evle,
			explicit(dicom.ImageType, "CS", `A\\BC `), explicit(dicom.InstanceCreatorUID, "UI", "1.2\x00"),
			explicit(dicom.DerivationDescription, "ST", ` a\b`), explicit(0x00111001, "DS", " 1.50 "), explicit(0x00111002, "UT", "")),
			`00080008 CS A\\BC; 00080014 UI 1.2; 00082111 ST  a\b; 00111001 DS 1.50; 00111002 UT`, nil},
		{"odd lengths", part10File(evle, explicit(dicom.PatientID, "LO", "123"), explicit(0x00111001, "OB", "a")),
			"00100020 LO 123; 00111001 OB 61", []string{"00100020: an odd length"}},
		{"numbers of wrong length", part10File(evle, explicit(dicom.Rows, "US", "\x01\x00\x02"), explicit(dicom.Columns, "US", "\x01\x00\x02\x00")),
			`00280010 UN 010002; 00280011 US 1\2`, []string{"an odd length", "no multiple"}},
	})
}

func TestLongValues(t *testing.T) {
	long := strings.Repeat("ab", 513)
	nested := implicit(dicom.WaveformSequence, item(implicit(dicom.WaveformData, long)))
	file := part10File(ivle, sopImplicit,
		implicit(dicom.TextValue, strings.Repeat("t", 2000)),
		implicit(dicom.SelectorULValue, strings.Repeat("x", 1<<20+4)),
		nested, implicit(dicom.PixelData, "pp"))
	f := mustScan(t, file, Limits{})
	want := sopDump + "; 0040A160 UT " + strings.Repeat("t", 2000) + "; 00720078 UL bulkdata/00720078; " +
		"54000100 SQ [54001010 OW bulkdata/54000100.1.54001010]; 7FE00010 OW bulkdata/7FE00010"
	if got := dump(f.DataSet); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	paths := []string{}
	for _, v := range f.Layout.Bulk {
		paths = append(paths, v.Path)
	}
	if want := []string{"00720078", "54000100.1.54001010"}; !slices.Equal(paths, want) {
		t.Errorf("bulk %q, want %q", paths, want)
	}
	v, ok := f.Layout.Value("54000100.1.54001010")
	if !ok || file[v.Offset:v.Offset+v.Length] != long || v.VR != dicom.OW || v.Word != 1 {
		t.Errorf("bulk value %v %v", v, ok)
	}
	if _, ok := f.Layout.Value("00100010"); ok {
		t.Error("a value that is not bulk is found")
	}
}

// TestManyContours has more numbers as text than are kept in memory.
func TestManyContours(t *testing.T) {
	contour := explicit(dicom.ContourData, "DS", strings.Repeat(`1.5\`, 1999)+"1.5 ")
	file := part10File(evle, sopExplicit, explicitHeader(dicom.ContourSequence, "SQ", open), strings.Repeat(item(contour), 100), sequenceEnd)
	f := mustScan(t, file, Limits{Header: 1 << 20})
	items := f.DataSet.Items(dicom.ContourSequence)
	first, _ := items[0].Get(dicom.ContourData)
	last, _ := items[99].Get(dicom.ContourData)
	if v, ok := first.Value.(dicom.Strings); !ok || len(v) != 2000 {
		t.Errorf("the first contour is a %T", first.Value)
	}
	v, ok := f.Layout.Value("30060040.100.30060050")
	if last.Value != (dicom.Bulk{URI: "bulkdata/30060040.100.30060050"}) || !ok || v.VR != dicom.DS || v.Length != 8000 {
		t.Errorf("the last contour is a %T, at %v", last.Value, v)
	}
}

func TestInlineLimit(t *testing.T) {
	for n, bulk := range map[int]bool{1024: false, 1026: true} {
		f := mustScan(t, part10File(evle, explicit(0x00111001, "OB", strings.Repeat("a", n))), Limits{})
		e, _ := f.DataSet.Get(0x00111001)
		if _, is := e.Value.(dicom.Bulk); is != bulk {
			t.Errorf("%d bytes: bulk %v, want %v", n, is, bulk)
		}
	}
}

func TestEmptyPixelData(t *testing.T) {
	f := mustScan(t, part10File(evle, explicit(dicom.PixelData, "OW", "")), Limits{})
	if got := dump(f.DataSet); got != "7FE00010 OW" || f.Layout.Pixel != nil {
		t.Errorf("%s, pixel %v", got, f.Layout.Pixel)
	}
}
