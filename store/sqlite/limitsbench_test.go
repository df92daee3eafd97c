package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// BenchmarkLimits searches among a hundred thousand studies, within limits and without them in turns. x-time is how many times as long it
// takes within them (at most 1.1 is wanted of limits by patient).
func BenchmarkLimits(b *testing.B) {
	const studies, patients, facilities = 100_000, 20_000, 4
	x, err := OpenUnsynced(b.Context(), filepath.Join(b.TempDir(), "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	for at := 0; at < studies; at += 500 {
		entries := make([]*store.Entry, 500)
		for i := range entries {
			n := at + i
			study := fmt.Sprint("1.2.", n)
			entries[i] = imageOf(study, study+".1", study+".1.1", map[string]string{
				"PatientID": fmt.Sprint("P", n%patients), "PatientName": fmt.Sprintf("%s^%d", []string{"DOE", "ROE"}[n%2], n%patients), "StudyDate": fmt.Sprintf("20%02d%02d%02d", 5+n%20, 1+n%12, 1+n%28),
				"Modality": []string{"CT", "MR"}[n%2], "InstitutionName": fmt.Sprint("Clinic ", n%facilities), "ReferringPhysicianName": fmt.Sprint("Doe^", n%500),
			})
			entries[i].Blob = store.BlobID{byte(n), byte(n >> 8), byte(n >> 16), 1}
		}
		if _, err := x.Insert(b.Context(), entries); err != nil {
			b.Fatal(err)
		}
	}
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprint("P", i)
	}
	for _, limits := range []struct {
		name string
		match.Limits
	}{
		{"patient", match.Limits{Patients: []string{"P42"}}},
		{"1000patients", match.Limits{Patients: many}},
		{"physician", match.Limits{Physicians: []string{"Doe^42"}}},
		{"facility", match.Limits{Facilities: []string{"Clinic 2"}}},
	} {
		for _, search := range []string{"all", "PatientID=P42", "PatientName=DOE*", "StudyDate=20100101-20141231", "ModalitiesInStudy=CT"} {
			b.Run(limits.name+"/"+search, func(b *testing.B) {
				q := match.Query{Limit: 25}
				if search != "all" {
					q.Keys = keysOf(b, search)
				}
				compareLimits(b, x, q, limits.Limits)
			})
		}
	}
}

// compareLimits searches and counts, as an answer of PS3.18 10.6 does, in turns, and compares the medians.
func compareLimits(b *testing.B, x *Index, q match.Query, l match.Limits) {
	once := func(ctx context.Context) time.Duration {
		began, results := time.Now(), 0
		for _, err := range x.Search(ctx, q) {
			if err != nil {
				b.Fatal(err)
			}
			results++
		}
		if results == q.Limit { // else the page tells the number
			if _, err := x.Count(ctx, q); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}
	within := match.Within(b.Context(), l)
	var without, limited []time.Duration
	for range 5 { // what is read for the first time does not count
		once(b.Context())
		once(within)
	}
	for b.Loop() {
		without, limited = append(without, once(b.Context())), append(limited, once(within))
	}
	slices.Sort(without)
	slices.Sort(limited)
	b.ReportMetric(float64(limited[len(limited)/2])/float64(without[len(without)/2]), "x-time")
	b.ReportMetric(float64(limited[len(limited)/2].Microseconds()), "µs-within")
}

// keysOf reads a search of one key.
func keysOf(b testing.TB, search string) []match.Key {
	b.Helper()
	var name, value string
	for i := range search {
		if search[i] == '=' {
			name, value = search[:i], search[i+1:]
			break
		}
	}
	path, err := match.ParsePath(name)
	if err != nil {
		b.Fatal(err)
	}
	key, err := match.ParseKey(path, value, match.ParseOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return match.Combine([]match.Key{key})
}
