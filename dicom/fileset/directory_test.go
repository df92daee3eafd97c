package fileset

import (
	"bytes"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestRecordsOutliveDataSets: what a data set is read of may be gone when the DICOMDIR is written.
func TestRecordsOutliveDataSets(t *testing.T) {
	text := []byte(`{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00080018":{"vr":"UI","Value":["1.2.3.4"]},` +
		`"00100010":{"vr":"PN","Value":[{"Alphabetic":"Doe^Jane"}]},"00100020":{"vr":"LO","Value":["4711"]},` +
		`"0020000D":{"vr":"UI","Value":["1.2.3"]},"0020000E":{"vr":"UI","Value":["1.2.3.1"]},"00200013":{"vr":"IS","Value":["17"]}}`)
	directory := func(gone bool) []byte {
		text := bytes.Clone(text)
		d := NewDirectory("x")
		for _, name := range []string{"I1", "I2"} {
			ds, err := dicom.ReadJSON(text)
			if err == nil {
				err = d.Add(ds, []string{"DICOM", name}, dicom.ExplicitVRLittleEndian)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if gone {
			clear(text)
		}
		var b bytes.Buffer
		if err := d.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	want := directory(false)
	for _, value := range []string{"Doe^Jane", "4711", "1.2.3.1", "17"} {
		if !bytes.Contains(want, []byte(value)) {
			t.Errorf("no %s in the DICOMDIR", value)
		}
	}
	if got := directory(true); !bytes.Equal(got, want) {
		t.Error("records are parts of the text of a data set")
	}
}
