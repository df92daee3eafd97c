package worklisttest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/worklist"
	"github.com/noctis-dicom/noctis/worklist/memlist"
)

func found(t *testing.T, r worklist.Repository, q match.Query) []dicom.UID {
	t.Helper()
	var all []dicom.UID
	for w, err := range r.Search(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w.UID())
	}
	return all
}

// testSearch compares what random queries find with what the reference finds.
func testSearch(t *testing.T, o Open) {
	oracle := worklist.New(memlist.New())
	l := service(t, o)
	r := rand.New(rand.NewPCG(6, 11))
	for i := range 120 {
		uid := dicom.UID(fmt.Sprintf("1.2.%d", i))
		ds := random(r, i)
		for _, on := range []*worklist.List{l, oracle} {
			on.Now = now
			if _, _, err := on.Create(t.Context(), ds, uid); err != nil {
				t.Fatal(err)
			}
			if i%3 == 0 {
				if _, err := on.ChangeState(t.Context(), uid, worklist.InProgress, "1.2.3"); err != nil {
					t.Fatal(err)
				}
			}
			if i%6 == 0 {
				if _, err := on.Update(t.Context(), uid, performed(), "1.2.3"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	forms := map[string][]string{
		"ProcedureStepState": {"SCHEDULED", "IN PROGRESS", "in progress", "*"}, "ScheduledProcedureStepPriority": {"HIGH", "L*", ""},
		"WorklistLabel":                       {"CT", "ct", "H*", "*e*"},
		"ScheduledProcedureStepStartDateTime": {"20240101", "20240102-20240201", "-20240102101530", "202403-", "20240102101530+0100", "2024"},
		"PatientName":                         {"DOE*", "doe^jane", "*j*", "山*", "Müller^Jörg"}, "PatientID": {"P1", "P?", "X 3"},
		"AccessionNumber": {"A1", "A*"}, "StudyDate": {"20240101-20240131", "20240215"}, "InstitutionName": {"North", "south*", "South*"},
		"ModalitiesInStudy": {"CT", "CT,MR", "SR"}, "ReferencedRequestSequence.AccessionNumber": {"A1", "*2"},
		"ReferencedRequestSequence.StudyInstanceUID": {"1.2.3.4", "1.2.3.4,1.2.3.5"}, "ProcedureStepLabel": {"Read*", "x"},
		"SOPInstanceUID": {"1.2.7", "1.2.7,1.2.8"},
		"UnifiedProcedureStepPerformedProcedureSequence.ActualHumanPerformersSequence.HumanPerformerName": {"READER*", "nobody"},
	}
	var names []string
	for name := range forms {
		names = append(names, name)
	}
	slices.Sort(names)
	hits := 0
	for range 600 {
		var pairs []string
		for _, i := range r.Perm(len(names))[:r.IntN(4)] {
			pairs = append(pairs, names[i], forms[names[i]][r.IntN(len(forms[names[i]]))])
		}
		q := match.Query{Keys: keysOf(t, pairs...), Fuzzy: r.IntN(4) == 0, Limit: []int{-1, -1, 5, 0}[r.IntN(4)], Offset: []int{0, 0, 3}[r.IntN(3)]}
		if r.IntN(2) == 0 {
			q.Order = []match.Order{{Tag: dicom.ScheduledProcedureStepModificationDateTime, Descending: r.IntN(2) == 0}}
		}
		want, got := found(t, oracle, q), found(t, l, q)
		if !slices.Equal(got, want) {
			t.Errorf("%q %+v:\n got %v\nwant %v", pairs, q, got, want)
		}
		hits += len(want)
		total, _ := oracle.Count(t.Context(), q, -1)
		if n, err := l.Count(t.Context(), q, -1); err != nil || n != total {
			t.Errorf("%q: Count %d, %v; want %d", pairs, n, err, total)
		}
		if n, err := l.Count(t.Context(), q, 4); err != nil || n < min(total, 5) || n > total {
			t.Errorf("%q: Count up to 4 is %d, %v of %d", pairs, n, err, total)
		}
	}
	if hits < 1000 {
		t.Errorf("only %d results: the test shows little", hits)
	}
}

func testOrder(t *testing.T, o Open) {
	l := service(t, o)
	for i, start := range []string{"20240103", "20240101", "20240102", "20240101"} {
		create(t, l, dicom.UID(fmt.Sprintf("1.2.%d", i)), map[string]string{"ScheduledProcedureStepStartDateTime": start})
	}
	if got := found(t, l, match.Query{Limit: -1}); !slices.Equal(got, []dicom.UID{"1.2.1", "1.2.3", "1.2.2", "1.2.0"}) {
		t.Errorf("%v", got)
	}
	latest := match.Query{Limit: 2, Order: []match.Order{{Tag: dicom.PatientID}, {Tag: dicom.ScheduledProcedureStepStartDateTime, Descending: true}}}
	if got := found(t, l, latest); !slices.Equal(got, []dicom.UID{"1.2.0", "1.2.2"}) {
		t.Errorf("%v", got)
	}
}

// testMany: what very many workitems have is found as well as what few have, alone and together.
func testMany(t *testing.T, o Open) {
	oracle := worklist.New(memlist.New())
	l := service(t, o)
	for i := range 620 {
		attributes := map[string]string{"PatientID": "P1", "AccessionNumber": "A1", "ScheduledProcedureStepStartDateTime": fmt.Sprint(20240101 + i*7%28)}
		if i%200 == 0 {
			attributes["AccessionNumber"] = "A2"
		}
		for _, on := range []*worklist.List{l, oracle} {
			create(t, on, dicom.UID(fmt.Sprintf("1.2.%d", i)), attributes)
		}
	}
	for _, pairs := range [][]string{
		{"PatientID", "P1"}, {"PatientID", "P1", "AccessionNumber", "A1"}, {"PatientID", "P1", "AccessionNumber", "A2"}, {"PatientID", "P?", "AccessionNumber", "A*"},
		{"PatientID", "P1", "ScheduledProcedureStepStartDateTime", "20240105-20240106"}, {"PatientName", "DOE*"},
	} {
		for _, q := range []match.Query{{Limit: -1}, {Limit: 10, Offset: 300}, {Limit: 3}} {
			q.Keys = keysOf(t, pairs...)
			if want, got := found(t, oracle, q), found(t, l, q); !slices.Equal(got, want) {
				t.Errorf("%q %+v:\n got %v\nwant %v", pairs, q, got, want)
			}
		}
		q := match.Query{Keys: keysOf(t, pairs...)}
		want, _ := oracle.Count(t.Context(), q, -1)
		if n, err := l.Count(t.Context(), q, -1); err != nil || n != want {
			t.Errorf("%q: Count %d, %v; want %d", pairs, n, err, want)
		}
	}
}
