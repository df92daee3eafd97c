package pixel

import (
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// image makes the data set of a CT image and changes it.
func image(change func(*dicom.DataSet)) *dicom.DataSet {
	ds := new(dicom.DataSet)
	us := func(t dicom.Tag, v int64) { ds.SetInts(t, dicom.US, v) }
	us(dicom.SamplesPerPixel, 1)
	ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, "MONOCHROME2")
	us(dicom.Rows, 512)
	us(dicom.Columns, 256)
	us(dicom.BitsAllocated, 16)
	us(dicom.BitsStored, 12)
	us(dicom.HighBit, 11)
	us(dicom.PixelRepresentation, 1)
	if change != nil {
		change(ds)
	}
	return ds
}

func set(t dicom.Tag, v int64) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) { ds.SetInts(t, dicom.US, v) }
}

func without(tags ...dicom.Tag) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) {
		for _, t := range tags {
			ds.Delete(t)
		}
	}
}

func colors(photometric string, samples int64) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) {
		ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, photometric)
		ds.SetInts(dicom.SamplesPerPixel, dicom.US, samples)
	}
}

func frameCount(s string) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) { ds.SetStrings(dicom.NumberOfFrames, dicom.IS, s) }
}

func float(t dicom.Tag, bits int64) func(*dicom.DataSet) {
	return func(ds *dicom.DataSet) {
		ds.Set(dicom.Element{Tag: t, VR: dicom.OF, Value: dicom.Bulk{URI: "bulkdata/x"}})
		ds.SetInts(dicom.BitsAllocated, dicom.US, bits)
		without(dicom.BitsStored, dicom.HighBit, dicom.PixelRepresentation)(ds)
	}
}

