package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// The sizes that BenchmarkScale compares, in instances; the larger one is that of NOCTIS_BENCH_INSTANCES.
const (
	scaleSmall = 10_000
	perStudy   = 100
)

// The targets of the project at a million instances.
const (
	slowest    = 3.0 // times the time at 10,000 instances, for each search
	slowestAdd = 0.9 // of the rate at 10,000 instances, for storing
)

// scaleSearches have at least 25 results at both sizes, the first two and the last one aside.
var scaleSearches = []string{
	"PatientID=P000042",
	"StudyInstanceUID=1.2.826.0.1.3680043.9.42",
	"StudyDate=20100101-20141231",
	"ModalitiesInStudy=MR",
	"PatientName=DOE*",
	"PatientName=*OE*",
	"PatientName=*ZQX*",
}

// BenchmarkScale fills an index with studies of 100 instances, and compares its searches over HTTP (limit 25, with the count of all
// matches) and the rate of storing at 10,000 instances with those at the size that NOCTIS_BENCH_INSTANCES says.
func BenchmarkScale(b *testing.B) {
	large := 50_000
	if s := os.Getenv("NOCTIS_BENCH_INSTANCES"); s != "" {
		var err error
		if large, err = strconv.Atoi(s); err != nil || large < scaleSmall {
			b.Fatalf("NOCTIS_BENCH_INSTANCES=%s: want a number, %d at least", s, scaleSmall)
		}
	}
	before := measure(b, scaleSmall)
	big := measure(b, large)
	after := measure(b, scaleSmall) // whatever else the machine does changes meanwhile
	first, last := (before.rate+after.rate)/2, big.rate

	fmt.Printf("\n%-45s %12s %12s %8s\n", "search, limit 25", "10,000", strconv.Itoa(large), "ratio")
	for i, search := range scaleSearches {
		small := (before.searches[i] + after.searches[i]) / 2
		ratio := float64(big.searches[i]) / float64(small)
		fmt.Printf("%-45s %12v %12v %8.2f\n", search, small, big.searches[i], ratio)
		if large >= 1_000_000 && ratio > slowest {
			b.Errorf("%s takes %.2f times as long; at most %.1f is wanted", search, ratio, slowest)
		}
	}
	fmt.Printf("%-45s %12.0f %12.0f %8.2f\n", "instances stored per second", first, last, last/first)
	fmt.Printf("%-45s %25d\n\n", "bytes of index per instance", big.size/int64(large))
	if large >= 1_000_000 && last/first < slowestAdd {
		b.Errorf("storing at %.2f of the rate; at least %.1f is wanted", last/first, slowestAdd)
	}
	b.ReportMetric(last/first, "rate-ratio")
	b.ReportMetric(float64(big.size)/float64(large), "bytes/instance")
}

// measured is what an index of some size does.
type measured struct {
	rate     float64         // instances stored per second, while the last 50,000 came, or the second half of 10,000
	searches []time.Duration // median of each
	size     int64           // bytes
}

