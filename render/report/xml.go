package report

import (
	"encoding/xml"
	"io"
	"strings"
)

// Namespace is that of the XML that reports are written in; docs/OPERATIONS.md describes it.
const Namespace = "urn:noctis:report:1"

// The elements of the XML form. An item is an element of the name of its value type in lower case.
type (
	xmlReport struct {
		XMLName  xml.Name  `xml:"report"`
		Space    string    `xml:"xmlns,attr"`
		SOPClass string    `xml:"sopClass,attr,omitempty"`
		Instance string    `xml:"instance,attr,omitempty"`
		Series   string    `xml:"series,attr,omitempty"`
		Study    string    `xml:"study,attr,omitempty"`
		Header   xmlHeader `xml:"header"`
		Root     xmlItem
	}
	xmlHeader struct{ Facts []xmlFact }
	xmlFact   struct {
		XMLName xml.Name
		Label   string `xml:"label,attr"`
		Value   string `xml:",chardata"`
	}
	xmlItem struct {
		XMLName      xml.Name
		ID           string        `xml:"id,attr"`
		Relationship string        `xml:"relationship,attr,omitempty"`
		Continuity   string        `xml:"continuity,attr,omitempty"`
		Target       string        `xml:"target,attr,omitempty"`
		Observed     string        `xml:"observed,attr,omitempty"`
		Concept      *Code         `xml:"concept"`
		Value        string        `xml:"value,omitempty"`
		Code         *Code         `xml:"code"`
		Unit         *Code         `xml:"unit"`
		Qualifier    *Code         `xml:"qualifier"`
		Reference    *xmlReference `xml:"reference"`
		Graphic      *xmlGraphic   `xml:"graphic"`
		Items        []xmlItem
	}
	xmlReference struct {
		SOPClass     string `xml:"sopClass,attr"`
		Instance     string `xml:"instance,attr"`
		Frames       string `xml:"frames,attr,omitempty"`
		Segments     string `xml:"segments,attr,omitempty"`
		Channels     string `xml:"channels,attr,omitempty"`
		Presentation string `xml:"presentation,attr,omitempty"`
		Href         string `xml:"href,attr,omitempty"`
	}
	xmlGraphic struct {
		Kind             string   `xml:"kind,attr"`
		FrameOfReference string   `xml:"frameOfReference,attr,omitempty"`
		Times            string   `xml:"times,attr,omitempty"`
		Points           []string `xml:"point"`
	}
)

// XML writes the report as XML: what Text writes, with every code and coordinate in a place of its own. References have the address
// of the rendered resource below base.
func (r *Report) XML(w io.Writer, base string) error {
	doc := xmlReport{Space: Namespace, SOPClass: string(r.SOPClass), Instance: string(r.Ref.Instance), Series: string(r.Ref.Series),
		Study: string(r.Ref.Study), Root: r.Root.xml(base)}
	for _, f := range r.Facts {
		doc.Header.Facts = append(doc.Header.Facts, xmlFact{XMLName: xml.Name{Local: f.Name}, Label: f.Label, Value: f.Value})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// elements are the value types that there are (PS3.3 C.17.3.2.1).
const elements = " TEXT CODE NUM PNAME DATE TIME DATETIME UIDREF COMPOSITE IMAGE WAVEFORM SCOORD SCOORD3D TCOORD CONTAINER "

func (item *Item) xml(base string) xmlItem {
	x := xmlItem{XMLName: xml.Name{Local: "item"}, ID: item.ID, Relationship: item.Relationship, Observed: item.Observed,
		Value: item.Value.Text, Code: item.Value.Code, Unit: item.Value.Unit, Qualifier: item.Value.Qualifier}
	if item.Kind != "" && strings.Contains(elements, " "+item.Kind+" ") {
		x.XMLName.Local = strings.ToLower(item.Kind)
	}
	if item.Kind == "CONTAINER" {
		x.Continuity = "SEPARATE"
		if item.Continuous {
			x.Continuity = "CONTINUOUS"
		}
	}
	if item.Concept != (Code{}) {
		x.Concept = &item.Concept
	}
	if item.Target != nil {
		x.Target = item.Target.ID
	}
	if r := item.Value.Reference; r != nil {
		x.Reference = &xmlReference{SOPClass: string(r.SOPClass), Instance: string(r.Ref.Instance), Frames: strings.Join(r.Frames, " "),
			Segments: r.Segments, Channels: r.Channels, Presentation: string(r.Presentation)}
		if path := r.Path(); path != "" {
			x.Reference.Href = base + path
		}
	}
	if g := item.Value.Graphic; g != nil {
		x.Graphic = &xmlGraphic{Kind: g.Kind, FrameOfReference: string(g.FrameOfReference), Times: g.Times}
		for _, p := range g.Points {
			x.Graphic.Points = append(x.Graphic.Points, coordinates(p))
		}
	}
	for _, child := range item.Items {
		x.Items = append(x.Items, child.xml(base))
	}
	return x
}
