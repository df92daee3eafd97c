package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// FuzzRead writes whatever DICOM JSON says: what comes is well-formed XML, and a page without a script.
func FuzzRead(f *testing.F) {
	for _, in := range []dicomtest.Instance{dicomtest.EveryValue(), dicomtest.KeyObjects()} {
		b, err := in.DataSet.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ds := &dicom.DataSet{}
		if ds.UnmarshalJSON(b) != nil {
			return
		}
		r, ok := Read(ds)
		if !ok {
			return
		}
		forms := written(t, r)
		if bytes.Contains(forms["html"], []byte("<script")) {
			t.Error("a script")
		}
		for d := xml.NewDecoder(bytes.NewReader(forms["xml"])); ; {
			if _, err := d.Token(); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