// measure fills an index of its own.
func measure(b *testing.B, instances int) measured {
	path := filepath.Join(b.TempDir(), "index.db")
	index, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer index.Close()
	server, err := dicomweb.New(store.New(index, memstore.NewBlobs(), store.Options{}), dicomweb.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	const step = scaleSmall / perStudy / 2 // studies in which the rate is measured
	var rates []float64
	for at := 0; at < instances/perStudy; at += step {
		rates = append(rates, fill(b, index, at, at+step))
	}
	if len(rates) == 2 {
		rates = rates[1:] // what happens once does not count
	}
	return measured{mean(rates[max(0, len(rates)-10):]), searchTimes(b, server), fileSizes(b, path)}
}

// fill inserts the studies [from, to), each in one call, from two goroutines, and returns how many instances that was a second. The
// time in which they are made up does not count.
func fill(b *testing.B, index store.Index, from, to int) float64 {
	var spent time.Duration
	const ahead = 8 // studies made up at once
	for at := from; at < to; at += ahead {
		n := min(ahead, to-at)
		studies := make([][]*store.Entry, n)
		var making sync.WaitGroup
		for i := range n {
			making.Go(func() { studies[i] = syntheticStudy(b, at+i) })
		}
		making.Wait()
		start := time.Now()
		var storing sync.WaitGroup
		for half := range 2 {
			storing.Go(func() {
				for i := half; i < n; i += 2 {
					if _, err := index.Insert(b.Context(), studies[i]); err != nil {
						b.Error(err)
					}
				}
			})
		}
		storing.Wait()
		spent += time.Since(start)
	}
	return float64((to-from)*perStudy) / spent.Seconds()
}

// syntheticStudy makes up the entries of a study of 100 instances in two series, with about as many attributes as a scanner writes.
func syntheticStudy(b *testing.B, n int) []*store.Entry {
	families := []string{"DOE", "MILLER", "GARCIA", "NGUYEN"}
	modality := []string{"CT", "MR", "CT", "US"}[n/4%4]
	study := fmt.Sprintf("1.2.826.0.1.3680043.9.%d", n)
	day := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n*7919%7300)
	entries := make([]*store.Entry, perStudy)
	for i := range entries {
		ds := &dicom.DataSet{}
		set := func(t dicom.Tag, v string) { ds.SetStrings(t, t.VR(), v) }
		series := fmt.Sprintf("%s.%d", study, i%2+1)
		for t, v := range map[dicom.Tag]string{
			dicom.SOPClassUID: "1.2.840.10008.5.1.4.1.1.2", dicom.SOPInstanceUID: fmt.Sprintf("%s.%d", series, i+1),
			dicom.StudyInstanceUID: study, dicom.SeriesInstanceUID: series, dicom.Modality: modality,
			dicom.StudyDate: day.Format("20060102"), dicom.StudyTime: fmt.Sprintf("%02d%02d00", n%24, n*7%60),
			dicom.PatientID: fmt.Sprintf("P%06d", n), dicom.PatientName: fmt.Sprintf("%s^P%d", families[n%4], n),
			dicom.PatientBirthDate: "19700203", dicom.PatientSex: "F", dicom.AccessionNumber: fmt.Sprintf("A%07d", n*31),
			dicom.StudyID: fmt.Sprint(n), dicom.StudyDescription: "CT thorax with contrast", dicom.SeriesDescription: "axial 1.5 mm",
			dicom.ReferringPhysicianName: fmt.Sprintf("REFERRER^%d", n%50), dicom.SeriesNumber: fmt.Sprint(i%2 + 1),
			dicom.InstanceNumber: fmt.Sprint(i/2 + 1), dicom.InstitutionName: "Hospital", dicom.Manufacturer: "Maker",
			dicom.SliceThickness: "1.5", dicom.KVP: "120", dicom.ConvolutionKernel: "B30f", dicom.PatientPosition: "HFS",
			dicom.ImagePositionPatient: fmt.Sprintf("-250\\-250\\%d.5", i), dicom.ImageOrientationPatient: `1\0\0\0\1\0`,
			dicom.PixelSpacing: `0.7\0.7`, dicom.WindowCenter: "40", dicom.WindowWidth: "400", dicom.RescaleSlope: "1",
		} {
			set(t, v)
		}
		for _, t := range []dicom.Tag{dicom.Rows, dicom.Columns, dicom.BitsAllocated, dicom.BitsStored} {
			ds.SetInts(t, dicom.US, 512)
		}
		ds.SetStrings(dicom.NewTag(0x0019, 0x0010), dicom.LO, "NOCTIS BENCH")
		for k := range uint16(30) {
			ds.SetStrings(dicom.NewTag(0x0019, 0x1001+k), dicom.LO, fmt.Sprintf("value %d of %d", k, i))
		}
		metadata, err := ds.MarshalJSON()
		if err != nil {
			b.Error(err)
		}
		entries[i] = &store.Entry{
			Ref: ds.Ref(), SOPClass: ds.UID(dicom.SOPClassUID), TransferSyntax: "1.2.840.10008.1.2.1",
			Blob: sha256.Sum256(binary.AppendVarint(nil, int64(n*perStudy+i))), Size: 525_000, Stored: day,
			Layout: part10.Layout{DataSet: 132, Pixel: &part10.PixelData{Tag: dicom.PixelData, VR: dicom.OW,
				Value: part10.Span{Offset: 1500, Length: 524288}, NumberOfFrames: 1, FrameBits: 8 * 524288, Word: 2}},
			DataSet: ds, Metadata: metadata,
		}
	}
	return entries
}

// searchTimes returns the median time of each search.
func searchTimes(b *testing.B, server http.Handler) []time.Duration {
	const times = 51
	var medians []time.Duration
	for _, search := range scaleSearches {
		var all []time.Duration
		for range times {
			r := httptest.NewRequest("GET", dicomweb.BasePath+"/studies?limit=25&"+search, nil)
			w := httptest.NewRecorder()
			start := time.Now()
			server.ServeHTTP(w, r)
			all = append(all, time.Since(start))
			if w.Code != http.StatusOK && w.Code != http.StatusNoContent {
				b.Fatalf("%s: %d %s", search, w.Code, w.Body)
			}
		}
		slices.Sort(all)
		medians = append(medians, all[times/2].Round(time.Microsecond))
	}
	return medians
}

func fileSizes(b *testing.B, path string) (sum int64) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			b.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
