package dicomweb

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
)

// encapsulatedFile has the fragments as Pixel Data of so many frames.
func encapsulatedFile(t *testing.T, frames string, fragments ...string) []byte {
	t.Helper()
	ds := &dicom.DataSet{}
	for tag, value := range map[dicom.Tag]string{dicom.SOPClassUID: "1.2.840.10008.5.1.4.1.1.7", dicom.SOPInstanceUID: "1.4.1.1",
		dicom.StudyInstanceUID: "1.4", dicom.SeriesInstanceUID: "1.4.1", dicom.NumberOfFrames: frames} {
		ds.SetStrings(tag, tag.VR(), value)
	}
	o := part10.WriteOptions{TransferSyntax: dicom.JPEGBaseline8Bit, OffsetTable: part10.NoOffsetTable}
	for _, f := range fragments {
		o.Frames = append(o.Frames, []byte(f))
	}
	var b bytes.Buffer
	if err := part10.Write(&b, ds, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every leniency that a user must know of has its Warning Reason and is 202; others are told in the header, under 200.
func TestStoreWarnings(t *testing.T) {
	ct := fileNamed(t, "ct1")
	pixels := ct[bytes.LastIndex(ct, []byte("\xE0\x7F\x10\x00OB")):]
	modality := []byte("\x08\x00\x60\x00CS\x02\x00CT")
	seen := map[string]bool{}
	for _, test := range []struct {
		name   string
		file   []byte
		reason uint16
		text   string
	}{
		{"sound", ct, 0, ""},
		{"short", bytes.Replace(ct, []byte("\x28\x00\x10\x00US\x02\x00\x02"), []byte("\x28\x00\x10\x00US\x02\x00\x03"), 1), 0xB007,
			"Pixel Data is shorter than its description"},
		{"frames", encapsulatedFile(t, "3", "\xFF\xD8\xFF\xE0", "\xFF\xD8\xFF\xE0"), 0xB007, "Number of Frames is not what is there"},
		{"fragments", encapsulatedFile(t, "2", "abcd", "efgh", "ijkl"), 0xB007, "fragments that cannot be told to frames"},
		{"twice", bytes.Replace(ct, modality, append(modality, modality...), 1), 0xB006, "elements that occur twice; the first one counts"},
		{"two pixel data", append(bytes.Clone(ct), pixels...), 0xB006, "a second element of pixel data is left out"},
		{"no preamble", ct[128:], 0, "no preamble"},
	} {
		s := freshServer(t, Options{})
		r := httptest.NewRequest("POST", "/dicom-web/studies", bytes.NewReader(test.file))
		r.Header.Set("Content-Type", "application/dicom")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		status, reason := 200, ""
		if test.reason != 0 {
			status, reason = 202, fmt.Sprintf(`"00081196":{"vr":"US","Value":[%d]}`, test.reason)
			seen[test.text] = true
		}
		told := strings.Join(w.Header().Values("Warning"), "\n")
		if w.Code != status || !strings.Contains(w.Body.String(), reason) || !strings.Contains(told, test.text) || (told == "") != (test.text == "") {
			t.Errorf("%s: %d %s\n%s", test.name, w.Code, told, w.Body)
		}
		if reason == "" && strings.Contains(w.Body.String(), "00081196") {
			t.Errorf("%s: a Warning Reason: %s", test.name, w.Body)
		}
	}
	for _, w := range warningReasons {
		if !seen[w.text] {
			t.Errorf("no file leads to %q", w.text)
		}
	}
}
