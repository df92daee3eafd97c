package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

var (
	heldBy      = []string{"P1", "P2 ", "", "P*", `P1\P2`}
	issuedBy    = []string{"", "A", "B"}
	madeAt      = []string{"North", "South", "", "north"}
	referredBy  = []string{"Doe^John", "", "DOE^JOHN^", "Yamada^Tarou=山田^太郎", "Roe^Jane"}
	limitValues = []string{"P1", "P2", "P1^^^A", "P*", "", "North", "South", "doe^john", "山田^太郎", "nobody"}
)

// held makes an instance that names somebody.
func held(r *rand.Rand, study, instance string) *dicom.DataSet {
	ds := instanceIn(study, instance)
	pick := func(of []string) string { return of[r.IntN(len(of))*r.IntN(2)] } // most often the first
	ds.SetStrings(dicom.PatientID, dicom.LO, pick(heldBy))
	ds.SetStrings(dicom.IssuerOfPatientID, dicom.LO, pick(issuedBy))
	ds.SetStrings(dicom.InstitutionName, dicom.LO, pick(madeAt))
	ds.SetStrings(dicom.ReferringPhysicianName, dicom.PN, pick(referredBy))
	return ds
}

func instanceIn(study, uid string) *dicom.DataSet {
	return instance(study, study+".1", uid, "")
}

// limit makes limits.
func limit(r *rand.Rand, studies []dicom.UID) match.Limits {
	var l match.Limits
	values := func() []string {
		if r.IntN(3) > 0 {
			return nil
		}
		var all []string
		for range 1 + r.IntN(6) {
			all = append(all, limitValues[r.IntN(len(limitValues))])
		}
		return all
	}
	l.Patients, l.Facilities, l.Physicians = values(), values(), values()
	if r.IntN(4) == 0 {
		for range 1 + r.IntN(10) {
			l.Studies = append(l.Studies, studies[r.IntN(len(studies))])
		}
	}
	return l
}

// testLimits compares what is seen within random limits with the reference, while instances come and go.
func testLimits(t *testing.T, o OpenIndex) {
	x, oracle := open(t, o), memstore.NewIndex()
	r := rand.New(rand.NewPCG(25, 1))
	var all []*store.Entry
	var studies []dicom.UID
	for i := range 60 {
		study := fmt.Sprintf("1.2.%d", i)
		studies = append(studies, dicom.UID(study))
		for j := range 1 + r.IntN(4) {
			all = append(all, entryOf(t, held(r, study, fmt.Sprintf("%s.1.%d", study, j)), ""))
		}
	}
	insert(t, x, all...)
	insert(t, oracle, all...)
	seen := 0
	for range 12 {
		for range 6 {
			seen += sameWithin(t, x, oracle, limit(r, studies), studies[r.IntN(len(studies))])
		}
		gone := all[r.IntN(len(all))]
		for _, index := range []store.Index{x, oracle} {
			if err := index.Remove(t.Context(), []*store.Removed{{Entry: gone, Kind: store.Deleted}}); err != nil {
				t.Fatal(err)
			}
		}
		back := *all[r.IntN(len(all))]
		back.DataSet = held(r, string(back.Ref.Study), string(back.Ref.Instance))
		other := entryOf(t, back.DataSet, "anew")
		other.Replace = true
		insert(t, x, other)
		insert(t, oracle, other)
	}
	if seen == 0 {
		t.Error("nothing was ever seen")
	}
}

