package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/corpus"
)

// unstorable says why a file of the corpus cannot be an instance; "" if it can.
func unstorable(f corpus.File) string {
	for _, odd := range []string{"DICOMDIR", "no StudyInstanceUID", "no SeriesInstanceUID", "no SOPInstanceUID"} {
		if strings.Contains(f.Row["odd"], odd) {
			return odd
		}
	}
	for name, why := range map[string]string{
		"truncated":    "the pixel data ends early",
		"bad_sequence": "its SOP Instance UID is no UID (PS3.5 9.1)",
	} {
		if strings.Contains(f.Name, name) {
			return why
		}
	}
	return ""
}

// TestCorpusStoresAndComesBack stores every file of the corpus by STOW and reads it back: the file byte for byte, and the metadata
// value by value as two independent tools have them. Files that share a SOP Instance UID go to servers of their own.
func TestCorpusStoresAndComesBack(t *testing.T) {
	files := corpus.Files(t)
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	more := func() *server {
		s, err := start(t.TempDir(), "--data", "data", "--log-level", "error")
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s)
		return s
	}
	more()
	stored := 0
	for _, f := range files {
		t.Run(strings.TrimPrefix(f.Name, "files/"), func(t *testing.T) {
			content := f.Bytes(t)
			for i := 0; ; i++ {
				if i == len(servers) {
					more()
				}
				status, module, err := servers[i].stow(content)
				if err != nil {
					t.Fatal(err)
				}
				failed := module.Items(dicom.FailedSOPSequence)
				if status == 409 && len(failed) == 1 && reason(failed[0]) == 0x0111 {
					continue // another file has this UID on this server
				}
				if why := unstorable(f); why != "" {
					if status != 409 || len(failed)+len(module.Items(dicom.OtherFailuresSequence)) != 1 {
						t.Errorf("status %d; want 409 with a failure: %s", status, why)
					}
					return
				}
				if status != 200 && status != 202 {
					t.Errorf("status %d; want it stored (reasons %04X)", status, reasons(module))
					return
				}
				stored++
				comesBack(t, servers[i], f, module, content)
				return
			}
		})
	}
	if stored < len(files)/2 {
		t.Errorf("only %d of %d files were stored", stored, len(files))
	}
	for i, s := range servers {
		if status, _, err := s.get("/studies?limit=1", "application/dicom+json"); err != nil || status != 200 {
			t.Errorf("server %d does not go on: status %d, %v", i, status, err)
		}
	}
}

func reason(item *dicom.DataSet) int64 {
	e, _ := item.Get(dicom.FailureReason)
	if v, ok := e.Value.(dicom.Ints); ok && len(v) == 1 {
		return v[0]
	}
	return -1
}

func reasons(module *dicom.DataSet) (all []int64) {
	for _, item := range append(module.Items(dicom.FailedSOPSequence), module.Items(dicom.OtherFailuresSequence)...) {
		all = append(all, reason(item))
	}
	return all
}

func comesBack(t *testing.T, s *server, f corpus.File, module *dicom.DataSet, content []byte) {
	referenced := module.Items(dicom.ReferencedSOPSequence)
	if len(referenced) != 1 {
		t.Fatalf("%d referenced instances in the answer", len(referenced))
	}
	uid := referenced[0].String(dicom.ReferencedSOPInstanceUID)
	path := referenced[0].String(dicom.RetrieveURL)
	path = strings.TrimPrefix(path, s.url+"/dicom-web")
	if !strings.HasSuffix(path, "/instances/"+uid) {
		t.Fatalf("Retrieve URL %s does not name the instance", path)
	}
	status, body, err := s.get(path, `application/dicom; transfer-syntax=*`)
	if err != nil || status != 200 || !bytes.Equal(body, content) {
		t.Errorf("instance: status %d, %d bytes, %v; want the %d bytes stored", status, len(body), err, len(content))
	}
	status, body, err = s.get(path+"/metadata", "application/dicom+json")
	if err != nil || status != 200 {
		t.Fatalf("metadata: status %d, %v", status, err)
	}
	var metadata []map[string]attribute
	if err := json.Unmarshal(body, &metadata); err != nil || len(metadata) != 1 {
		t.Fatalf("metadata: %d data sets, %v", len(metadata), err)
	}
	reference := f.Reference(t, "dicom.json.gz")
	if reference == nil {
		return
	}
	var want map[string]attribute
	if err := json.Unmarshal(reference, &want); err != nil {
		t.Fatal(err)
	}
	compare(t, s, "", metadata[0], want, f.Row["transfer_syntax"] == "1.2.840.10008.1.2.2")
}

