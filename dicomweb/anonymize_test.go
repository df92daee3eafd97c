package dicomweb

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

const anonymously = "&contentType=application/dicom&anonymize=yes"

// A file without its patient: new UIDs, the same pixels, no overlay in their unused bits, nothing of the patient left.
func TestAnonymize(t *testing.T) {
	image := dicomtest.Image{BitsStored: 12, With: []any{
		dicom.BurnedInAnnotation, "NO", dicom.NewTag(0x6000, 0x0100), 16, dicom.NewTag(0x6000, 0x0102), 15,
	}}
	in := image.Instance()
	pixels, _ := in.DataSet.Get(dicom.PixelData)
	clean := pixels.Value.(dicom.Bytes)
	marked := bytes.Clone(clean)
	for i := 1; i < len(marked); i += 2 {
		marked[i] |= 0x80
	}
	in.DataSet.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(marked)})
	file, err := in.File()
	if err != nil {
		t.Fatal(err)
	}
	a := newArchive(t, file)
	w := a.request("GET", wado(a.refs[0], anonymously))
	checkStatus(t, w, 200)
	sent, err := part10.Scan(bytes.NewReader(w.Body.Bytes()), part10.Limits{})
	if err != nil || len(sent.Warnings) > 0 {
		t.Fatal(err, sent.Warnings)
	}
	ds := sent.DataSet
	for _, uid := range []dicom.UID{a.refs[0].Study, a.refs[0].Series, a.refs[0].Instance} {
		if bytes.Contains(w.Body.Bytes(), []byte(uid)) {
			t.Errorf("%s is left", uid)
		}
	}
	if bytes.Contains(w.Body.Bytes(), []byte("TEST^")) || ds.String(dicom.PatientIdentityRemoved) != "YES" {
		t.Error("the patient is left")
	}
	if sent.Meta.UID(dicom.MediaStorageSOPInstanceUID) != ds.UID(dicom.SOPInstanceUID) {
		t.Error("the File Meta Information names another instance")
	}
	at := sent.Layout.Pixel.Value
	if got := w.Body.Bytes()[at.Offset : at.Offset+at.Length]; !bytes.Equal(got, clean) {
		t.Errorf("other pixels: %d instead of %d", binary.LittleEndian.Uint16(got), binary.LittleEndian.Uint16(clean))
	}
	checkDumpable(t, w.Body.Bytes())
	if h := w.Header(); !strings.HasPrefix(h.Get("Content-Location"), "http://pacs.example/wado?") || h.Get("Content-Length") == "" {
		t.Errorf("%v", h)
	}
	if again := a.request("GET", wado(a.refs[0], anonymously)); !bytes.Equal(again.Body.Bytes(), w.Body.Bytes()) {
		t.Error("not the same the second time")
	}
	checkStatus(t, a.request("GET", wado(a.refs[0], anonymously), "If-None-Match", w.Header().Get("ETag")), 304)
	if other := a.request("GET", wado(a.refs[0], "&contentType=application/dicom")); other.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Error("the same entity tag as with the patient")
	}
	pictureIn(t, a.request("GET", wado(a.refs[0], "&anonymize=yes")))
}

// What may show the patient in its pixels is refused, and so is what cannot be decoded.
func TestAnonymizeRefuses(t *testing.T) {
	capture := dicomtest.Image{With: []any{dicom.BurnedInAnnotation, ""}}.File()
	burned := dicomtest.Image{Number: 2, With: []any{dicom.BurnedInAnnotation, "YES"}}.File()
	opaque := encapsulate(t, dicomtest.Image{Number: 3, BitsAllocated: 8, TransferSyntax: jpegXL, With: []any{dicom.BurnedInAnnotation, "NO"}},
		[][][]byte{{[]byte("\xFF\x0Aframe.")}}, true)
	a := newArchive(t, capture, burned, opaque)
	for _, more := range []string{anonymously, "&anonymize=yes"} {
		checkStatus(t, a.request("GET", wado(a.refs[0], more)), 406, "(0028,0301)", "often has text")
		checkStatus(t, a.request("GET", wado(a.refs[1], more)), 406, "(0028,0301) is YES")
	}
	checkStatus(t, a.request("GET", wado(a.refs[2], anonymously)), 406, "cannot be decoded")
	checkStatus(t, a.request("GET", wado(a.refs[0], anonymously+"&windowCenter=1&windowWidth=1")), 400)
}

// Every file of the corpus is refused or loses its patient.
func TestAnonymizeCorpus(t *testing.T) {
	sent := 0
	for _, f := range corpus.Files(t) {
		file := f.Bytes(t)
		a := newArchive(t)
		receipt, err := a.server.store.Ingest(t.Context(), bytes.NewReader(file), "")
		if err != nil || receipt.Ref.Resource != "" { // what is of no patient, WADO-URI does not retrieve
			continue
		}
		w := a.request("GET", wado(receipt.Ref, anonymously))
		if w.Code == 406 {
			continue
		}
		checkStatus(t, w, 200)
		scanned, err := part10.Scan(bytes.NewReader(w.Body.Bytes()), part10.Limits{})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		sent++
		if name := scanned.DataSet.String(dicom.PatientName); name != "" || scanned.DataSet.UID(dicom.SOPInstanceUID) == receipt.Ref.Instance {
			t.Errorf("%s: the patient is left", f.Name)
		}
	}
	t.Logf("%d files sent", sent)
	if sent < 100 {
		t.Errorf("only %d files could be anonymized", sent)
	}
}