// sameWithin compares all that an index answers within limits; it returns how much the limits let be seen.
func sameWithin(t *testing.T, x, oracle store.Index, l match.Limits, study dicom.UID) int {
	t.Helper()
	ctx := match.Within(t.Context(), l)
	some := match.Key{Path: match.Path{dicom.PatientID}, Condition: match.Wildcard{Pattern: "P*"}}
	late := match.Key{Path: match.Path{dicom.ReferringPhysicianName}, Condition: match.Single{Value: "doe^john"}}
	lately := match.Key{Path: match.Path{dicom.StudyDate}, Condition: match.Range{Low: "20200103", High: "20200120"}}
	ct := match.Key{Path: match.Path{dicom.ModalitiesInStudy}, Condition: match.Single{Value: "CT"}}
	either := match.Key{Path: match.Path{dicom.ModalitiesInStudy}, Condition: match.AnyOf{Conditions: []match.Condition{ct.Condition, match.Single{Value: "MR"}}}}
	rare := match.Key{Path: match.Path{dicom.ReferringPhysicianName}, Condition: match.Single{Value: "roe^jane"}}
	part := match.Key{Path: match.Path{dicom.ReferringPhysicianName}, Condition: match.Wildcard{Pattern: "*OE^J*"}}
	second := match.Key{Path: match.Path{dicom.PatientID}, Condition: match.Single{Value: "P2"}}
	named := match.Key{Path: match.Path{dicom.StudyInstanceUID}, Condition: match.UIDList{UIDs: []dicom.UID{study, "1.2.3", "1.2.4", "1.2.5"}}}
	seen := 0
	for level := match.Study; level <= match.Instance; level++ {
		for i, q := range []match.Query{
			{Limit: -1}, {Limit: 3}, {Offset: 2, Limit: 5}, {Limit: -1, Scope: dicom.Ref{Study: study}}, {Limit: -1, Keys: []match.Key{some}},
			{Limit: 4, Keys: []match.Key{late}}, {Limit: -1, Keys: []match.Key{late}, Fuzzy: true},
			{Limit: 7, Keys: []match.Key{lately}}, {Limit: -1, Keys: []match.Key{lately}}, {Limit: 2, Offset: 600, Keys: []match.Key{lately}}, {Limit: 7, Keys: []match.Key{ct}},
			{Limit: 600, Keys: []match.Key{ct, lately}}, {Limit: 7, Keys: []match.Key{either}}, {Limit: 5, Keys: []match.Key{some, lately}},
			{Limit: 9, Keys: []match.Key{rare}}, {Limit: -1, Keys: []match.Key{rare, some, either}}, {Limit: -1, Keys: []match.Key{part, second}}, {Limit: 4, Keys: []match.Key{second}},
			{Limit: -1, Keys: []match.Key{named}}, {Limit: 2, Keys: []match.Key{named, some}},
		} {
			q.Level = level
			q.Parts = match.Level(i % 3)
			want, got := uidsWithin(ctx, t, oracle, q), uidsWithin(ctx, t, x, q)
			if seen += len(want); !slices.Equal(got, want) {
				t.Errorf("%v %+v within %+v:\n got %v\nwant %v", level, q, l, got, want)
			}
			count, _ := oracle.Count(ctx, q)
			if n, err := x.Count(ctx, q); err != nil || n != count {
				t.Errorf("%v %+v within %+v: Count says %d, %v; want %d", level, q, l, n, err, count)
			}
		}
	}
	for _, ref := range []dicom.Ref{{}, {Study: study}, {Study: study, Series: study + ".1"}, {Instance: study + ".1.0"}} {
		want := refs(collect(t, oracle.Entries(ctx, ref)))
		if got := refs(collect(t, x.Entries(ctx, ref))); !slices.Equal(got, want) {
			t.Errorf("entries below %+v within %+v:\n got %v\nwant %v", ref, l, got, want)
		}
		n := 0
		for range collect(t, x.Metadata(ctx, ref)) {
			n++
		}
		if n != len(want) {
			t.Errorf("metadata below %+v within %+v: %d, want %d", ref, l, n, len(want))
		}
	}
	return seen
}

func uidsWithin(ctx context.Context, t *testing.T, x store.Index, q match.Query) []string {
	t.Helper()
	var uids []string
	for ds, err := range x.Search(ctx, q) {
		if err != nil {
			t.Fatal(err)
		}
		r := ds.Ref()
		uids = append(uids, string(r.Study)+"/"+string(r.Series)+"/"+string(r.Instance))
	}
	return uids
}

// testManyWithin is testLimits where many studies satisfy a limit, which an index may look for in another way.
func testManyWithin(t *testing.T, o OpenIndex) {
	x, oracle := open(t, o), memstore.NewIndex()
	r := rand.New(rand.NewPCG(25, 2))
	var all []*store.Entry
	dated := func(study, instance string) *dicom.DataSet {
		ds := held(r, study, instance)
		ds.SetStrings(dicom.Modality, dicom.CS, []string{"CT", "MR", "US", "CTX"}[r.IntN(4)])
		if day := r.IntN(40); day > 0 && study < "1.2.6" { // the others have none, and are all of one day
			ds.SetStrings(dicom.StudyDate, dicom.DA, fmt.Sprintf("202001%02d", day))
			ds.SetStrings(dicom.StudyTime, dicom.TM, fmt.Sprintf("%02d", r.IntN(24)))
		}
		return ds
	}
	for i := range 1400 {
		study := fmt.Sprintf("1.2.%d", i)
		all = append(all, entryOf(t, dated(study, study+".1.0"), ""))
		if i%7 == 0 {
			all = append(all, entryOf(t, dated(study, study+".1.1"), ""))
		}
	}
	insert(t, x, all...)
	insert(t, oracle, all...)
	for range 2 {
		for _, l := range []match.Limits{
			{Patients: []string{"P1"}, Facilities: []string{"North"}}, {Physicians: []string{"Doe^John", "roe^jane"}}, {Facilities: []string{"North"}}, {Patients: []string{"P1"}},
			{Patients: []string{"P2"}}, {Patients: []string{"P2", "P1^^^A"}}, {Patients: []string{"P2"}, Facilities: []string{"North", "South"}},
		} {
			sameWithin(t, x, oracle, l, "1.2.7")
		}
		for i := range 50 { // some become others, of another day and modality
			one := *all[r.IntN(len(all))]
			one.DataSet = dated(string(one.Ref.Study), string(one.Ref.Instance))
			other := entryOf(t, one.DataSet, fmt.Sprint("anew", i))
			other.Replace = true
			insert(t, x, other)
			insert(t, oracle, other)
		}
	}
	long := make([]string, 2000, 2001)
	for i := range long {
		long[i] = fmt.Sprint("Z", i)
	}
	for _, l := range []match.Limits{{Patients: long}, {Patients: append(long, "P1")}} {
		ctx := match.Within(t.Context(), l)
		q := match.Query{Limit: -1}
		if want, got := uidsWithin(ctx, t, oracle, q), uidsWithin(ctx, t, x, q); !slices.Equal(got, want) {
			t.Errorf("%d patients: got %d, want %d", len(l.Patients), len(got), len(want))
		}
	}
}
