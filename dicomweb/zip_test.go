package dicomweb

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/fileset"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestZip follows the records of a DICOMDIR to each file of a study.
func TestZip(t *testing.T) {
	a := newArchive(t,
		dicomtest.Image{Series: "a", Number: 1}.File(),
		dicomtest.Image{Series: "a", Number: 2, TransferSyntax: dicom.ImplicitVRLittleEndian}.File(),
		dicomtest.Image{Series: "b", Number: 1}.File())
	one := a.refs[0]
	study, series := dicom.Ref{Study: one.Study}, dicom.Ref{Study: one.Study, Series: one.Series}
	for _, test := range []struct {
		ref    dicom.Ref
		accept string
		files  int
	}{{study, "application/zip", 3}, {series, "application/zip; transfer-syntax=*", 2}, {one, "application/zip", 1}} {
		w := a.get(test.ref, "", test.accept)
		checkStatus(t, w, 200)
		if v := w.Header().Get("Content-Type"); v != "application/zip" {
			t.Errorf("Content-Type %s", v)
		}
		checkStatus(t, a.get(test.ref, "", test.accept, "If-None-Match", w.Header().Get("ETag")), 304)
		files := unzipped(t, w.Body.Bytes())
		if got := checkDirectory(t, files); got != test.files || len(files) != test.files+1 {
			t.Errorf("%d records of %d files, want %d", got, len(files)-1, test.files)
		}
	}
	byQuery := a.request("GET", BasePath+study.Path()+"?accept=application/zip", "Accept", "*/*")
	if len(unzipped(t, byQuery.Body.Bytes())) != 4 {
		t.Error("accept=application/zip is not an archive")
	}
	if v := a.get(study, "", "*/*").Header().Get("Content-Type"); !strings.HasPrefix(v, "multipart/related") {
		t.Errorf("*/* is %s", v)
	}
}

func unzipped(t *testing.T, body []byte) map[string][]byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// checkDirectory walks the records by their offsets and returns how many files they lead to.
func checkDirectory(t *testing.T, files map[string][]byte) int {
	t.Helper()
	index := files["DICOMDIR"]
	f, err := part10.Scan(bytes.NewReader(index), part10.Limits{})
	if err != nil || len(f.Warnings) > 0 || f.Meta.UID(dicom.MediaStorageSOPClassUID) != fileset.MediaStorageDirectory {
		t.Fatalf("DICOMDIR: %v, %v", err, f.Warnings)
	}
	if dcmdump, err := exec.LookPath("dcmdump"); err == nil {
		name := filepath.Join(t.TempDir(), "DICOMDIR")
		if err := os.WriteFile(name, index, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(dcmdump, "+E", name).CombinedOutput(); err != nil || bytes.Contains(out, []byte("W: ")) {
			t.Errorf("dcmdump: %v\n%.2000s", err, out)
		}
	}
	// Where each item of the sequence begins.
	at := map[int64]*dicom.DataSet{}
	offset := int64(bytes.Index(index, []byte("\x04\x00\x20\x12SQ"))) + 12
	for _, item := range f.DataSet.Items(dicom.DirectoryRecordSequence) {
		at[offset] = item
		offset += 8 + int64(index[offset+4]) + int64(index[offset+5])<<8
	}
	number := func(ds *dicom.DataSet, tag dicom.Tag) int64 {
		e, _ := ds.Get(tag)
		n, _ := e.Value.(dicom.Ints)
		return n[0]
	}
	found := 0
	var walk func(offset int64, names ...string)
	walk = func(offset int64, names ...string) {
		for ; offset != 0; offset = number(at[offset], dicom.OffsetOfTheNextDirectoryRecord) {
			record := at[offset]
			if record == nil {
				t.Fatalf("no record at %d", offset)
			}
			if got := record.String(dicom.DirectoryRecordType); got != names[0] {
				t.Fatalf("record %s, want %s", got, names[0])
			}
			if path := record.Strings(dicom.ReferencedFileID); path != nil {
				file, err := part10.Scan(bytes.NewReader(files[strings.Join(path, "/")]), part10.Limits{})
				if err != nil || file.DataSet.String(dicom.SOPInstanceUID) != record.String(dicom.ReferencedSOPInstanceUIDInFile) ||
					string(file.TransferSyntax) != record.String(dicom.ReferencedTransferSyntaxUIDInFile) {
					t.Errorf("%v is not what its record says: %v", path, err)
				}
				found++
				continue
			}
			walk(number(record, dicom.OffsetOfReferencedLowerLevelDirectoryEntity), names[1:]...)
		}
	}
	walk(number(f.DataSet, dicom.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity), "PATIENT", "STUDY", "SERIES", "IMAGE")
	return found
}
