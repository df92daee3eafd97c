package part10

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestMemory holds what is counted against the heap: a data set and its DICOM JSON take no more than what Admit was asked for, and not less
// than half of it, or honest files would be refused.
func TestMemory(t *testing.T) {
	for name, build := range map[string]func(*dicom.DataSet){
		"elements": func(ds *dicom.DataSet) {
			for i := range dicom.Tag(50_000) {
				ds.SetStrings(dicom.NewTag(0x6001, 0x1000)+i, dicom.SH, "ab")
			}
		},
		"numbers": func(ds *dicom.DataSet) {
			for i := range dicom.Tag(50_000) {
				ds.SetInts(dicom.NewTag(0x6001, 0x1000)+i, dicom.US, 1)
			}
		},
		"items": func(ds *dicom.DataSet) {
			items := make([]*dicom.DataSet, 50_000)
			for i := range items {
				items[i] = &dicom.DataSet{}
				items[i].SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.3")
			}
			ds.SetItems(dicom.ReferencedImageSequence, items...)
		},
		"empty items": func(ds *dicom.DataSet) {
			items := make([]*dicom.DataSet, 200_000)
			for i := range items {
				items[i] = &dicom.DataSet{}
			}
			ds.SetItems(dicom.ReferencedImageSequence, items...)
		},
		"text": func(ds *dicom.DataSet) {
			ds.SetStrings(dicom.TextValue, dicom.UT, string(bytes.Repeat([]byte("text "), 1<<20)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ds := &dicom.DataSet{}
			build(ds)
			var file bytes.Buffer
			if err := Write(&file, ds, WriteOptions{TransferSyntax: dicom.ExplicitVRLittleEndian}); err != nil {
				t.Fatal(err)
			}
			ds = nil
			var asked int64
			before := heap()
			f, err := Scan(&file, Limits{Admit: func(n int64) error { asked += n; return nil }})
			if err != nil {
				t.Fatal(err)
			}
			json, err := f.DataSet.AppendJSON(make([]byte, 0, f.Memory/3))
			if err != nil {
				t.Fatal(err)
			}
			takes := heap() - before
			runtime.KeepAlive(file)
			runtime.KeepAlive(f)
			runtime.KeepAlive(json)
			if asked < takes || asked > 2*takes+1<<20 {
				t.Errorf("it takes %d bytes, and %d were asked for", takes, asked)
			}
		})
	}
}

// heap is what is live.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
