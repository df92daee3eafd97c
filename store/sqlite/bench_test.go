package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/store"
)

// batch makes instances of one study as a scanner would.
func batch(b *testing.B, study, n int) []*store.Entry {
	b.Helper()
	all := make([]*store.Entry, n)
	for i := range all {
		e := imageOf(fmt.Sprintf("1.9.%d", study), fmt.Sprintf("1.9.%d.1", study), fmt.Sprintf("1.9.%d.1.%d", study, i), map[string]string{
			"PatientName": "DOE^JANE", "PatientID": "4711", "StudyDate": "20240229", "Modality": "CT", "InstanceNumber": fmt.Sprint(i),
		})
		e.Blob = store.BlobID{byte(study), byte(study >> 8), byte(study >> 16), byte(i), byte(i >> 8), 1}
		all[i] = e
	}
	return all
}

// BenchmarkInsert stores studies of 50 instances, each in one call.
func BenchmarkInsert(b *testing.B) {
	x, err := Open(b.Context(), filepath.Join(b.TempDir(), "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		entries := batch(b, n, 50)
		b.StartTimer()
		if _, err := x.Insert(b.Context(), entries); err != nil {
			b.Fatal(err)
		}
	}
}
