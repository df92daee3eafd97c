package dicomtest

import (
	"encoding/binary"
	"math"

	"github.com/noctis-dicom/noctis/dicom"
)

// leads are the twelve of a standard ECG: how much of the heart's beat, P, QRS and T, each of them sees.
var leads = []struct {
	name, code string
	p, qrs, t  float64
}{
	{"I", "5.6.3-9-1", 0.10, 0.7, 0.20}, {"II", "5.6.3-9-2", 0.15, 1.1, 0.30}, {"III", "5.6.3-9-61", 0.05, 0.4, 0.10},
	{"aVR", "5.6.3-9-62", -0.12, -0.9, -0.25}, {"aVL", "5.6.3-9-63", 0.03, 0.2, 0.08}, {"aVF", "5.6.3-9-64", 0.10, 0.8, 0.20},
	{"V1", "5.6.3-9-3", 0.06, -0.8, -0.10}, {"V2", "5.6.3-9-4", 0.07, -1.2, 0.40}, {"V3", "5.6.3-9-5", 0.08, 0.5, 0.45},
	{"V4", "5.6.3-9-6", 0.09, 1.5, 0.40}, {"V5", "5.6.3-9-7", 0.09, 1.3, 0.35}, {"V6", "5.6.3-9-8", 0.09, 1.0, 0.30},
}

// ECG is a 12-lead ECG of ten seconds at 500 Hz, 16 bits, 2.5 µV a step, at 75 beats a minute, with a statement and marks of two beats.
func ECG() Instance {
	const frequency, seconds, step = 500, 10, 2.5 // µV
	ds := Series{Study{
		Patient: Patient{"DEMO^AURORA", "NOCTIS-001", "19610412", "F"},
		Name:    "ecg", Date: "20260302", Time: "073000", Description: "ECG at rest", Accession: "A1005", ReferringPhysician: "REFERRER^ROBIN",
	}, 1, "ECG", "12 leads"}.Instance(ecgWaveform, 1)
	var channels []*dicom.DataSet
	for _, l := range leads {
		channels = append(channels, item(
			dicom.ChannelSourceSequence, code(l.code, "SCPECG", "Lead "+l.name),
			dicom.ChannelSensitivity, step, dicom.ChannelSensitivityUnitsSequence, code("uV", "UCUM", "microvolt"),
			dicom.ChannelSensitivityCorrectionFactor, 1.0, dicom.ChannelBaseline, 0.0, dicom.ChannelSampleSkew, 0,
			dicom.WaveformBitsStored, 16))
	}
	var data []byte
	for i := range frequency * seconds {
		beat := math.Mod(float64(i)/frequency, 0.8)
		for _, l := range leads {
			mv := l.p*bump(beat, 0.18, 0.025) - 0.12*l.qrs*bump(beat, 0.33, 0.008) + l.qrs*bump(beat, 0.35, 0.010) -
				0.25*l.qrs*bump(beat, 0.37, 0.010) + l.t*bump(beat, 0.58, 0.045)
			data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(mv*1000/step))))
		}
	}
	set(ds,
		dicom.AcquisitionDateTime, "20260302073000",
		dicom.WaveformSequence, item(
			dicom.MultiplexGroupTimeOffset, 0.0, dicom.WaveformOriginality, "ORIGINAL", dicom.MultiplexGroupLabel, "RHYTHM",
			dicom.NumberOfWaveformChannels, len(leads), dicom.NumberOfWaveformSamples, frequency*seconds, dicom.SamplingFrequency, frequency,
			dicom.ChannelDefinitionSequence, channels,
			dicom.WaveformBitsAllocated, 16, dicom.WaveformSampleInterpretation, "SS", dicom.WaveformData, data),
		dicom.WaveformAnnotationSequence, []*dicom.DataSet{
			item(dicom.UnformattedTextValue, "Sinus rhythm, 75 bpm <normal>", dicom.ReferencedWaveformChannels, []int64{1, 0}),
			item(dicom.ConceptNameCodeSequence, code("2:16016", "MDC", "Heart rate"), dicom.NumericValue, "75",
				dicom.MeasurementUnitsCodeSequence, code("{H.B.}/min", "UCUM", "heart beats per minute"),
				dicom.ReferencedWaveformChannels, []int64{1, 0}),
			item(dicom.UnformattedTextValue, "R", dicom.ReferencedWaveformChannels, []int64{1, 2}, dicom.TemporalRangeType, "MULTIPOINT",
				dicom.ReferencedSamplePositions, []int64{176, 576}),
		},
	)
	return Instance{DataSet: ds, TransferSyntax: dicom.ExplicitVRLittleEndian}
}

// bump is a wave of height 1.
func bump(t, at, width float64) float64 {
	return math.Exp(-(t - at) * (t - at) / (2 * width * width))
}
