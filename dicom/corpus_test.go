package dicom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/corpus"
)

// TestCorpusJSON writes the data set of every file of the corpus as DICOM JSON and compares its text and numbers with what two
// other tools make of the file. Binary values are the business of part10, and so is Specific Character Set.
func TestCorpusJSON(t *testing.T) {
	files, attributes := 0, 0
	for _, f := range corpus.Files(t) {
		reference := f.Reference(t, "dicom.json.gz")
		if reference == nil {
			continue
		}
		scanned, err := part10.Scan(bytes.NewReader(f.Bytes(t)), part10.Limits{})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		out, err := scanned.DataSet.AppendJSON(nil)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		var back dicom.DataSet
		if err := back.UnmarshalJSON(out); err != nil || !back.Equal(scanned.DataSet) {
			t.Errorf("%s: does not read back as it was: %v", f.Name, err)
		}
		files++
		attributes += compare(t, f.Name, decode(t, reference), decode(t, out))
	}
	if files == 0 || attributes == 0 {
		t.Errorf("%d attributes of %d files compared", attributes, files)
	}
}

type dataSet map[string]struct {
	VR    string
	Value []json.RawMessage
}

func decode(t *testing.T, b []byte) dataSet {
	t.Helper()
	var ds dataSet
	if err := json.Unmarshal(b, &ds); err != nil {
		t.Fatal(err)
	}
	return ds
}

// compare reports where got lacks an attribute of want, or has it with another value. It returns how many it has compared.
func compare(t *testing.T, where string, want, got dataSet) int {
	t.Helper()
	n := 0
	for tag, w := range want {
		if tag == dicom.SpecificCharacterSet.String() {
			continue
		}
		at := where + " " + tag
		g, found := got[tag]
		if !found || w.VR != g.VR || len(w.Value) != len(g.Value) {
			t.Errorf("%s: vr %s, %d values, want vr %s, %d values", at, g.VR, len(g.Value), w.VR, len(w.Value))
			continue
		}
		n++
		for i := range w.Value {
			at := fmt.Sprintf("%s, value %d", at, i+1)
			switch w.VR {
			case "SQ":
				n += compare(t, at, decode(t, w.Value[i]), decode(t, g.Value[i]))
			case "PN":
				compareNames(t, at, w.Value[i], g.Value[i])
			default:
				if w, g := spelling(t, w.VR, w.Value[i]), spelling(t, w.VR, g.Value[i]); w != g {
					t.Errorf("%s: %q, want %q", at, g, w)
				}
			}
		}
	}
	return n
}

// compareNames compares the component groups that the reference has.
func compareNames(t *testing.T, at string, want, got json.RawMessage) {
	t.Helper()
	var w, g map[string]string
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	for group := range w {
		if w[group] != g[group] {
			t.Errorf("%s, %s: %q, want %q", at, group, g[group], w[group])
		}
	}
}

// spelling is a value as it is compared: DS and IS as they are written, be it as a number or a string, other numbers as such.
func spelling(t *testing.T, vr string, v json.RawMessage) string {
	t.Helper()
	var decoded any
	if err := json.Unmarshal(v, &decoded); err != nil {
		t.Fatal(err)
	}
	if _, isNumber := decoded.(float64); isNumber && (vr == "DS" || vr == "IS") {
		return string(v)
	}
	return fmt.Sprint(decoded)
}