// attribute is an attribute of the DICOM JSON model, with the corpus' own way to say what a binary value is.
type attribute struct {
	VR           string            `json:"vr"`
	Value        []json.RawMessage `json:"Value"`
	InlineBinary string            `json:"InlineBinary"`
	BulkDataURI  string            `json:"BulkDataURI"`
	Length       *int              `json:"length"`
	SHA256       string            `json:"sha256"`
}

// compare reports every value of want that got has not. What the reference leaves out is not judged. The references of big endian
// files have the bytes of the file, and an answer has them in little endian (PS3.18 8.7.3).
func compare(t *testing.T, s *server, path string, got, want map[string]attribute, bigEndian bool) {
	for _, tag := range slices.Sorted(maps.Keys(want)) {
		g, found := got[tag]
		w := want[tag]
		at := path + tag
		switch {
		case !found:
			t.Errorf("%s is missing", at)
		case g.VR != w.VR:
			t.Errorf("%s: vr %s, want %s", at, g.VR, w.VR)
		case w.Length != nil:
			compareBinary(t, s, at, g, w, bigEndian)
		case len(g.Value) != len(w.Value):
			t.Errorf("%s: %d values, want %d", at, len(g.Value), len(w.Value))
		case w.VR == "SQ":
			for i := range w.Value {
				var gi, wi map[string]attribute
				if json.Unmarshal(g.Value[i], &gi) != nil || json.Unmarshal(w.Value[i], &wi) != nil {
					t.Errorf("%s: item %d is no data set", at, i+1)
					continue
				}
				compare(t, s, fmt.Sprintf("%s.%d.", at, i+1), gi, wi, bigEndian)
			}
		default:
			for i := range w.Value {
				same := sameValue
				if w.VR == "PN" {
					same = sameName
				}
				if !same(g.Value[i], w.Value[i]) {
					t.Errorf("%s: value %d is %s, want %s", at, i+1, g.Value[i], w.Value[i])
				}
			}
		}
	}
}

func compareBinary(t *testing.T, s *server, at string, g, w attribute, bigEndian bool) {
	value, err := base64.StdEncoding.DecodeString(g.InlineBinary)
	if g.BulkDataURI != "" {
		var status int
		status, value, err = s.get(strings.TrimPrefix(g.BulkDataURI, s.url+"/dicom-web"), "application/octet-stream")
		if status != 200 {
			t.Errorf("%s: bulk data answers %d", at, status)
			return
		}
	}
	if bigEndian {
		word := map[string]int{"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}[g.VR]
		for i := 0; word > 0 && i+word <= len(value); i += word {
			slices.Reverse(value[i : i+word])
		}
	}
	sum := sha256.Sum256(value)
	if err != nil || len(value) != *w.Length || hex.EncodeToString(sum[:]) != w.SHA256 {
		t.Errorf("%s: %d bytes %x, %v; want %d bytes %s", at, len(value), sum[:4], err, *w.Length, w.SHA256[:8])
	}
}

// sameName reports whether the name has every component group that the reference has.
func sameName(g, w json.RawMessage) bool {
	var gv, wv map[string]string
	if json.Unmarshal(g, &gv) != nil || json.Unmarshal(w, &wv) != nil {
		return string(g) == string(w)
	}
	for group, name := range wv {
		if gv[group] != name {
			return false
		}
	}
	return true
}

// sameValue compares two JSON values; a number and the string of it are the same, because DS and IS may be either (PS3.18 F.2.2).
func sameValue(g, w json.RawMessage) bool {
	var gv, wv any
	decode := func(raw json.RawMessage, v *any) {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		_ = d.Decode(v)
	}
	decode(g, &gv)
	decode(w, &wv)
	if fmt.Sprint(gv) == fmt.Sprint(wv) {
		return true
	}
	_, gNumber := gv.(json.Number)
	_, wNumber := wv.(json.Number)
	if !gNumber && !wNumber {
		return false
	}
	gf, gErr := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(gv)), 64)
	wf, wErr := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(wv)), 64)
	return gErr == nil && wErr == nil && (gf == wf || float32(gf) == float32(wf))
}
