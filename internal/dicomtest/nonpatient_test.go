package dicomtest

import (
	"bytes"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// TestNonPatient: there is one of each SOP Class, and each is read back from its file.
func TestNonPatient(t *testing.T) {
	seen := map[dicom.UID]bool{}
	for _, in := range NonPatient("x") {
		file, err := in.File()
		if err != nil {
			t.Fatal(err)
		}
		read, err := part10.Scan(bytes.NewReader(file), part10.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		class := in.DataSet.UID(dicom.SOPClassUID)
		if ref := read.DataSet.Ref(); seen[class] || ref.Study != "" || ref.Resource != dicom.ResourceOf(class) || ref.Instance == "" || len(read.Warnings) > 0 {
			t.Errorf("%s: %+v, %v", class, ref, read.Warnings)
		}
		seen[class] = true
	}
	for _, resource := range dicom.NonPatientResources() {
		for _, class := range dicom.ClassesIn(resource) {
			if !seen[class] || dicom.SOPClassName(class) == "" {
				t.Errorf("%s: there is no %s", resource, class)
			}
		}
	}
}
