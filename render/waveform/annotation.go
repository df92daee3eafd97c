package waveform

import (
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Annotation is what was written about a waveform (PS3.3 C.10.10): of the whole, or of moments in one of its groups.
type Annotation struct {
	Text  string
	Group int       // counted from 0
	Times []float64 // seconds from the group's beginning; none: of the whole
}

const (
	mostAnnotations = 1000
	longestText     = 120 // characters
)

func annotations(ds *dicom.DataSet, groups []Group) []Annotation {
	var all []Annotation
	items := ds.Items(dicom.WaveformAnnotationSequence)
	for _, item := range items[:min(len(items), mostAnnotations)] {
		a := Annotation{Text: annotationText(item)}
		if a.Text == "" {
			continue
		}
		e, _ := item.Get(dicom.ReferencedWaveformChannels)
		if channels, _ := e.Value.(dicom.Ints); len(channels) > 0 {
			a.Group = int(channels[0]) - 1
		}
		if a.Group < 0 || a.Group >= len(groups) {
			continue
		}
		e, _ = item.Get(dicom.ReferencedSamplePositions)
		positions, _ := e.Value.(dicom.Ints)
		for _, p := range positions { // counted from 1
			if f := groups[a.Group].Frequency; f > 0 {
				a.Times = append(a.Times, float64(p-1)/f)
			}
		}
		if len(positions) == 0 {
			if seconds, there := number(item, dicom.ReferencedTimeOffsets); there {
				a.Times = []float64{seconds}
			}
		}
		all = append(all, a)
	}
	return all
}

// annotationText is the text, or the coded concept with its value.
func annotationText(item *dicom.DataSet) string {
	meaning := func(sequence dicom.Tag) string {
		if codes := item.Items(sequence); len(codes) > 0 {
			return strings.TrimSpace(codes[0].String(dicom.CodeMeaning))
		}
		return ""
	}
	text := strings.Join(strings.Fields(item.String(dicom.UnformattedTextValue)), " ")
	if text == "" {
		value := strings.Join(item.Strings(dicom.NumericValue), ", ")
		if units := item.Items(dicom.MeasurementUnitsCodeSequence); value != "" && len(units) > 0 {
			value += " " + strings.TrimSpace(units[0].String(dicom.CodeValue))
		}
		text = strings.Trim(meaning(dicom.ConceptNameCodeSequence)+": "+meaning(dicom.ConceptCodeSequence)+value, ": ")
	}
	if letters := []rune(text); len(letters) > longestText {
		text = string(letters[:longestText]) + "…"
	}
	return text
}
