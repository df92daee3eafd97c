package storetest

import (
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// testEntries checks what lies below a Ref.
func testEntries(t *testing.T, o OpenIndex) {
	x, want := open(t, o), memstore.NewIndex()
	all := entries(t, 11, 80)
	insert(t, x, all...)
	insert(t, want, all...)
	e := all[17].Ref
	for _, r := range []dicom.Ref{
		{}, {Study: e.Study}, {Study: e.Study, Series: e.Series}, e, {Instance: e.Instance},
		{Series: e.Series}, {Study: e.Study, Instance: e.Instance},
		{Study: "1.2.3"}, {Study: e.Study, Series: "1.2.3"}, {Study: e.Study, Series: e.Series, Instance: "1.2.3"},
		{Study: "1.2.3", Series: e.Series, Instance: e.Instance},
	} {
		wanted := refs(collect(t, want.Entries(t.Context(), r)))
		if got := refs(collect(t, x.Entries(t.Context(), r))); !slices.Equal(got, wanted) {
			t.Errorf("entries below %+v:\n got %v\nwant %v", r, got, wanted)
		}
		var metadata []dicom.Ref
		for _, m := range collect(t, x.Metadata(t.Context(), r)) {
			metadata = append(metadata, m.Ref)
		}
		if !slices.Equal(metadata, wanted) {
			t.Errorf("metadata below %+v:\n got %v\nwant %v", r, metadata, wanted)
		}
	}
}

// testOrder checks the order of results on cases worked out by hand.
func testOrder(t *testing.T, o OpenIndex) {
	x := open(t, o)
	type instance struct{ study, date, time, series, seriesNumber, uid, number string }
	for _, in := range slices.Backward([]instance{
		{"1.9", "20240102", "1000", "1.9.1", "1", "1.9.1.1", "1"}, // the newest first
		{"1.1", "20240101", "1000", "1.1.2", "2", "1.1.2.8", "9"}, // series and instances as numbers, not as texts
		{"1.1", "20240101", "1000", "1.1.2", "2", "1.1.2.7", "10"},
		{"1.1", "20240101", "1000", "1.1.1", "10", "1.1.1.3", "-1"},
		{"1.1", "20240101", "1000", "1.1.1", "10", "1.1.1.1", " 2 "}, // equal numbers: by UID
		{"1.1", "20240101", "1000", "1.1.1", "10", "1.1.1.2", "+2"},
		{"1.1", "20240101", "1000", "1.1.1", "10", "1.1.1.0", ""}, // no number: last
		{"1.1", "20240101", "1000", "1.1.3", "", "1.1.3.1", "1"},
		{"1.2", "20240101", "10:00:00", "1.2.1", "1", "1.2.1.1", "1"}, // the same moment: by UID
		{"1.3", "20240101", "095959.999999", "1.3.1", "1", "1.3.1.1", "1"},
		{"1.4", "20240101", "", "1.4.1", "1", "1.4.1.1", "1"},
		{"1.5", "1999.12.31", "1000", "1.5.1", "1", "1.5.1.1", "1"}, // the old form of dates
		{"1.6", "", "1000", "1.6.1", "1", "1.6.1.1", "1"},           // no date: last
	}) {
		ds := &dicom.DataSet{}
		ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
		ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, in.uid)
		ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, in.study)
		ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, in.series)
		ds.SetStrings(dicom.StudyDate, dicom.DA, in.date)
		ds.SetStrings(dicom.StudyTime, dicom.TM, in.time)
		ds.SetStrings(dicom.SeriesNumber, dicom.IS, in.seriesNumber)
		ds.SetStrings(dicom.InstanceNumber, dicom.IS, in.number)
		insert(t, x, entryOf(t, ds, ""))
	}
	want := map[match.Level][]string{
		match.Study:  {"1.9", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6"},
		match.Series: {"1.9.1", "1.1.2", "1.1.1", "1.1.3", "1.2.1", "1.3.1", "1.4.1", "1.5.1", "1.6.1"},
		match.Instance: {
			"1.9.1.1", "1.1.2.8", "1.1.2.7", "1.1.1.3", "1.1.1.1", "1.1.1.2", "1.1.1.0", "1.1.3.1", "1.2.1.1", "1.3.1.1", "1.4.1.1",
			"1.5.1.1", "1.6.1.1",
		},
	}
	for level, want := range want {
		if got := uids(t, x, match.Query{Level: level, Limit: -1}); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", level, got, want)
		}
	}
	var got []string
	for _, r := range refs(collect(t, x.Entries(t.Context(), dicom.Ref{}))) {
		got = append(got, string(r.Instance))
	}
	if !slices.Equal(got, want[match.Instance]) {
		t.Errorf("Entries: got %v, want %v", got, want[match.Instance])
	}
}

// uids are the unique keys of the results.
func uids(t *testing.T, x store.Index, q match.Query) []string {
	t.Helper()
	var uids []string
	for _, ds := range collect(t, x.Search(t.Context(), q)) {
		uids = append(uids, uidAt(q.Level, ds))
	}
	return uids
}

func uidAt(l match.Level, ds *dicom.DataSet) string {
	return ds.String([...]dicom.Tag{dicom.StudyInstanceUID, dicom.SeriesInstanceUID, dicom.SOPInstanceUID}[l])
}

