package waveform

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/internal/golden"
)

func none(string) (io.ReaderAt, int64, error) { return nil, 0, os.ErrNotExist }

func read(t *testing.T, ds *dicom.DataSet) *Recording {
	t.Helper()
	r, ok := Read(ds, none)
	if !ok {
		t.Fatal("no waveform")
	}
	return r
}

// small is a recording of one group whose samples are given.
func small(interpretation string, bits int64, frequency string, unit string, data []byte, channels int64) *dicom.DataSet {
	ds, group := &dicom.DataSet{}, &dicom.DataSet{}
	var definitions []*dicom.DataSet
	for range channels {
		c, u := &dicom.DataSet{}, &dicom.DataSet{}
		u.SetStrings(dicom.CodeValue, dicom.SH, unit)
		c.SetItems(dicom.ChannelSensitivityUnitsSequence, u)
		c.SetStrings(dicom.ChannelSensitivity, dicom.DS, "2")
		c.SetStrings(dicom.ChannelSensitivityCorrectionFactor, dicom.DS, "1.5")
		c.SetStrings(dicom.ChannelBaseline, dicom.DS, "10")
		definitions = append(definitions, c)
	}
	group.SetInts(dicom.NumberOfWaveformChannels, dicom.US, channels)
	group.SetInts(dicom.NumberOfWaveformSamples, dicom.UL, int64(len(data))/(channels*bits/8))
	group.SetStrings(dicom.SamplingFrequency, dicom.DS, frequency)
	group.SetItems(dicom.ChannelDefinitionSequence, definitions...)
	group.SetInts(dicom.WaveformBitsAllocated, dicom.US, bits)
	group.SetStrings(dicom.WaveformSampleInterpretation, dicom.CS, interpretation)
	group.Set(dicom.Element{Tag: dicom.WaveformData, VR: dicom.OW, Value: dicom.Bytes(data)})
	ds.SetItems(dicom.WaveformSequence, group)
	return ds
}

