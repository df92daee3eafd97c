package waveform

import (
	"io"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// FuzzDraw draws whatever DICOM JSON says: an error, or a drawing that is finite.
func FuzzDraw(f *testing.F) {
	for _, ds := range []*dicom.DataSet{
		small("SS", 16, "50", "uV", make([]byte, 400), 2), small("MB", 8, "8000", "", make([]byte, 100), 1), {},
	} {
		b, err := ds.MarshalJSON()
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
		r, ok := Read(ds, none)
		if !ok {
			return
		}
		d, err := Draw(r, Options{})
		if err != nil {
			return
		}
		if !(d.Width > 0 && d.Height > 0 && d.Width < 1e5 && d.Height < 1e5) {
			t.Fatalf("a sheet of %g x %g mm", d.Width, d.Height)
		}
		if err := d.SVG(io.Discard); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Image(1); err != nil {
			t.Fatal(err)
		}
	})
}
