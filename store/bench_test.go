package store_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
)

// template is a CT image of 512 KB whose UIDs can be changed in place.
type template struct{ file []byte }

const templateUID = "1.2.826.0.1.3680043.9.0000000000"

func newTemplate(t testing.TB) template {
	t.Helper()
	ds, _ := image(512, 512, 16, 1, dicom.OW)
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, templateUID)
	ds.SetStrings(dicom.PatientName, dicom.PN, "Doe^Jane")
	ds.SetStrings(dicom.PatientID, dicom.LO, "4711")
	ds.SetStrings(dicom.StudyDate, dicom.DA, "20240229")
	ds.SetStrings(dicom.Modality, dicom.CS, "CT")
	for i := range uint16(60) { // as many attributes as a scanner writes
		tag := dicom.NewTag(0x0019, 0x1001+i)
		ds.SetStrings(tag, dicom.LO, fmt.Sprintf("value %d", i))
	}
	ds.SetStrings(dicom.NewTag(0x0019, 0x0010), dicom.LO, "NOCTIS BENCH")
	var b bytes.Buffer
	if err := part10.Write(&b, ds, part10.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return template{b.Bytes()}
}

// instance returns a file of its own. It may be called from several goroutines.
func (m template) instance(n int64) []byte {
	file := bytes.ReplaceAll(m.file, []byte(templateUID), fmt.Appendf(nil, "1.2.826.0.1.3680043.9.%010d", n))
	binary.LittleEndian.PutUint64(file[len(file)-8:], uint64(n))
	return file
}

// plain makes a file durable in the simplest way: write, sync, rename, sync the directory.
func plain(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// BenchmarkIngest stores 512 KB instances from 8 writers, each with full durability, one at a time and 50 in a batch, and
// compares the time per instance with that of making plain files durable, "ratio".
func BenchmarkIngest(b *testing.B) {
	const writers = 8
	m := newTemplate(b)
	var next atomic.Int64
	run := func(n int, work func(uids []int64)) time.Duration {
		start := time.Now()
		var left atomic.Int64
		left.Store(int64(n))
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				for {
					k := min(50, left.Add(-50)+50)
					if k <= 0 {
						return
					}
					uids := make([]int64, k)
					for i := range uids {
						uids[i] = next.Add(1)
					}
					work(uids)
				}
			})
		}
		group.Wait()
		return time.Since(start)
	}
	perInstance := func(d time.Duration, n int) float64 { return float64(d.Microseconds()) / float64(n) / 1000 }

	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			index, blobs := onDisk(b, b.TempDir())
			s := store.New(index, blobs, store.Options{})
			dir := b.TempDir()
			n := max(b.N, 400)
			b.SetBytes(int64(len(m.file)))
			files := run(n, func(uids []int64) {
				for _, uid := range uids {
					if err := plain(dir, fmt.Sprint(uid), m.instance(uid)); err != nil {
						b.Error(err)
					}
				}
			})
			b.ResetTimer()
			ingested := run(n, func(uids []int64) {
				batched := s.Batch("")
				defer batched.Cancel()
				for i, uid := range uids {
					if err := batched.Add(b.Context(), bytes.NewReader(m.instance(uid))); err != nil {
						b.Error(err)
					}
					if batch == 1 || i == len(uids)-1 {
						if outcomes, err := batched.Commit(b.Context()); err != nil || outcomes[i].Failure != nil {
							b.Error(err, outcomes[i].Failure)
						}
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(perInstance(files, n), "ms/file")
			b.ReportMetric(perInstance(ingested, n), "ms/instance")
			b.ReportMetric(float64(ingested)/float64(files), "ratio")
		})
	}
}
