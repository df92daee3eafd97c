package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Code is an item of a code sequence (PS3.3 8.8). The zero value is none.
type Code struct {
	Value   string `xml:"value,attr,omitempty"`
	Scheme  string `xml:"scheme,attr,omitempty"`
	Version string `xml:"version,attr,omitempty"`
	Meaning string `xml:",chardata"`
}

// String writes the code as PS3.16 does, its meaning first: "Diameter (81827009, SCT)".
func (c Code) String() string { return spaced(c.Meaning, c.Short()) }

// Short is the code without its meaning; "" where there is none.
func (c Code) Short() string {
	if c.Value == "" {
		return ""
	}
	if c.Version != "" {
		return fmt.Sprintf("(%s, %s [%s])", c.Value, c.Scheme, c.Version)
	}
	return fmt.Sprintf("(%s, %s)", c.Value, c.Scheme)
}

// Value is the value of an item by its Value Type (PS3.3 C.17.3.2.1): of the fields those that it has.
type Value struct {
	Text      string // TEXT, PNAME, DATE, TIME, DATETIME, UIDREF, NUM: for people, numbers as they were written
	Code      *Code  // CODE
	Unit      *Code  // NUM
	Qualifier *Code  // NUM: why there is no number, or what it stands for
	Reference *Reference
	Graphic   *Graphic
}

// Reference is an instance, or parts of one, that an item names (PS3.3 C.18.3 to C.18.5).
type Reference struct {
	SOPClass     dicom.UID
	Ref          dicom.Ref // with study and series where the document's evidence has them
	Frames       []string  // of an image
	Segments     string    // of a segmentation
	Channels     string    // of a waveform: pairs of multiplex group and channel
	Presentation dicom.UID // the presentation state to show it with, "" if none
}

// Graphic is a region of space or of time (PS3.3 C.18.6, C.18.7, C.18.9).
type Graphic struct {
	Kind             string      // POINT, POLYLINE, CIRCLE, …; SEGMENT, … of times
	Points           [][]float64 // column and row, or x, y and z; of times none
	Times            string      // samples, seconds or date times
	FrameOfReference dicom.UID   // of three coordinates
}

func (t tree) value(ds *dicom.DataSet) Value {
	switch text(ds, dicom.ValueType) {
	case "TEXT":
		return Value{Text: text(ds, dicom.TextValue)}
	case "CODE":
		c := code(ds, dicom.ConceptCodeSequence)
		return Value{Code: &c}
	case "PNAME":
		return Value{Text: personName(text(ds, dicom.PersonName))}
	case "DATE":
		return Value{Text: date(text(ds, dicom.Date))}
	case "TIME":
		return Value{Text: clock(text(ds, dicom.Time))}
	case "DATETIME":
		return Value{Text: dateTime(text(ds, dicom.DateTime))}
	case "UIDREF":
		return Value{Text: text(ds, dicom.UIDAttribute)}
	case "NUM":
		return number(ds)
	case "IMAGE", "COMPOSITE", "WAVEFORM":
		return Value{Reference: t.reference(ds)}
	case "SCOORD":
		return Value{Graphic: graphic(ds, 2)}
	case "SCOORD3D":
		return Value{Graphic: graphic(ds, 3)}
	case "TCOORD":
		return Value{Graphic: times(ds)}
	}
	return Value{}
}

// number reads a measurement; the sequence is empty where there is a qualifier instead (PS3.3 C.18.1).
func number(ds *dicom.DataSet) (v Value) {
	if qualifiers := ds.Items(dicom.NumericValueQualifierCodeSequence); len(qualifiers) > 0 {
		c := code(ds, dicom.NumericValueQualifierCodeSequence)
		v.Qualifier = &c
	}
	measured := ds.Items(dicom.MeasuredValueSequence)
	if len(measured) == 0 {
		return v
	}
	v.Text = strings.Join(trimmed(measured[0].Strings(dicom.NumericValue)), ", ")
	if len(measured[0].Items(dicom.MeasurementUnitsCodeSequence)) > 0 {
		c := code(measured[0], dicom.MeasurementUnitsCodeSequence)
		v.Unit = &c
	}
	return v
}

// noUnit is the unit "1" of UCUM, which people do not write.
const noUnit = "1"

// Symbol is how a unit is written behind a number.
func (c Code) Symbol() string {
	switch {
	case c.Value == noUnit:
		return ""
	case c.Scheme == "UCUM" && !strings.ContainsAny(c.Value, "{}[]") || c.Meaning == "":
		return c.Value
	}
	return c.Meaning
}