func TestDescribe(t *testing.T) {
	ct := Description{Rows: 512, Columns: 256, Samples: 1, BitsAllocated: 16, BitsStored: 12, HighBit: 11, Signed: true,
		Photometric: "MONOCHROME2", Frames: 1}
	with := func(change func(*Description)) Description {
		d := ct
		change(&d)
		return d
	}
	tests := []struct {
		name   string
		change func(*dicom.DataSet)
		want   Description
	}{
		{"CT", nil, ct},
		{"in other VRs", func(ds *dicom.DataSet) {
			ds.SetStrings(dicom.Rows, dicom.IS, " 512 ")
			ds.Set(dicom.Element{Tag: dicom.Columns, VR: dicom.UN, Value: dicom.Bytes{0, 1}})
		}, ct},
		{"no HighBit", without(dicom.HighBit), ct},
		{"no BitsStored", without(dicom.BitsStored), ct},
		{"neither", without(dicom.HighBit, dicom.BitsStored), with(func(d *Description) { d.BitsStored, d.HighBit = 16, 15 })},
		{"empty BitsStored", func(ds *dicom.DataSet) { ds.Set(dicom.Element{Tag: dicom.BitsStored, VR: dicom.US}) }, ct},
		{"HighBit above", set(dicom.HighBit, 15), with(func(d *Description) { d.HighBit = 15 })},
		{"unsigned", without(dicom.PixelRepresentation), with(func(d *Description) { d.Signed = false })},
		{"no photometric", without(dicom.PhotometricInterpretation, dicom.SamplesPerPixel), ct},
		{"three samples, no photometric", func(ds *dicom.DataSet) {
			set(dicom.SamplesPerPixel, 3)(ds)
			ds.Delete(dicom.PhotometricInterpretation)
		}, with(func(d *Description) { d.Samples, d.Photometric = 3, "RGB" })},
		{"RGB, no samples", func(ds *dicom.DataSet) { colors("rgb ", 3)(ds); ds.Delete(dicom.SamplesPerPixel) },
			with(func(d *Description) { d.Samples, d.Photometric = 3, "RGB" })},
		{"planar", func(ds *dicom.DataSet) { colors("RGB", 3)(ds); set(dicom.PlanarConfiguration, 1)(ds) },
			with(func(d *Description) { d.Samples, d.Photometric, d.Planar = 3, "RGB", true })},
		{"planar, one sample", set(dicom.PlanarConfiguration, 1), ct},
		{"frames", frameCount("20"), with(func(d *Description) { d.Frames = 20 })},
		{"frames 1A", frameCount("1A"), ct},
		{"frames 12.0", frameCount(" +12.0"), with(func(d *Description) { d.Frames = 12 })},
		{"frames 0", frameCount("0"), ct},
		{"frames -5", frameCount("-5"), ct},
		{"frames none", frameCount("none"), ct},
		{"frames empty", frameCount(""), ct},
		{"float", float(dicom.FloatPixelData, 32),
			with(func(d *Description) {
				d.BitsAllocated, d.BitsStored, d.HighBit, d.Float, d.Signed = 32, 32, 31, true, false
			})},
		{"double", float(dicom.DoubleFloatPixelData, 64),
			with(func(d *Description) {
				d.BitsAllocated, d.BitsStored, d.HighBit, d.Float, d.Signed = 64, 64, 63, true, false
			})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Describe(image(test.change))
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestDescribeErrors(t *testing.T) {
	tests := []struct {
		want   string
		change func(*dicom.DataSet)
	}{
		{"Rows (0028,0010) is absent", without(dicom.Rows)},
		{"Rows (0028,0010) is 0", set(dicom.Rows, 0)},
		{"Columns (0028,0011) is 65536", set(dicom.Columns, 65536)},
		{"Columns (0028,0011) is -1", set(dicom.Columns, -1)},
		{"Columns (0028,0011) is not a number", func(ds *dicom.DataSet) { ds.SetStrings(dicom.Columns, dicom.IS, "many") }},
		{"Bits Allocated (0028,0100) is absent", without(dicom.BitsAllocated)},
		{"Bits Allocated (0028,0100) is 12", set(dicom.BitsAllocated, 12)},
		{"Bits Allocated (0028,0100) is 64", set(dicom.BitsAllocated, 64)},
		{"Bits Stored (0028,0101) is 17", set(dicom.BitsStored, 17)},
		{"Bits Stored (0028,0101) is 0", set(dicom.BitsStored, 0)},
		{"High Bit (0028,0102) is 16", set(dicom.HighBit, 16)},
		{"High Bit (0028,0102) is 10, too low for 12 Bits Stored", set(dicom.HighBit, 10)},
		{"Pixel Representation (0028,0103) is 2", set(dicom.PixelRepresentation, 2)},
		{"Samples per Pixel (0028,0002) is 2", func(ds *dicom.DataSet) { colors("ODD", 2)(ds) }},
		{"Samples per Pixel (0028,0002) is 3, but Photometric Interpretation (0028,0004) MONOCHROME2", set(dicom.SamplesPerPixel, 3)},
		{"Planar Configuration (0028,0006) is 2", func(ds *dicom.DataSet) {
			colors("RGB", 3)(ds)
			set(dicom.PlanarConfiguration, 2)(ds)
		}},
		{"Number of Frames (0028,0008)", frameCount("99999999999999999999999")},
		{"Bits Allocated (0028,0100) is 1 with 3", func(ds *dicom.DataSet) {
			colors("RGB", 3)(ds)
			set(dicom.BitsAllocated, 1)(ds)
			without(dicom.BitsStored, dicom.HighBit)(ds)
		}},
		{"Bits Allocated (0028,0100) is 64: want 32", float(dicom.FloatPixelData, 64)},
	}
	for _, test := range tests {
		if _, err := Describe(image(test.change)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add(int64(512), int64(512), int64(16), int64(12), int64(11), int64(1), "1A", "MONOCHROME2")
	f.Fuzz(func(t *testing.T, rows, columns, allocated, stored, high, samples int64, frames, photometric string) {
		d, err := Describe(image(func(ds *dicom.DataSet) {
			set(dicom.Rows, rows)(ds)
			set(dicom.Columns, columns)(ds)
			set(dicom.BitsAllocated, allocated)(ds)
			set(dicom.BitsStored, stored)(ds)
			set(dicom.HighBit, high)(ds)
			colors(photometric, samples)(ds)
			frameCount(frames)(ds)
		}))
		if err == nil && (d.Values() < 1 || d.Frames < 1 || d.BitsStored < 1 || d.BitsStored > d.BitsAllocated ||
			d.HighBit < d.BitsStored-1 || d.HighBit >= d.BitsAllocated) {
			t.Fatalf("%+v", d)
		}
	})
}
