package render

import (
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// build makes a data set of elements.
func build(elements ...dicom.Element) *dicom.DataSet {
	ds := new(dicom.DataSet)
	for _, e := range elements {
		ds.Set(e)
	}
	return ds
}

func text(t dicom.Tag, vr dicom.VR, values ...string) dicom.Element {
	return dicom.Element{Tag: t, VR: vr, Value: dicom.Strings(values)}
}

func ints(t dicom.Tag, values ...int64) dicom.Element {
	return dicom.Element{Tag: t, VR: dicom.US, Value: dicom.Ints(values)}
}

func raw(t dicom.Tag, b ...byte) dicom.Element {
	return dicom.Element{Tag: t, VR: dicom.OW, Value: dicom.Bytes(b)}
}

func items(t dicom.Tag, items ...*dicom.DataSet) dicom.Element {
	return dicom.Element{Tag: t, VR: dicom.SQ, Value: dicom.Items(items)}
}

func window10(center, width string) []dicom.Element {
	return []dicom.Element{text(dicom.WindowCenter, dicom.DS, center), text(dicom.WindowWidth, dicom.DS, width)}
}

func lutItem(descriptor []int64, data ...byte) *dicom.DataSet {
	return build(ints(dicom.LUTDescriptor, descriptor...), raw(dicom.LUTData, data...))
}

func TestDescribe(t *testing.T) {
	signed := ints(dicom.PixelRepresentation, 1)
	tests := []struct {
		name string
		ds   *dicom.DataSet
		want Attributes
	}{
		{"nothing", build(), Attributes{}},
		{"window", build(window10("40\\", "400")...), Attributes{}}, // no number
		{"windows", build(text(dicom.WindowCenter, dicom.DS, " 40 ", "1"), text(dicom.WindowWidth, dicom.DS, "+4.0E2", "2")),
			Attributes{Window: &Window{40, 400, Linear}}},
		{"zero width", build(window10("40", "0")...), Attributes{}},
		{"negative width", build(window10("40", "-1")...), Attributes{}},
		{"width NaN", build(window10("40", "NaN")...), Attributes{}},
		{"center without width", build(text(dicom.WindowCenter, dicom.DS, "1")), Attributes{}},
		{"narrow", build(window10("0.5", "0.25")...), Attributes{Window: &Window{0.5, 0.25, LinearExact}}},
		{"sigmoid", build(append(window10("1", "2"), text(dicom.VOILUTFunction, dicom.CS, "SIGMOID"))...),
			Attributes{Window: &Window{1, 2, Sigmoid}}},
		{"linear exact", build(append(window10("1", "2"), text(dicom.VOILUTFunction, dicom.CS, "LINEAR_EXACT"))...),
			Attributes{Window: &Window{1, 2, LinearExact}}},
		{"rescale", build(text(dicom.RescaleIntercept, dicom.DS, "-1024"), text(dicom.RescaleSlope, dicom.DS, "1")),
			Attributes{Rescale: &Rescale{1, -1024}}},
		{"rescale, no slope", build(text(dicom.RescaleIntercept, dicom.DS, "-1024")), Attributes{Rescale: &Rescale{1, -1024}}},
		{"rescale, slope zero", build(text(dicom.RescaleIntercept, dicom.DS, "5"), text(dicom.RescaleSlope, dicom.DS, "0")),
			Attributes{Rescale: &Rescale{1, 5}}},
		{"rescale, identity", build(text(dicom.RescaleIntercept, dicom.DS, "0"), text(dicom.RescaleSlope, dicom.DS, "1")), Attributes{}},
		{"padding", build(ints(dicom.PixelPaddingValue, 100), ints(dicom.PixelPaddingRangeLimit, 5)),
			Attributes{Padding: &Range{5, 100}}},
		{"padding, signed in US", build(signed, ints(dicom.PixelPaddingValue, 63536)), Attributes{Padding: &Range{-2000, -2000}}},
		{"padding, unsigned in SS", build(ints(dicom.PixelPaddingValue, -1)), Attributes{Padding: &Range{65535, 65535}}},
		{"inverse", build(text(dicom.PresentationLUTShape, dicom.CS, "INVERSE")), Attributes{Inverse: true}},
		{"spacing", build(text(dicom.PixelSpacing, dicom.DS, "2", "0.5"), text(dicom.PixelAspectRatio, dicom.IS, "1", "1")),
			Attributes{PixelAspect: 4}},
		{"plane of an RT image", build(text(dicom.ImagePlanePixelSpacing, dicom.DS, "1", "2")), Attributes{PixelAspect: 0.5}},
		{"aspect ratio", build(text(dicom.PixelAspectRatio, dicom.IS, "6", "5")), Attributes{PixelAspect: 1.2}},
		{"spacing that cannot be", build(text(dicom.PixelSpacing, dicom.DS, "0", "0")), Attributes{}},
		{"VOI LUT before window", build(append(window10("1", "2"),
			items(dicom.VOILUTSequence, lutItem([]int64{2, 10, 8}, 7, 9)))...), Attributes{VOILUT: &LUT{10, 8, []uint16{7, 9}}}},
		{"VOI LUT, words", build(items(dicom.VOILUTSequence, lutItem([]int64{2, 10, 12}, 0xFF, 0x0F, 0xFF, 0xFF))),
			Attributes{VOILUT: &LUT{10, 12, []uint16{4095, 4095}}}},
		{"VOI LUT, bytes as words", build(items(dicom.VOILUTSequence, lutItem([]int64{2, 10, 8}, 7, 0, 9, 0))),
			Attributes{VOILUT: &LUT{10, 8, []uint16{7, 9}}}},
		{"VOI LUT, US", build(items(dicom.VOILUTSequence, build(ints(dicom.LUTDescriptor, 2, 0, 16), ints(dicom.LUTData, 1, 65535)))),
			Attributes{VOILUT: &LUT{0, 16, []uint16{1, 65535}}}},
		{"VOI LUT of more bits than it says", build(items(dicom.VOILUTSequence, build(ints(dicom.LUTDescriptor, 2, 0, 8), ints(dicom.LUTData, 1, 65535)))),
			Attributes{VOILUT: &LUT{Bits: 16, Entries: []uint16{1, 65535}}}},
		{"VOI LUT a bit beyond", build(items(dicom.VOILUTSequence, build(ints(dicom.LUTDescriptor, 2, 0, 8), ints(dicom.LUTData, 1, 256)))),
			Attributes{VOILUT: &LUT{Bits: 8, Entries: []uint16{1, 255}}}},
		{"VOI LUT, empty", build(items(dicom.VOILUTSequence, build(dicom.Element{Tag: dicom.LUTDescriptor, VR: dicom.US}))), Attributes{}},
		{"modality LUT, first below zero in US", build(signed, items(dicom.ModalityLUTSequence, lutItem([]int64{1, 65530, 16}, 1, 2))),
			Attributes{ModalityLUT: &LUT{-6, 16, []uint16{0x201}}}},
		{"modality LUT, first unsigned in SS", build(items(dicom.ModalityLUTSequence, lutItem([]int64{1, -6, 16}, 1, 2))),
			Attributes{ModalityLUT: &LUT{65530, 16, []uint16{0x201}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Describe(test.ds, 1)
			got.VOIs, got.signed, got.colored = nil, false, false // TestViews, and TestStatesLikeDCMTK
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// TestDescribeFunctionalGroups: the frame's own groups go before the shared one, that before the data set (PS3.3 C.7.6.16).
func TestDescribeFunctionalGroups(t *testing.T) {
	voi := func(center string) dicom.Element {
		return items(dicom.FrameVOILUTSequence, build(window10(center, "10")...))
	}
	pixels := func(intercept string) dicom.Element {
		return items(dicom.PixelValueTransformationSequence, build(text(dicom.RescaleIntercept, dicom.DS, intercept)))
	}
	measures := items(dicom.PixelMeasuresSequence, build(text(dicom.PixelSpacing, dicom.DS, "3", "1")))
	ds := build(append(window10("1", "10"),
		items(dicom.SharedFunctionalGroupsSequence, build(voi("2"), pixels("20"), measures)),
		items(dicom.PerFrameFunctionalGroupsSequence, build(voi("3")), build(pixels("30")), build()))...)
	for frame, want := range []struct{ center, intercept float64 }{{3, 20}, {2, 30}, {2, 20}, {2, 20}} {
		a, err := Describe(ds, frame+1)
		if err != nil || a.Window == nil || a.Rescale == nil || a.Window.Center != want.center ||
			a.Rescale.Intercept != want.intercept || a.PixelAspect != 3 {
			t.Errorf("frame %d: %+v, %v", frame+1, a, err)
		}
	}
	if _, err := Describe(ds, 0); err == nil {
		t.Error("frame 0 is described")
	}
}

func TestDescribeErrors(t *testing.T) {
	voi := func(i *dicom.DataSet) *dicom.DataSet { return build(items(dicom.VOILUTSequence, i)) }
	tests := []struct {
		name, want string
		ds         *dicom.DataSet
	}{
		{"short", "VOI LUT Sequence (0028,3010): expected 3 entries, found 1", voi(lutItem([]int64{3, 0, 16}, 1, 2))},
		{"65536 entries", "expected 65536 entries, found 1", voi(lutItem([]int64{0, 0, 16}, 1, 2))},
		{"no descriptor", "2 values, want 3", voi(build(ints(dicom.LUTDescriptor, 1, 2)))},
		{"bits", "1 entries of 17 bits", voi(lutItem([]int64{1, 0, 17}, 1, 2))},
		{"bulk", "DescribeWithBulk", voi(build(ints(dicom.LUTDescriptor, 1, 0, 16),
			dicom.Element{Tag: dicom.LUTData, VR: dicom.OW, Value: dicom.Bulk{URI: "bulkdata/x"}}))},
		{"no palette", "Red Palette Color Lookup Table (0028,1201): the descriptor has 0 values",
			build(text(dicom.PhotometricInterpretation, dicom.CS, "PALETTE COLOR"))},
	}
	for _, test := range tests {
		if _, err := Describe(test.ds, 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestDescribeWithBulk(t *testing.T) {
	ds := build(items(dicom.VOILUTSequence, build(ints(dicom.LUTDescriptor, 2, 0, 16),
		dicom.Element{Tag: dicom.LUTData, VR: dicom.OW, Value: dicom.Bulk{URI: "bulkdata/x"}})))
	a, err := DescribeWithBulk(ds, 1, func(uri string) ([]byte, error) {
		if uri != "bulkdata/x" {
			t.Errorf("asked for %q", uri)
		}
		return []byte{1, 0, 2, 1}, nil
	})
	if err != nil || !reflect.DeepEqual(a.VOILUT, &LUT{0, 16, []uint16{1, 0x102}}) {
		t.Errorf("%+v, %v", a.VOILUT, err)
	}
	broken := errors.New("broken")
	if _, err = DescribeWithBulk(ds, 1, func(string) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// colors makes the elements of a palette of three equal tables.
func colors(descriptor []int64, data ...byte) *dicom.DataSet {
	ds := build(text(dicom.PhotometricInterpretation, dicom.CS, "PALETTE COLOR"))
	for _, c := range channels {
		ds.Set(ints(c.descriptor, descriptor...))
		ds.Set(raw(c.data, data...))
	}
	return ds
}

// segments is colors with segmented tables.
func segments(descriptor []int64, values ...uint16) *dicom.DataSet {
	ds := build(text(dicom.PhotometricInterpretation, dicom.CS, "PALETTE COLOR"))
	var data []byte
	for _, v := range values {
		if descriptor[2] == 8 {
			data = append(data, byte(v))
		} else {
			data = binary.LittleEndian.AppendUint16(data, v)
		}
	}
	for _, c := range channels {
		ds.Set(ints(c.descriptor, descriptor...))
		ds.Set(raw(c.segmented, data...))
	}
	return ds
}

func TestPalette(t *testing.T) {
	tests := []struct {
		name string
		ds   *dicom.DataSet
		want []uint8
	}{
		{"16 bits", colors([]int64{2, 3, 16}, 0x34, 0x12, 0xFF, 0xFE), []uint8{0x12, 0xFE}},
		{"16 bits that are 8", colors([]int64{2, 3, 16}, 0x34, 0, 0xFF, 0), []uint8{0x34, 0xFF}},
		{"8 bits", colors([]int64{2, 3, 8}, 0x34, 0xFF), []uint8{0x34, 0xFF}},
		{"8 bits, padded", colors([]int64{1, 3, 8}, 0x34, 0), []uint8{0x34}},
		{"8 bits in words", colors([]int64{2, 3, 8}, 0x34, 0, 0xFF, 0), []uint8{0x34, 0xFF}},
		{"8 bits in the upper half of words", colors([]int64{2, 3, 8}, 0, 0x34, 0, 0xFF), []uint8{0x34, 0xFF}},
		{"12 bits", colors([]int64{2, 3, 12}, 0xFF, 0x0F, 0x80, 0x00), []uint8{0xFF, 0x08}},
		// Discrete: 0, 10; linear over 4 entries to 50: 20, 30, 40, 50; indirect: the first segment again, 0, 10.
		{"segmented 8", segments([]int64{8, 0, 8}, 0, 2, 0, 10, 1, 4, 50, 2, 1, 0, 0, 0, 0), []uint8{0, 10, 20, 30, 40, 50, 0, 10}},
		{"segmented 16", segments([]int64{8, 0, 16}, 0, 2, 0, 2560, 1, 4, 12800, 2, 1, 0, 0), []uint8{0, 10, 20, 30, 40, 50, 0, 10}},
		{"segmented, falling", segments([]int64{3, 0, 16}, 0, 1, 0xFF00, 1, 2, 0xFD00), []uint8{0xFF, 0xFE, 0xFD}},
		// The second indirect segment copies two segments from byte 8 on, where the linear one begins.
		{"segmented, several", segments([]int64{6, 0, 16}, 0, 2, 0, 2560, 1, 2, 5120, 2, 1, 8, 0), []uint8{0, 10, 15, 20, 20, 20}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := Describe(test.ds, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range test.want {
				if got := a.Palette.Colors[i]; got != [3]uint8{want, want, want} {
					t.Errorf("entry %d: %v, want %d", i, got, want)
				}
			}
			if len(a.Palette.Colors) != len(test.want) {
				t.Errorf("%d entries", len(a.Palette.Colors))
			}
		})
	}
}

func TestPaletteErrors(t *testing.T) {
	odd := colors([]int64{2, 3, 16}, 1, 2, 3, 4)
	odd.Set(ints(dicom.GreenPaletteColorLookupTableDescriptor, 1, 3, 16))
	for _, test := range []struct {
		name, want string
		ds         *dicom.DataSet
	}{
		{"unequal", "1 entries from 3 on, but the red one has 2", odd},
		{"short", "expected 4 entries, found 2", colors([]int64{4, 0, 16}, 1, 2, 3, 4)},
		{"segmented, short", "expected 3 entries, found 2", segments([]int64{3, 0, 16}, 0, 2, 1, 2)},
		{"segmented, cut", "a discrete segment of 9 values", segments([]int64{9, 0, 16}, 0, 9, 1)},
		{"segmented, linear first", "without its ends", segments([]int64{9, 0, 16}, 1, 9, 1)},
		{"segmented, pointing nowhere", "points nowhere", segments([]int64{9, 0, 16}, 0, 1, 7, 2, 1, 0xFFFF, 0xFFFF)},
		{"segmented, nested", "within another", segments([]int64{9, 0, 16}, 0, 1, 7, 2, 1, 6, 0)},
		{"segmented, unknown", "unknown kind 9", segments([]int64{9, 0, 16}, 9, 1, 7)},
		{"segmented, without end", "more than", segments([]int64{9, 0, 16}, append([]uint16{0, 1, 7}, make([]uint16, 1<<19)...)...)},
	} {
		if _, err := Describe(test.ds, 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzPalette(f *testing.F) {
	f.Add(uint16(8), uint16(16), []byte{0, 0, 2, 0, 0, 0, 0, 10, 1, 0, 4, 0, 0, 50, 2, 0, 1, 0, 0, 0, 0, 0})
	f.Add(uint16(8), uint16(8), []byte{0, 2, 0, 10, 1, 4, 50, 2, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, entries, bits uint16, data []byte) {
		ds := build(text(dicom.PhotometricInterpretation, dicom.CS, "PALETTE COLOR"))
		for _, c := range channels {
			ds.Set(ints(c.descriptor, int64(entries), 0, int64(bits)))
			ds.Set(raw(c.segmented, data...))
		}
		a, err := Describe(ds, 1)
		if n := int(entries); err == nil && len(a.Palette.Colors) != n && !(n == 0 && len(a.Palette.Colors) == 1<<16) {
			t.Fatalf("%d colors of %d", len(a.Palette.Colors), entries)
		}
	})
}