// A 12-lead ECG as it was looked at.
func TestGolden(t *testing.T) {
	d, err := Draw(read(t, dicomtest.ECG().DataSet), Options{Header: []string{"DEMO AURORA"}})
	if err != nil {
		t.Fatal(err)
	}
	img, err := d.Image(4)
	if err != nil {
		t.Fatal(err)
	}
	golden.Picture(t, "ecg.png", img)
	var svg bytes.Buffer
	if err := d.SVG(&svg); err != nil {
		t.Fatal(err)
	}
	golden.Bytes(t, "ecg.svg", svg.Bytes())
	for e := xml.NewDecoder(&svg); ; {
		if _, err := e.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// drawn are the points of the only curve of a recording, and the texts.
func drawn(t *testing.T, ds *dicom.DataSet, o Options) (curve []point, texts string) {
	t.Helper()
	d, err := Draw(read(t, ds), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range d.lines {
		if l.color == ink && l.width == 0.25 {
			curve = l.points
		}
	}
	for _, x := range d.texts {
		texts += x.text + "\n"
	}
	return curve, texts
}

// A sample of 10 is 10 * 2 * 1.5 + 10 = 40 units (PS3.3 C.10.9.1.5): at 10 mm/mV, 40 µV are 0.4 mm. At 25 mm/s and 50 Hz a sample
// takes 0.5 mm.
func TestScale(t *testing.T) {
	data := []byte{0, 0, 10, 0, 0xF6, 0xFF, 0, 0} // 0, 10, -10, 0: 10, 40, -20 and 10 µV
	curve, texts := drawn(t, small("SS", 16, "50", "uV", data, 1), Options{})
	if len(curve) != 4 {
		t.Fatalf("%v", curve)
	}
	for i, want := range []point{{0, 0}, {0.5, -0.3}, {1, 0.3}, {1.5, 0}} {
		if got := (point{curve[i].x - curve[0].x, curve[i].y - curve[0].y}); math.Abs(got.x-want.x)+math.Abs(got.y-want.y) > 1e-6 {
			t.Errorf("sample %d lies at %v, want %v", i, got, want)
		}
	}
	if !strings.Contains(texts, "25 mm/s   10 mm/mV") || !strings.Contains(texts, "50 Hz") {
		t.Error(texts)
	}
	curve, _ = drawn(t, small("SS", 16, "50", "mV", data[2:4], 1), Options{Speed: 50, Gain: 0.5})
	if len(curve) == 0 {
		t.Error("a large signal is not drawn")
	}
	curve, texts = drawn(t, small("SS", 16, "50", "mm[Hg]", data, 1), Options{Speed: 50, Start: 0.02, Duration: 0.04})
	if len(curve) != 2 || math.Abs(curve[1].x-curve[0].x-1) > 1e-6 || !strings.Contains(texts, "0.2 mm/mm[Hg]") {
		t.Errorf("%v %s", curve, texts) // 60 mmHg fill 18.6 mm: 0.2 mm each
	}
}

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		interpretation string
		bytes          []byte
		want           int64
	}{
		{"SB", []byte{0xFF}, -1}, {"UB", []byte{0xFF}, 255}, {"SS", []byte{0xFE, 0xFF}, -2}, {"US", []byte{0xFE, 0xFF}, 65534},
		{"SL", []byte{0xFD, 0xFF, 0xFF, 0xFF}, -3}, {"UL", []byte{1, 0, 0, 0x80}, 0x80000001}, {"SV", []byte{1, 0, 0, 0, 0, 0, 0, 0}, 1},
		// The ends and the middle of the tables of ITU-T G.711, in 14 and 13 bits at 4 and 8 times.
		{"MB", []byte{0x80}, 32124}, {"MB", []byte{0x00}, -32124}, {"MB", []byte{0xFF}, 0},
		{"AB", []byte{0xAA}, 32256}, {"AB", []byte{0x2A}, -32256}, {"AB", []byte{0xD5}, 8},
	} {
		if got := (format{len(test.bytes), test.interpretation}).sample(test.bytes); got != test.want {
			t.Errorf("%s % X: %d, want %d", test.interpretation, test.bytes, got, test.want)
		}
	}
}

// Padding is a gap; many samples to a tenth of a millimeter keep their extremes.
func TestCurve(t *testing.T) {
	ds := small("UB", 8, "10", "mV", []byte{1, 2, 255, 3, 4, 5}, 1)
	ds.Items(dicom.WaveformSequence)[0].Set(dicom.Element{Tag: dicom.WaveformPaddingValue, VR: dicom.OB, Value: dicom.Bytes{255}})
	if curve, _ := drawn(t, ds, Options{}); len(curve) != 3 {
		t.Errorf("%d points after the gap, want 3", len(curve))
	}
	data := bytes.Repeat([]byte{5}, 100_000)
	data[77_777], data[12] = 9, 1
	curve, texts := drawn(t, small("UB", 8, "10000", "Pa", data, 1), Options{})
	if len(curve) > 5000 || !strings.Contains(texts, "13 to 37 Pa") { // 1*3+10 and 9*3+10
		t.Errorf("%d points, %s", len(curve), texts)
	}
	low, high := curve[0].y, curve[0].y
	for _, p := range curve {
		low, high = min(low, p.y), max(high, p.y)
	}
	if high-low < 10 {
		t.Errorf("the peak of one sample has %g mm", high-low)
	}
}

func TestErrors(t *testing.T) {
	good := func() *dicom.DataSet { return small("SS", 16, "100", "mV", make([]byte, 4000), 2) }
	for name, o := range map[string]Options{
		"start after the end": {Start: 11}, "no such group": {Group: 2}, "speed": {Speed: -1}, "gain": {Gain: 1e9},
		"paper": {Speed: 1000}, "negative": {Duration: -1},
	} {
		if _, err := Draw(read(t, good()), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(*dicom.DataSet){
		"no data": func(g *dicom.DataSet) { g.Delete(dicom.WaveformData) },
		"bulk is lost": func(g *dicom.DataSet) {
			g.Set(dicom.Element{Tag: dicom.WaveformData, VR: dicom.OW, Value: dicom.Bulk{URI: "x"}})
		},
		"no frequency": func(g *dicom.DataSet) { g.SetStrings(dicom.SamplingFrequency, dicom.DS, "0") },
		"12 bits":      func(g *dicom.DataSet) { g.SetInts(dicom.WaveformBitsAllocated, dicom.US, 12) },
		"channels":     func(g *dicom.DataSet) { g.SetInts(dicom.NumberOfWaveformChannels, dicom.US, 3) },
	} {
		ds := good()
		spoil(ds.Items(dicom.WaveformSequence)[0])
		if _, err := Draw(read(t, ds), Options{}); err == nil || errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err := Draw(read(t, good()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Image(1000); !errors.Is(err, ErrOptions) {
		t.Errorf("a picture of gigabytes: %v", err)
	}
	long := small("SS", 16, "1000000", "mV", make([]byte, 16<<20), 1)
	if _, err := Draw(read(t, long), Options{}); !errors.Is(err, ErrOptions) {
		t.Errorf("8 million samples: %v", err)
	}
}

// A channel says its baseline only if it says its sensitivity, and not even then in many files: it is 0 (PS3.3 C.10.9.1.4).
func TestNoBaseline(t *testing.T) {
	for name, missing := range map[string][]dicom.Tag{
		"baseline":    {dicom.ChannelBaseline},
		"sensitivity": {dicom.ChannelBaseline, dicom.ChannelSensitivity, dicom.ChannelSensitivityUnitsSequence},
	} {
		ds := small("SS", 16, "50", "uV", []byte{0, 0, 10, 0}, 1)
		for _, tag := range missing {
			ds.Items(dicom.WaveformSequence)[0].Items(dicom.ChannelDefinitionSequence)[0].Delete(tag)
		}
		if curve, _ := drawn(t, ds, Options{}); len(curve) != 2 || curve[0].y == curve[1].y {
			t.Errorf("without %s: %v", name, curve)
		}
	}
}
