package dicomweb

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// pixelDescription are the attributes that may differ between a stored file and the same in Explicit VR Little Endian.
var pixelDescription = []dicom.Tag{
	dicom.PixelData, dicom.PhotometricInterpretation, dicom.NumberOfFrames, dicom.ExtendedOffsetTable,
	dicom.ExtendedOffsetTableLengths, dicom.IconImageSequence, dicom.SpecificCharacterSet,
}

// checkTranscoded wants the instance in Explicit VR Little Endian, with everything that the stored file has, readable by others.
func checkTranscoded(t *testing.T, a *archive, file []byte) {
	t.Helper()
	stored, err := part10.Scan(bytes.NewReader(file), part10.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	w := a.get(a.refs[0], "", "application/dicom; transfer-syntax="+string(dicom.ExplicitVRLittleEndian))
	if w.Code == http.StatusNotAcceptable || w.Code == http.StatusInternalServerError && explained(w.Body.String(), a.refs[0]) {
		// There is no decoder, or the pixels are damaged: what names no transfer syntax gets the stored file then.
		if p := partsOf(t, a.get(a.refs[0], "", "application/dicom")); !bytes.Equal(p[0].body, file) {
			t.Errorf("not the stored file, though there is no other: %.300s", w.Body)
		}
		return
	}
	if w.Code != http.StatusOK {
		t.Fatalf("%d %.300s", w.Code, w.Body)
	}
	native := w.Body.Bytes()
	if bytes.Equal(native, file) {
		return
	}
	checkDumpable(t, native)
	sent, err := part10.Scan(bytes.NewReader(native), part10.Limits{})
	if err != nil {
		t.Fatalf("what was sent cannot be read: %v", err)
	}
	if sent.TransferSyntax != dicom.ExplicitVRLittleEndian || len(sent.Warnings) > 0 && len(stored.Warnings) == 0 {
		t.Errorf("sent as %s with %q", sent.TransferSyntax, sent.Warnings)
	}
	for _, tag := range pixelDescription {
		stored.DataSet.Delete(tag)
		sent.DataSet.Delete(tag)
	}
	for e := range stored.DataSet.Clone().All() {
		if b, ok := e.Value.(dicom.Bytes); ok && len(b)%2 == 1 { // PS3.5 7.1.1 has no odd lengths
			stored.DataSet.Set(dicom.Element{Tag: e.Tag, VR: e.VR, Value: dicom.Bytes(append(bytes.Clone(b), 0))})
		}
	}
	want, _ := stored.DataSet.MarshalJSON()
	if got, _ := sent.DataSet.MarshalJSON(); !bytes.Equal(got, want) {
		t.Errorf("the data set has changed: %s", firstDifference(got, want))
	}
	checkSameFrames(t, a, native)
}

// checkDumpable wants dcmdump to read the file without a complaint about its structure.
func checkDumpable(t *testing.T, file []byte) {
	t.Helper()
	dcmdump, err := exec.LookPath("dcmdump")
	if err != nil {
		return
	}
	name := filepath.Join(t.TempDir(), "native.dcm")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(dcmdump, "-q", "+E", name).CombinedOutput(); err != nil {
		t.Errorf("dcmdump: %v\n%.500s", err, out)
	}
}

// checkSameFrames compares the frames of a native file with those that frame resources have.
func checkSameFrames(t *testing.T, a *archive, native []byte) {
	t.Helper()
	b := newArchive(t, native)
	frames := 0
	for e, err := range b.server.store.Entries(t.Context(), b.refs[0]) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Layout.Pixel != nil {
			frames = e.Layout.Pixel.NumberOfFrames
		}
	}
	for _, path := range []string{"/frames/1", "/frames/2"}[:min(frames, 2)] {
		want, got := a.get(a.refs[0], path, "application/octet-stream"), b.get(b.refs[0], path, "application/octet-stream")
		if want.Code != http.StatusOK || !bytes.Equal(got.Body.Bytes(), want.Body.Bytes()) {
			t.Errorf("%s: %d, %d bytes; from the stored file %d, %d bytes",
				path, got.Code, got.Body.Len(), want.Code, want.Body.Len())
		}
	}
}

// firstDifference is where two texts part.
func firstDifference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	around := func(b []byte) string { return string(b[max(0, min(len(b), i)-100):min(len(b), i+100)]) }
	return strings.Join([]string{around(got), "instead of", around(want)}, "\n")
}

// TestDefaultTransferSyntax asks for files without naming a transfer syntax (PS3.18 8.7.3.4), by name, and as they are stored.
func TestDefaultTransferSyntax(t *testing.T) {
	const native, any = "; transfer-syntax=1.2.840.10008.1.2.1", "; transfer-syntax=*"
	for _, test := range []struct {
		stored               dicom.UID
		silent, named, exact dicom.UID // what is sent; "" is 406
	}{
		{dicom.ExplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.ExplicitVRLittleEndian},
		{dicom.ImplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.ImplicitVRLittleEndian},
		{dicom.ExplicitVRBigEndian, dicom.ExplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.ExplicitVRBigEndian},
		{dicom.DeflatedExplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.ExplicitVRLittleEndian, dicom.DeflatedExplicitVRLittleEndian},
	} {
		a := newArchive(t, dicomtest.Image{Number: 1, TransferSyntax: test.stored}.File())
		uri := func(syntax string) string {
			ref := a.refs[0]
			return "/wado?requestType=WADO&studyUID=" + string(ref.Study) + "&seriesUID=" + string(ref.Series) +
				"&objectUID=" + string(ref.Instance) + "&contentType=application/dicom" + syntax
		}
		for _, ask := range []struct {
			name string
			want dicom.UID
			got  *httptest.ResponseRecorder
		}{
			{"silent", test.silent, a.get(a.refs[0], "", "application/dicom")},
			{"named", test.named, a.get(a.refs[0], "", "application/dicom"+native)},
			{"as stored", test.exact, a.get(a.refs[0], "", "application/dicom"+any)},
			{"multipart", test.silent, a.get(a.refs[0], "", "*/*")},
			{"URI", test.silent, a.request("GET", uri(""))},
			{"URI, named", test.named, a.request("GET", uri("&transferSyntax=1.2.840.10008.1.2.1"))},
			{"URI, as stored", test.exact, a.request("GET", uri("&transferSyntax=*"))},
		} {
			p := partsOf(t, ask.got)[0]
			f, err := part10.Scan(bytes.NewReader(p.body), part10.Limits{})
			if err != nil || f.TransferSyntax != ask.want || p.contentType != "application/dicom; transfer-syntax="+string(ask.want) {
				t.Errorf("%s, %s: %v, %v, %s", test.stored, ask.name, f, err, p.contentType)
			}
		}
		head := a.request("HEAD", BasePath+a.refs[0].Path(), "Accept", "application/dicom")
		whole := a.get(a.refs[0], "", "application/dicom")
		if head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(whole.Body.Len()) {
			t.Errorf("%s: HEAD says %s of %d bytes", test.stored, head.Header().Get("Content-Length"), whole.Body.Len())
		}
		checkStatus(t, a.get(a.refs[0], "", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.110"), 406, "1.2.840.10008.1.2.1")
	}
}

func FuzzJoinFragments(f *testing.F) {
	f.Add([]byte("\xFE\xFF\x00\xE0\x00\x00\x00\x00\xFE\xFF\x00\xE0\x02\x00\x00\x00ab"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if joined, _ := joinFragments(b); len(joined) > len(b) {
			t.Fatal("more than there was")
		}
	})
}
