// Package waveform draws waveforms (PS3.3 A.34, C.10.9) as a recorder on paper does: a grid of millimeters, so many millimeters a second
// and a millivolt, a calibration pulse, leads in their conventional places. Samples are drawn as they were stored, without any filter.
//
// waveform.go reads the description, samples.go the samples, annotation.go what was written about them; layout.go decides what lies
// where, drawing.go is the drawing in millimeters, which svg.go and raster.go write.
package waveform

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// ErrOptions is the error, wrapped, of options that cannot be fulfilled: the request is at fault, not the waveform.
var ErrOptions = errors.New("waveform options")

// Recording is a waveform instance.
type Recording struct {
	SOPClass    dicom.UID
	Groups      []Group
	Annotations []Annotation
}

// Group is a multiplex group: channels that were sampled together.
type Group struct {
	Label     string
	Frequency float64 // Hz
	Samples   int     // of each channel
	Channels  []Channel
	Missing   error // why it cannot be drawn, nil if it can

	format  format
	padding *int64
	data    io.ReaderAt
}

// Channel is one signal; a sample is scaled to its unit by what the channel says (PS3.3 C.10.9.1.5).
type Channel struct {
	Label  string
	Unit   string // UCUM; mV for all voltages
	factor float64
	offset float64
}

// Bulk opens the value of Waveform Data at a path (dicom.BulkPath), with its length.
type Bulk func(path string) (io.ReaderAt, int64, error)

// mostChannels and mostGroups bound what is described; the standard's waveforms have a few dozen.
const (
	mostGroups   = 16
	mostChannels = 1024
)

// Read reads the description of a recording. ok is false if the data set is no waveform.
func Read(ds *dicom.DataSet, bulk Bulk) (r *Recording, ok bool) {
	groups := ds.Items(dicom.WaveformSequence)
	if len(groups) == 0 {
		return nil, false
	}
	r = &Recording{SOPClass: ds.UID(dicom.SOPClassUID)}
	for i, item := range groups[:min(len(groups), mostGroups)] {
		g := readGroup(item)
		if g.Missing == nil {
			g.Missing = g.open(item, i, bulk)
		}
		r.Groups = append(r.Groups, g)
	}
	r.Annotations = annotations(ds, r.Groups)
	return r, true
}

func readGroup(item *dicom.DataSet) (g Group) {
	frequency, _ := number(item, dicom.SamplingFrequency)
	samples, _ := number(item, dicom.NumberOfWaveformSamples)
	bits, _ := number(item, dicom.WaveformBitsAllocated)
	g = Group{Label: strings.TrimSpace(item.String(dicom.MultiplexGroupLabel)), Frequency: frequency, Samples: int(samples)}
	g.format = format{bytes: int(bits) / 8, interpretation: strings.ToUpper(strings.TrimSpace(item.String(dicom.WaveformSampleInterpretation)))}
	definitions := item.Items(dicom.ChannelDefinitionSequence)
	for i, c := range definitions[:min(len(definitions), mostChannels)] {
		g.Channels = append(g.Channels, readChannel(c, i))
	}
	count, given := number(item, dicom.NumberOfWaveformChannels)
	switch {
	case !(frequency > 0) || frequency > 1e9:
		g.Missing = errors.New("it has no Sampling Frequency (003A,001A)")
	case samples < 1:
		g.Missing = errors.New("it has no samples")
	case len(g.Channels) == 0 || given && int(count) != len(g.Channels):
		g.Missing = errors.New("its channels are not those of its Channel Definition Sequence (003A,0200)")
	case !g.format.valid():
		g.Missing = errors.New("its samples are of an unknown format (5400,1004), (5400,1006)")
	}
	return g
}

// open finds the samples, and the value of those that are none.
func (g *Group) open(item *dicom.DataSet, index int, bulk Bulk) error {
	e, _ := item.Get(dicom.WaveformData)
	var length int64
	switch v := e.Value.(type) {
	case dicom.Bytes:
		g.data, length = bytesAt(v), int64(len(v))
	case dicom.Bulk:
		path := dicom.BulkPath(dicom.WaveformSequence.String(), strconv.Itoa(index+1), dicom.WaveformData.String())
		var err error
		if g.data, length, err = bulk(path); err != nil {
			return err
		}
	}
	frame := int64(g.format.bytes * len(g.Channels))
	if length < frame {
		return errors.New("it has no Waveform Data (5400,1010)")
	}
	g.Samples = min(g.Samples, int(min(length/frame, math.MaxInt32)))
	if p, _ := item.Get(dicom.WaveformPaddingValue); p.Value != nil {
		if b, isBytes := p.Value.(dicom.Bytes); isBytes && len(b) >= g.format.bytes {
			value := g.format.sample(b)
			g.padding = &value
		}
	}
	return nil
}

// Duration is how long the group lasts, in seconds.
func (g *Group) Duration() float64 { return float64(g.Samples) / g.Frequency }

// voltages are the units of voltage and how many millivolts they are.
var voltages = map[string]float64{"V": 1000, "mV": 1, "uV": 0.001, "µV": 0.001, "nV": 1e-6}

func readChannel(item *dicom.DataSet, index int) Channel {
	c := Channel{Label: leadName(item), factor: 1}
	if c.Label == "" {
		c.Label = "Channel " + strconv.Itoa(index+1)
	}
	if units := item.Items(dicom.ChannelSensitivityUnitsSequence); len(units) > 0 {
		c.Unit = strings.TrimSpace(units[0].String(dicom.CodeValue))
	}
	if sensitivity, there := number(item, dicom.ChannelSensitivity); there {
		c.factor = sensitivity
		if correction, there := number(item, dicom.ChannelSensitivityCorrectionFactor); there && correction != 0 {
			c.factor *= correction
		}
	}
	c.offset, _ = number(item, dicom.ChannelBaseline)
	if mv, isVoltage := voltages[c.Unit]; isVoltage {
		c.factor, c.offset, c.Unit = c.factor*mv, c.offset*mv, "mV"
	}
	return c
}

// leadName is the label of a channel, or the meaning of its source without what all leads are called: "Lead I (Einthoven)" is I.
func leadName(item *dicom.DataSet) string {
	name := strings.TrimSpace(item.String(dicom.ChannelLabel))
	if sources := item.Items(dicom.ChannelSourceSequence); name == "" && len(sources) > 0 {
		name = strings.TrimSpace(sources[0].String(dicom.CodeMeaning))
	}
	if rest, isLead := strings.CutPrefix(name, "Lead "); isLead {
		name, _, _ = strings.Cut(rest, " (")
	}
	return name
}

// number is the first value of a number, however it was written; 0 and false if there is none.
func number(ds *dicom.DataSet, t dicom.Tag) (float64, bool) {
	e, _ := ds.Get(t)
	n := math.NaN()
	switch v := e.Value.(type) {
	case dicom.Strings:
		if len(v) == 0 {
			break
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(v[0]), 64); err == nil {
			n = f
		}
	case dicom.Ints:
		if len(v) > 0 {
			n = float64(v[0])
		}
	case dicom.Floats:
		if len(v) > 0 {
			n = v[0]
		}
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false
	}
	return n, true
}
