package matchtest_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
)

// The generator is worth something only if its queries use every matching type and find some of the instances, but not all.
func TestQueriesAreVaried(t *testing.T) {
	const rounds = 600
	g := matchtest.New(1)
	g.Disagree = true
	var instances []*dicom.DataSet
	for range 200 {
		instances = append(instances, g.Instance())
	}
	types := map[string]int{}
	some := 0
	for i := range rounds {
		q := g.Query(match.Level(i % 3))
		count(types, q.Keys)
		found := 0
		for _, ds := range instances {
			if q.Match(ds) {
				found++
			}
		}
		if found > 0 && found < len(instances) {
			some++
		}
	}
	for _, want := range []string{
		"Universal", "Single", "UIDList", "Wildcard", "Range", "DateTimeRange", "Sequence", "Empty", "Multiple", "AnyOf",
	} {
		if types["match."+want] == 0 {
			t.Errorf("no query of type %s", want)
		}
	}
	if some < rounds/5 {
		t.Errorf("%d of %d queries found some instances, but not all", some, rounds)
	}
	t.Log(types, some)
}

func count(types map[string]int, keys []match.Key) {
	for _, k := range keys {
		types[fmt.Sprintf("%T", k.Condition)]++
		if c, ok := k.Condition.(match.Sequence); ok {
			count(types, c.Keys)
		}
	}
}

func TestSameSeedSameData(t *testing.T) {
	a, b := matchtest.New(7), matchtest.New(7)
	for i := range 50 {
		if x, y := a.Instance(), b.Instance(); !reflect.DeepEqual(x, y) {
			t.Fatalf("instance %d differs", i)
		}
		if x, y := a.Query(match.Instance), b.Query(match.Instance); !reflect.DeepEqual(x, y) {
			t.Fatalf("query %d differs:\n%v\n%v", i, x, y)
		}
	}
}

// Instances of a study agree on what is of the study, those of a series on what is of the series.
func TestConsistent(t *testing.T) {
	g := matchtest.New(3)
	type place struct {
		uid dicom.UID
		tag dicom.Tag
	}
	seen := map[place]string{}
	for range 300 {
		ds := g.Instance()
		for e := range ds.All() {
			uid := ds.UID(dicom.StudyInstanceUID)
			switch match.LevelOf(e.Tag) {
			case match.Instance:
				continue
			case match.Series:
				uid = ds.UID(dicom.SeriesInstanceUID)
			}
			value := fmt.Sprintf("%T%v", e.Value, e.Value)
			if e.VR == dicom.SQ {
				value = fmt.Sprint(len(ds.Items(e.Tag)))
			}
			p := place{uid, e.Tag}
			if was, ok := seen[p]; ok && was != value {
				t.Errorf("%s of %s: %s and %s", e.Tag, uid, was, value)
			}
			seen[p] = value
		}
	}
}

func TestManySeedsParse(t *testing.T) {
	for seed := range uint64(200) {
		g := matchtest.New(seed)
		ds := g.Instance()
		for i := range 30 {
			q := g.Query(match.Level(i % 3))
			q.Match(ds)
		}
	}
}
