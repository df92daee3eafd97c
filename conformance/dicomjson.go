package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// object is a data set in the DICOM JSON model as it came, by tag.
type object map[string]attribute

// attribute is one attribute of an object.
type attribute struct {
	VR           string            `json:"vr"`
	Value        []json.RawMessage `json:"Value"`
	BulkDataURI  *string           `json:"BulkDataURI"`
	InlineBinary *string           `json:"InlineBinary"`
}

// objects ends the case unless the body is an array of DICOM JSON objects that keep PS3.18 Annex F.
func (a *answer) objects() []object {
	a.mediaType("application/dicom+json")
	var raw []json.RawMessage
	if err := json.Unmarshal(a.body, &raw); err != nil {
		a.t.failGot("JSON: "+err.Error(), "a JSON array of data sets (PS3.18 F.2)")
	}
	out := make([]object, len(raw))
	for i, r := range raw {
		out[i] = a.t.object(r)
	}
	return out
}

// object ends the case unless the body is one DICOM JSON object that keeps PS3.18 Annex F.
func (a *answer) object() object {
	a.mediaType("application/dicom+json")
	return a.t.object(a.body)
}

func (t *T) object(raw []byte) object {
	if fault := faultOf(raw); fault != "" {
		t.failGot(fault, "the DICOM JSON model (PS3.18 Annex F)")
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		t.failGot("JSON: "+err.Error(), "a DICOM JSON object (PS3.18 F.2)")
	}
	return o
}

var (
	upperTag = regexp.MustCompile(`^[0-9A-F]{8}$`)
	allVRs   = strings.Fields("AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV")
	numbers  = strings.Fields("FL FD SL SS UL US")
	either   = strings.Fields("DS IS SV UV") // number or string
	inline   = strings.Fields("OB OD OF OL OV OW UN")
	bulk     = strings.Fields("DS FL FD IS LT OB OD OF OL OV OW SL SS ST SV UC UL UN US UT UV SQ")
)

// faultOf says how a data set breaks PS3.18 Annex F; "" if it does not.
func faultOf(raw []byte) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return faultOfObject(d)
}

// faultOfObject walks one object, in the order in which it was written.
func faultOfObject(d *json.Decoder) string {
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return "F.2.2: a data set is a JSON object"
	}
	last := ""
	for d.More() {
		tok, err := d.Token()
		tag, isString := tok.(string)
		switch {
		case err != nil || !isString:
			return "not JSON"
		case !upperTag.MatchString(tag):
			return fmt.Sprintf("F.2.2: %q is not a tag of 8 upper-case hexadecimal digits", tag)
		case tag <= last:
			return fmt.Sprintf("F.2.2: %s comes after %s: attributes are in ascending order, each once", tag, last)
		case strings.HasSuffix(tag, "0000"):
			return fmt.Sprintf("F.2.2: group length %s", tag)
		}
		last = tag
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return "not JSON"
		}
		if fault := faultOfAttribute(tag, raw); fault != "" {
			return fault
		}
	}
	d.Token()
	return ""
}

func faultOfAttribute(tag string, raw json.RawMessage) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return fmt.Sprintf("F.2.2: %s is no object", tag)
	}
	var vr string
	json.Unmarshal(members["vr"], &vr)
	if !slices.Contains(allVRs, vr) {
		return fmt.Sprintf("F.2.2: %s has the vr %q", tag, vr)
	}
	values := 0
	for name := range members {
		switch name {
		case "vr":
		case "Value", "BulkDataURI", "InlineBinary":
			values++
		default:
			return fmt.Sprintf("F.2.2: %s has a member %q", tag, name)
		}
	}
	if values > 1 {
		return fmt.Sprintf("F.2.2: %s has more than one of Value, BulkDataURI and InlineBinary", tag)
	}
	if _, there := members["InlineBinary"]; there && !slices.Contains(inline, vr) {
		return fmt.Sprintf("F.2.7: %s of VR %s has InlineBinary", tag, vr)
	}
	if _, there := members["BulkDataURI"]; there && !slices.Contains(bulk, vr) {
		return fmt.Sprintf("10.4.3.3.2: %s of VR %s has a BulkDataURI", tag, vr)
	}
	value, there := members["Value"]
	if !there {
		return ""
	}
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil {
		return fmt.Sprintf("F.2.4: Value of %s is no array", tag)
	}
	if len(list) == 0 {
		return fmt.Sprintf("F.2.5: %s has an empty Value array; an empty attribute has vr alone", tag)
	}
	if slices.Contains(inline, vr) {
		return fmt.Sprintf("F.2.7: %s of VR %s has Value", tag, vr)
	}
	for _, v := range list {
		if fault := faultOfValue(tag, vr, v); fault != "" {
			return fault
		}
	}
	return ""
}

func faultOfValue(tag, vr string, v json.RawMessage) string {
	kind := v[0]
	switch {
	case vr == "SQ":
		if kind != '{' {
			return fmt.Sprintf("F.2.4: an item of %s is no object", tag)
		}
		return faultOf(v)
	case kind == 'n':
		return "" // F.2.5: an empty value among others
	case vr == "PN":
		var name map[string]string
		if kind != '{' || json.Unmarshal(v, &name) != nil {
			return fmt.Sprintf("F.2.2: %s of VR PN is an object of component groups", tag)
		}
		for group, text := range name {
			if !slices.Contains([]string{"Alphabetic", "Ideographic", "Phonetic"}, group) || text == "" {
				return fmt.Sprintf("F.2.2: %s of VR PN has the component group %q", tag, group)
			}
		}
	case slices.Contains(numbers, vr):
		if kind == '"' || kind == '{' || kind == '[' {
			return fmt.Sprintf("F.2.3: %s of VR %s is a number", tag, vr)
		}
	case slices.Contains(either, vr):
		if kind == '{' || kind == '[' {
			return fmt.Sprintf("F.2.3: %s of VR %s is a number or a string", tag, vr)
		}
	case kind != '"':
		return fmt.Sprintf("F.2.3: %s of VR %s is a string", tag, vr)
	}
	return ""
}

// text returns the first value of an attribute as text, of a name its alphabetic group; "" if there is none.
func (o object) text(tag string) string {
	values := o.texts(tag)
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// texts returns the values of an attribute as text.
func (o object) texts(tag string) []string {
	var out []string
	for _, raw := range o[tag].Value {
		var s string
		var name struct{ Alphabetic string }
		switch {
		case json.Unmarshal(raw, &s) == nil:
			out = append(out, s)
		case raw[0] == '{' && json.Unmarshal(raw, &name) == nil:
			out = append(out, name.Alphabetic)
		default:
			out = append(out, string(raw))
		}
	}
	return out
}

// items returns the items of a sequence.
func (o object) items(tag string) []object {
	var out []object
	for _, raw := range o[tag].Value {
		var item object
		if json.Unmarshal(raw, &item) == nil {
			out = append(out, item)
		}
	}
	return out
}

// has reports whether the attribute is there, be it empty.
func (o object) has(tag string) bool {
	_, there := o[tag]
	return there
}