func (t tree) reference(ds *dicom.DataSet) *Reference {
	items := ds.Items(dicom.ReferencedSOPSequence)
	if len(items) == 0 {
		return nil
	}
	item := items[0]
	r := &Reference{
		SOPClass: item.UID(dicom.ReferencedSOPClassUID),
		Ref:      dicom.Ref{Instance: item.UID(dicom.ReferencedSOPInstanceUID)},
		Frames:   trimmed(item.Strings(dicom.ReferencedFrameNumber)),
		Segments: list(ints(item, dicom.ReferencedSegmentNumber), ", "),
		Channels: list(ints(item, dicom.ReferencedWaveformChannels), ", "),
	}
	if found, ok := t.evidence[r.Ref.Instance]; ok {
		r.Ref = found
	}
	for _, state := range item.Items(dicom.ReferencedSOPSequence) {
		r.Presentation = state.UID(dicom.ReferencedSOPInstanceUID)
	}
	return r
}

// Path is the rendered resource of what is referenced, below the base of the service; "" where the document does not say in which
// study and series it lies.
func (r *Reference) Path() string {
	if r.Ref.Study == "" || !r.Ref.Instance.Valid() {
		return ""
	}
	path := r.Ref.Path()
	if frames := strings.Join(r.Frames, ","); frames != "" && strings.Trim(frames, "0123456789,") == "" {
		path += "/frames/" + frames
	}
	return path + "/rendered"
}

// String says what is referenced: "CT Image, frames 2, 3".
func (r *Reference) String() string {
	name := dicom.SOPClassName(r.SOPClass)
	if name == "" {
		name = "instance of SOP class " + string(r.SOPClass)
	}
	s := strings.TrimSuffix(name, " Storage")
	if len(r.Frames) == 1 {
		s += ", frame " + r.Frames[0]
	} else if len(r.Frames) > 1 {
		s += ", frames " + strings.Join(r.Frames, ", ")
	}
	if r.Segments != "" {
		s += ", segment " + r.Segments
	}
	if r.Channels != "" {
		s += ", channels " + r.Channels
	}
	if r.Presentation != "" {
		s += ", shown with " + string(r.Presentation)
	}
	return s
}

func graphic(ds *dicom.DataSet, dimensions int) *Graphic {
	e, _ := ds.Get(dicom.GraphicData)
	values, _ := e.Value.(dicom.Floats)
	g := &Graphic{Kind: text(ds, dicom.GraphicType), FrameOfReference: ds.UID(dicom.ReferencedFrameOfReferenceUID)}
	for ; len(values) >= dimensions; values = values[dimensions:] {
		g.Points = append(g.Points, values[:dimensions])
	}
	return g
}

func times(ds *dicom.DataSet) *Graphic {
	g := &Graphic{Kind: text(ds, dicom.TemporalRangeType)}
	switch samples := ints(ds, dicom.ReferencedSamplePositions); {
	case len(samples) > 0:
		g.Times = "samples " + list(samples, ", ")
	case len(ds.Strings(dicom.ReferencedTimeOffsets)) > 0:
		g.Times = strings.Join(trimmed(ds.Strings(dicom.ReferencedTimeOffsets)), ", ") + " s"
	default:
		var moments []string
		for _, m := range ds.Strings(dicom.ReferencedDateTime) {
			moments = append(moments, dateTime(m))
		}
		g.Times = strings.Join(moments, ", ")
	}
	return g
}

// String writes the region with its coordinates: "POLYLINE 10 20, 30 40".
func (g *Graphic) String() string {
	points := make([]string, len(g.Points))
	for i, p := range g.Points {
		points[i] = coordinates(p)
	}
	return spaced(g.Kind, strings.Join(points, ", "), g.Times)
}

func coordinates(point []float64) string {
	fields := make([]string, len(point))
	for i, c := range point {
		fields[i] = strconv.FormatFloat(c, 'g', 7, 64)
	}
	return strings.Join(fields, " ")
}

// String is the whole value on a line.
func (v Value) String() string {
	switch {
	case v.Code != nil:
		return v.Code.String()
	case v.Reference != nil:
		return spaced(v.Reference.String(), string(v.Reference.Ref.Instance))
	case v.Graphic != nil:
		return v.Graphic.String()
	}
	s := v.Text
	if v.Unit != nil && s != "" {
		s = spaced(s, v.Unit.Symbol())
	}
	if v.Qualifier != nil {
		s = spaced(s, v.Qualifier.String())
	}
	return s
}

// code reads the first item of a code sequence, whose value stands in one of three attributes (PS3.3 8.1).
func code(ds *dicom.DataSet, sequence dicom.Tag) Code {
	items := ds.Items(sequence)
	if len(items) == 0 {
		return Code{}
	}
	c := Code{Scheme: text(items[0], dicom.CodingSchemeDesignator), Version: text(items[0], dicom.CodingSchemeVersion),
		Meaning: text(items[0], dicom.CodeMeaning)}
	for _, t := range []dicom.Tag{dicom.CodeValue, dicom.LongCodeValue, dicom.URNCodeValue} {
		if c.Value == "" {
			c.Value = text(items[0], t)
		}
	}
	return c
}
