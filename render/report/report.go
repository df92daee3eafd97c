// Package report renders structured reports as text (PS3.18 Table 8.7.4-1): the content tree of PS3.3 C.17.3 with its concept names,
// codes, measurements and references, for people to read.
package report

import (
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Item is a content item (PS3.3 C.17.3): what it is about, its value as text, and the items below it.
type Item struct {
	Name, Value string
	Items       []Item
}

// maxDepth bounds the nesting that is shown; no template of PS3.16 comes near it.
const maxDepth = 64

// Read reads the content tree. ok is false if the data set is no report.
func Read(ds *dicom.DataSet) (root Item, ok bool) {
	if strings.TrimSpace(ds.String(dicom.ValueType)) != "CONTAINER" {
		return Item{}, false
	}
	root = read(ds, maxDepth)
	if root.Name == "" {
		root.Name = "Report"
	}
	return root, true
}

func read(ds *dicom.DataSet, depth int) Item {
	item := Item{Name: meaning(ds.Items(dicom.ConceptNameCodeSequence)), Value: value(ds)}
	if depth == 0 {
		return item
	}
	for _, child := range ds.Items(dicom.ContentSequence) {
		item.Items = append(item.Items, read(child, depth-1))
	}
	return item
}

// value is the value of an item as text, by its Value Type (PS3.3 C.17.3.2.1).
func value(ds *dicom.DataSet) string {
	switch strings.TrimSpace(ds.String(dicom.ValueType)) {
	case "TEXT":
		return ds.String(dicom.TextValue)
	case "CODE":
		return coded(ds.Items(dicom.ConceptCodeSequence))
	case "PNAME":
		return strings.Join(strings.FieldsFunc(ds.String(dicom.PersonName), func(c rune) bool { return c == '^' }), " ")
	case "DATE":
		return ds.String(dicom.Date)
	case "TIME":
		return ds.String(dicom.Time)
	case "DATETIME":
		return ds.String(dicom.DateTime)
	case "UIDREF":
		return ds.String(dicom.UIDAttribute)
	case "NUM":
		if measured := ds.Items(dicom.MeasuredValueSequence); len(measured) > 0 {
			unit := measured[0].Items(dicom.MeasurementUnitsCodeSequence)
			number := strings.Join(measured[0].Strings(dicom.NumericValue), ", ")
			if len(unit) > 0 && unit[0].String(dicom.CodeValue) != "1" {
				number += " " + unit[0].String(dicom.CodeValue)
			}
			return number
		}
		return coded(ds.Items(dicom.NumericValueQualifierCodeSequence))
	case "IMAGE", "COMPOSITE", "WAVEFORM":
		if refs := ds.Items(dicom.ReferencedSOPSequence); len(refs) > 0 {
			return "instance " + refs[0].String(dicom.ReferencedSOPInstanceUID)
		}
	case "SCOORD", "SCOORD3D":
		e, _ := ds.Get(dicom.GraphicData)
		points, _ := e.Value.(dicom.Floats)
		return fmt.Sprintf("%s of %d values", ds.String(dicom.GraphicType), len(points))
	}
	return ""
}

// meaning is the Code Meaning of a code sequence, coded has the code itself too (PS3.3 8.1, 8.3).
func meaning(codes []*dicom.DataSet) string {
	if len(codes) == 0 {
		return ""
	}
	return codes[0].String(dicom.CodeMeaning)
}

func coded(codes []*dicom.DataSet) string {
	if len(codes) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s, %s)", meaning(codes), codes[0].String(dicom.CodeValue), codes[0].String(dicom.CodingSchemeDesignator))
}

// Text writes the tree as plain text, indented.
func (item Item) Text(w io.Writer) error { return item.text(w, "") }

func (item Item) text(w io.Writer, indent string) error {
	line := item.Name
	if item.Value != "" {
		line = strings.TrimPrefix(line+": ", ": ") + strings.ReplaceAll(item.Value, "\n", "\n"+indent+"  ")
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", indent, line); err != nil {
		return err
	}
	for _, child := range item.Items {
		if err := child.text(w, indent+"  "); err != nil {
			return err
		}
	}
	return nil
}

// page is the document of a report; the values are escaped by the template.
const page = `{{define "item"}}<li>{{if .Name}}<b>{{.Name}}</b>{{if .Value}}: {{end}}{{end}}<span>{{.Value}}</span>
{{if .Items}}<ul>{{range .Items}}{{template "item" .}}{{end}}</ul>{{end}}</li>
{{end}}<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{{.Name}}</title><style>body{font-family:sans-serif}span{white-space:pre-wrap}</style></head>
<body><h1>{{.Name}}</h1>
<ul>{{range .Items}}{{template "item" .}}{{end}}</ul></body></html>
`

// HTML writes the tree as a document of HTML 5.
func (item Item) HTML(w io.Writer) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, item)
}
