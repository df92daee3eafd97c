//go:build !race

package dicomweb

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/corpus"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// What is retrieved of any file as metadata and bulk data can be stored as metadata and bulk data, and is the same then: as JSON,
// and as XML.
func TestStoreCorpusAsMetadata(t *testing.T) {
	stored := 0
	for _, f := range corpus.Files(t) {
		t.Run(f.Name, func(t *testing.T) {
			st := memstore.New(store.Options{})
			receipt, err := st.Ingest(t.Context(), bytes.NewReader(f.Bytes(t)), "")
			if err != nil || warningReason(receipt) != 0 {
				t.Skip("does not store, or is not whole")
			}
			if receipt.Ref.Resource != "" {
				t.Skip("of no patient: it is stored as it is retrieved, in its own resource")
			}
			server, err := New(st, Options{PublicURL: "http://pacs.example", Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			a := &archive{t: t, server: server, refs: []dicom.Ref{receipt.Ref}}
			ds := dataSetOf(t, a)
			parts := &compositeBody{}
			if !appendValues(t, a, ds, parts) {
				t.Skip("its pixel data cannot be had")
			}
			for _, mediaType := range []string{"application/dicom+json", "application/dicom+xml"} {
				write := (*dicom.DataSet).AppendJSON
				if mediaType == "application/dicom+xml" {
					write = (*dicom.DataSet).AppendXML
				}
				metadata, err := write(ds, nil)
				if err != nil {
					t.Fatal(err)
				}
				again := &archive{t: t, server: freshServer(t, Options{PublicURL: "http://pacs.example"}), refs: a.refs}
				body := new(compositeBody).part(mediaType, "", metadata)
				body.Write(parts.Bytes())
				w := body.post(again.server, "")
				if w.Code != 200 {
					if told := strings.Join(w.Header().Values("Warning"), "\n"); !strings.Contains(told, "Pixel Data") {
						t.Errorf("%s: %d %s", mediaType, w.Code, told)
					}
					continue
				}
				stored++
				compareDataSets(t, mediaType, dataSetOf(t, again), ds)
				const any = `multipart/related; type="*/*"; transfer-syntax=*`
				was, is := a.get(receipt.Ref, "/frames/1", any), again.get(receipt.Ref, "/frames/1", any)
				// A codestream of JPEG 2000 has lost its container, which PS3.5 A.4.4 does not allow.
				if was.Code == 200 && (is.Code != 200 || !bytes.HasSuffix(firstPart(t, was), firstPart(t, is))) {
					t.Errorf("%s: the first frame is another", mediaType)
				}
			}
		})
	}
	t.Log("stored", stored)
}

func dataSetOf(t *testing.T, a *archive) *dicom.DataSet {
	t.Helper()
	var sets []*dicom.DataSet
	if err := json.Unmarshal(a.get(a.refs[0], "/metadata", "").Body.Bytes(), &sets); err != nil || len(sets) != 1 {
		t.Fatal(err)
	}
	return sets[0]
}

// appendValues appends a part for each value; false where pixel data cannot be sent as it is stored.
func appendValues(t *testing.T, a *archive, ds *dicom.DataSet, body *compositeBody) bool {
	t.Helper()
	for e := range ds.All() {
		switch v := e.Value.(type) {
		case dicom.Items:
			for _, item := range v {
				if !appendValues(t, a, item, body) {
					return false
				}
			}
		case dicom.Bulk:
			w := a.request("GET", strings.TrimPrefix(v.URI, "http://pacs.example"), "Accept", `multipart/related; type="*/*"; transfer-syntax=*`)
			if w.Code != 200 {
				return false
			}
			eachPart(t, w, func(contentType string, b []byte) { body.part(contentType, v.URI, b) })
		}
	}
	return true
}

func eachPart(t *testing.T, w *httptest.ResponseRecorder, visit func(contentType string, b []byte)) {
	t.Helper()
	_, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for r := multipart.NewReader(w.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		visit(p.Header.Get("Content-Type"), b)
	}
}

func firstPart(t *testing.T, w *httptest.ResponseRecorder) (first []byte) {
	t.Helper()
	if w.Code != 200 {
		return nil
	}
	eachPart(t, w, func(_ string, b []byte) {
		if first == nil {
			first = b
		}
	})
	return bytes.TrimRight(first, "\x00")
}

// added are attributes that storing may add, because the metadata lacks what the codestream or the part says.
var added = map[dicom.Tag]bool{
	dicom.LossyImageCompression: true, dicom.LossyImageCompressionMethod: true, dicom.PhotometricInterpretation: true,
	dicom.PlanarConfiguration: true, dicom.SpecificCharacterSet: true, dicom.PixelRepresentation: true, dicom.HighBit: true,
	dicom.BitsStored: true, dicom.SamplesPerPixel: true, dicom.EncapsulatedDocumentLength: true, dicom.NumberOfFrames: true,
}

// compareDataSets leaves out what storing must say in another way: transfer syntax, character set, the VR of pixel data; and of XML
// what that does not carry: the block of a private element, empty components at the end of a name, a text of blanks.
func compareDataSets(t *testing.T, mediaType string, got, want *dicom.DataSet) {
	t.Helper()
	isXML := mediaType == "application/dicom+xml"
	for e := range want.All() {
		g, there := got.Get(e.Tag)
		switch {
		case e.Tag == dicom.AvailableTransferSyntaxUID, e.Tag == dicom.PixelData, e.Tag == dicom.SpecificCharacterSet, e.Tag.Group() < 8,
			isXML && e.Tag.IsPrivate():
		case !there || !sameElement(t, mediaType, g, e):
			t.Errorf("%s: element %v is %v, want %v", mediaType, e.Tag, g, e)
		}
	}
	for e := range got.All() {
		if !want.Has(e.Tag) && !added[e.Tag] && !(isXML && e.Tag.IsPrivate()) {
			t.Errorf("%s: element %v was not there before", mediaType, e.Tag)
		}
	}
}

func sameElement(t *testing.T, mediaType string, got, want dicom.Element) bool {
	t.Helper()
	switch w := want.Value.(type) {
	case dicom.Items:
		g, _ := got.Value.(dicom.Items)
		if len(g) != len(w) {
			return false
		}
		for i := range w {
			compareDataSets(t, mediaType, g[i], w[i])
		}
		return true
	case dicom.Bytes:
		g, _ := got.Value.(dicom.Bytes)
		return bytes.Equal(g, append(bytes.Clone(w), make([]byte, len(w)%2)...))
	case dicom.Strings:
		if g, _ := got.Value.(dicom.Strings); mediaType == "application/dicom+xml" {
			const ignored = "^ \r\n"
			return strings.Trim(strings.Join(g, `\`), ignored) == strings.Trim(strings.Join(w, `\`), ignored)
		}
	}
	return got.Equal(want)
}