// testSearch compares random searches in random data with the oracle.
func testSearch(t *testing.T, o OpenIndex) {
	const instances, queries = 150, 400
	x, oracle := open(t, o), memstore.NewIndex()
	g := matchtest.New(12)
	for i := range instances {
		g.Disagree = i%2 == 0
		e := entryOf(t, instanceOf(g, i), "")
		insert(t, x, e)
		insert(t, oracle, e)
	}
	hits := 0
	for i := range queries {
		q := g.Query(match.Level(i % 3))
		q.Limit = -1
		if q.Parts = q.Level; i%5 == 0 { // found by parts
			q.Level = match.Level(i / 5 % (int(q.Parts) + 1))
		}
		if i%4 == 0 {
			q.Offset, q.Limit = i%3, 1+i%5
		}
		if i%10 == 0 {
			e := collect(t, oracle.Entries(t.Context(), dicom.Ref{}))[i%instances]
			q.Scope.Study = e.Ref.Study
			if i%20 == 0 && q.Level > match.Study {
				q.Scope.Series = e.Ref.Series
			}
		}
		q.IncludeAll = i%7 == 0
		want := collect(t, oracle.Search(t.Context(), q))
		got := collect(t, x.Search(t.Context(), q))
		hits += len(want)
		if n, err := x.Count(t.Context(), q); err != nil || n < len(want) || q.Limit < 0 && q.Offset == 0 && n != len(want) {
			t.Errorf("query %d: counted %d (%v), found %d", i, n, err, len(want))
		}
		equal(t, results(t, q, got), results(t, q, want))
	}
	if hits < queries {
		t.Errorf("only %d results in all: the queries prove little", hits)
	}
}

// results are what the answer to the query says of each match.
func results(t *testing.T, q match.Query, found []*dicom.DataSet) []string {
	t.Helper()
	var lines []string
	for _, ds := range found {
		text, err := q.Project(ds).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	return lines
}

// testPage checks that pages of any size put together are the whole.
func testPage(t *testing.T, o OpenIndex) {
	x := open(t, o)
	insert(t, x, entries(t, 13, 90)...)
	all := []match.Key{{Path: match.Path{dicom.PatientName}, Condition: match.Wildcard{Pattern: "*"}}}
	some := []match.Key{{Path: match.Path{dicom.InstitutionName}, Condition: match.Empty{}}} // only the oracle can answer it
	for _, keys := range [][]match.Key{nil, all, some} {
		for level := match.Study; level <= match.Instance; level++ {
			want := uids(t, x, match.Query{Level: level, Keys: keys, Limit: -1})
			for _, size := range []int{1, 2, 7, 1000} {
				var got []string
				for offset := 0; offset <= len(want); offset += size {
					got = append(got, uids(t, x, match.Query{Level: level, Keys: keys, Offset: offset, Limit: size})...)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%v in pages of %d:\n got %v\nwant %v", level, size, got, want)
				}
			}
			if got := uids(t, x, match.Query{Level: level, Keys: keys, Offset: 2, Limit: -1}); !slices.Equal(got, want[min(2, len(want)):]) {
				t.Errorf("%v from the third on: %v", level, got)
			}
			if got := walk(t, x, match.Query{Level: level, Keys: keys, Limit: 3}); !slices.Equal(got, want) {
				t.Errorf("%v, each page behind the last:\n got %v\nwant %v", level, got, want)
			}
			if got := uids(t, x, match.Query{Level: level, Keys: keys}); len(got) != 0 {
				t.Errorf("%v: a limit of 0 gives %v", level, got)
			}
		}
	}
}

// walk reads all results in pages, each of which begins behind the last result of the one before.
func walk(t *testing.T, x store.Index, q match.Query) []string {
	t.Helper()
	var all []string
	for left := -1; ; {
		if q.After != nil {
			n, err := x.Count(t.Context(), q)
			if err != nil || left >= 0 && n != left {
				t.Errorf("%d behind %+v, %v; want %d", n, *q.After, err, left)
			}
			left = n
		}
		page := 0
		for ds, err := range x.Search(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			at := store.PositionOf(q.Level, ds)
			if q.After != nil && at.Compare(*q.After) <= 0 {
				t.Fatalf("%+v does not come behind %+v", at, *q.After)
			}
			if again, err := match.ParsePosition(q.Level, at.Key(q.Level)); err != nil || again != at {
				t.Fatalf("%+v is written %q and read as %+v, %v", at, at.Key(q.Level), again, err)
			}
			q.After = &at
			all = append(all, uidAt(q.Level, ds))
			page++
			left = max(left-1, -1)
		}
		if page == 0 {
			return all
		}
	}
}

// testWhileIterated checks that the consumer of an iterator may take its time, ask other things, and store.
func testWhileIterated(t *testing.T, o OpenIndex) {
	x := open(t, o)
	all := entries(t, 14, 200)
	insert(t, x, all[:150]...)
	n := 0
	var nested func(depth int)
	nested = func(depth int) { // more levels than any pool has connections
		for _, err := range x.Entries(t.Context(), dicom.Ref{}) {
			if err != nil {
				t.Fatal(err)
			}
			if depth < 40 {
				nested(depth + 1)
			}
			break
		}
	}
	for range collectOne(t, x, all[150:]) {
		n++
	}
	if n != 150 {
		t.Errorf("%d entries, want those of the beginning: 150", n)
	}
	nested(0)
}

// collectOne yields the entries of x and inserts one of more after each.
func collectOne(t *testing.T, x store.Index, more []*store.Entry) func(func(*store.Entry) bool) {
	return func(yield func(*store.Entry) bool) {
		i := 0
		for e, err := range x.Entries(t.Context(), dicom.Ref{}) {
			if err != nil {
				t.Fatal(err)
			}
			if i < len(more) {
				insert(t, x, more[i])
				i++
			}
			if !yield(e) {
				return
			}
		}
	}
}
