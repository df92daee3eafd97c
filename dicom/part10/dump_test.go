package part10

import (
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// dump writes a data set in one line: elements as "tag VR value", values joined by backslashes, items in brackets.
func dump(ds *dicom.DataSet) string {
	var out []string
	for e := range ds.All() {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Tag, e.VR, dumpValue(e.Value))))
	}
	return strings.Join(out, "; ")
}

func dumpValue(v dicom.Value) string {
	var out []string
	switch v := v.(type) {
	case dicom.Strings:
		return strings.Join(v, `\`)
	case dicom.Ints:
		for _, n := range v {
			out = append(out, fmt.Sprint(n))
		}
	case dicom.Uints:
		for _, n := range v {
			out = append(out, fmt.Sprint(n))
		}
	case dicom.Floats:
		for _, n := range v {
			out = append(out, fmt.Sprint(n))
		}
	case dicom.Tags:
		for _, n := range v {
			out = append(out, n.String())
		}
	case dicom.Items:
		for _, ds := range v {
			out = append(out, "["+dump(ds)+"]")
		}
		return strings.Join(out, "")
	case dicom.Bytes:
		return fmt.Sprintf("%x", []byte(v))
	case dicom.Bulk:
		return v.URI
	}
	return strings.Join(out, `\`)
}
