package dicomweb

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/readiness"
)

// TestReadiness asks of a study with a good series and one whose frames cannot be decoded.
func TestReadiness(t *testing.T) {
	broken := dicomtest.Image{Series: "b", TransferSyntax: dicom.JPEGBaseline8Bit, BitsAllocated: 8}.Instance()
	broken.Frames = [][]byte{[]byte("no JPEG.")}
	file, err := broken.File()
	if err != nil {
		t.Fatal(err)
	}
	a := newArchive(t, dicomtest.Image{Series: "a"}.File(), file)
	study := dicom.Ref{Study: a.refs[0].Study}
	w := a.get(study, "/readiness", "application/json")
	checkStatus(t, w, 200)
	var report readiness.Report
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	var undecodable []readiness.Finding
	for _, f := range report.Findings {
		if f.Kind == readiness.Undecodable {
			undecodable = append(undecodable, f)
		}
	}
	if report.Ready || len(report.Series) != 2 || len(undecodable) != 1 || undecodable[0].Instance != a.refs[1].Instance ||
		!strings.Contains(undecodable[0].Detail, "JPEG") || strings.Contains(undecodable[0].Detail, "instance") {
		t.Errorf("%s", w.Body)
	}
	if strings.Contains(w.Body.String(), "TEST^") {
		t.Error("patient data in a report")
	}
	checkStatus(t, a.get(dicom.Ref{Study: "1.2.3"}, "/readiness", ""), 404)
	checkStatus(t, a.get(study, "/readiness", "image/png"), 406)
}
