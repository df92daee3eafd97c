package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
)

// template is a CT image of 512 KB whose UIDs and last pixels are changed in place, so that making instances costs nothing.
type template struct {
	file []byte
	uids []int // where templateUID is
}

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
	return templateOf(b.Bytes())
}

func templateOf(file []byte) template {
	m := template{file: file}
	for at := 0; ; at++ {
		i := bytes.Index(file[at:], []byte(templateUID))
		if i < 0 {
			return m
		}
		at += i
		m.uids = append(m.uids, at)
	}
}

// clone returns a template for another goroutine.
func (m template) clone() template { return template{bytes.Clone(m.file), m.uids} }

// instance returns a file of its own, valid until the next call.
func (m template) instance(n int64) []byte {
	uid := fmt.Appendf(nil, "1.2.826.0.1.3680043.9.%010d", n)
	for _, at := range m.uids {
		copy(m.file[at:], uid)
	}
	binary.LittleEndian.PutUint64(m.file[len(m.file)-8:], uint64(n))
	return m.file
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

const (
	benchWriters = 8
	benchBatch   = 50  // the instances of a request, or as many requests of one
	benchRound   = 800 // instances: the plain program and the store take turns, so that both see the same machine
)

// BenchmarkIngest stores 512 KB instances from 8 writers, each with full durability, one at a time and 50 in a batch, and
// compares its rate with that of a program that makes plain files durable, one at a time: "x-plain" is 1 where both are equally
// fast. "cpu-ms" is the processor time of the store.
func BenchmarkIngest(b *testing.B) {
	m := newTemplate(b)
	for _, batch := range []int{1, benchBatch} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			index, blobs := onDisk(b, b.TempDir())
			s := store.New(index, blobs, store.Options{})
			dir := b.TempDir()
			b.SetBytes(int64(len(m.file)))
			var files, instances, cpu time.Duration
			n := 0
			b.ResetTimer()
			for n < b.N {
				b.StopTimer()
				files += round(m, n, func(m template, uids []int64) {
					for _, uid := range uids {
						if err := plain(dir, fmt.Sprint(uid), m.instance(uid)); err != nil {
							b.Error(err)
						}
					}
				})
				before := cpuTime(b)
				b.StartTimer()
				instances += round(m, n, func(m template, uids []int64) {
					for request := range slices.Chunk(uids, batch) {
						if err := ingest(b.Context(), s, m, request); err != nil {
							b.Error(err)
						}
					}
				})
				cpu += cpuTime(b) - before
				n += benchRound
			}
			b.StopTimer()
			perInstance := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) / 1000 }
			b.ReportMetric(perInstance(files), "ms/file")
			b.ReportMetric(perInstance(instances), "ms/instance")
			b.ReportMetric(perInstance(cpu), "cpu-ms/instance")
			b.ReportMetric(float64(files)/float64(instances), "x-plain")
			b.ReportMetric(0, "ns/op") // of a round, and so without a meaning
		})
	}
}

// round lets the writers work through the UIDs that follow first.
func round(m template, first int, work func(m template, uids []int64)) time.Duration {
	start := time.Now()
	var next atomic.Int64
	var group sync.WaitGroup
	for range benchWriters {
		m := m.clone()
		group.Go(func() {
			for {
				from := next.Add(benchBatch) - benchBatch
				if from >= benchRound {
					return
				}
				var uids []int64
				for uid := from; uid < min(from+benchBatch, benchRound); uid++ {
					uids = append(uids, int64(first)+uid)
				}
				work(m, uids)
			}
		})
	}
	group.Wait()
	return time.Since(start)
}

// ingest is one request.
func ingest(ctx context.Context, s *store.Store, m template, uids []int64) error {
	batch := s.Batch("")
	defer batch.Cancel()
	for _, uid := range uids {
		if err := batch.Add(ctx, bytes.NewReader(m.instance(uid))); err != nil {
			return err
		}
	}
	outcomes, err := batch.Commit(ctx)
	for _, o := range outcomes {
		if o.Failure != nil {
			err = errors.Join(err, o.Failure)
		}
	}
	return err
}

// cpuTime is the processor time that this process has used.
func cpuTime(t testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
