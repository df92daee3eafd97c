package audit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// begun begins a trail whose clock stands still.
func begun(t *testing.T, data string, o Options) (*Trail, *time.Time) {
	t.Helper()
	o.Log = quiet
	trail, err := Begin(data, "test", o)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	trail.now = func() time.Time { return clock }
	return trail, &clock
}

func all(t *testing.T, data string, f Filter) (found []Record) {
	t.Helper()
	for r, err := range Search(data, f) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, r)
	}
	return found
}

func TestReadsOfAStudyBecomeOneEvent(t *testing.T) {
	data := t.TempDir()
	trail, clock := begun(t, data, Options{Gather: 10 * time.Second})
	asked := 0
	read := func(who, study string, i int) {
		t.Helper()
		e := Event{Time: *clock, Kind: Retrieve, Route: "frames", Actor: Actor{Who: who, Client: fmt.Sprint("10.0.0.1:", 1000+i)},
			Subject: Subject{Study: study, Instances: []string{fmt.Sprint("1.2.", i)}}}
		if err := trail.Gather(e, func(e *Event) { asked++; e.Patient = "P1" }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1500 {
		read("doe", "1.2", i)
	}
	read("doe", "1.3", 0)
	read("roe", "1.2", 0)
	if got := len(all(t, data, Filter{Kinds: []Kind{Retrieve}})); got != 3 || asked != 3 {
		t.Errorf("%d events at once, %d asked for their patient", got, asked)
	}
	*clock = clock.Add(11 * time.Second)
	read("doe", "1.2", 7) // begins anew
	found := all(t, data, Filter{Who: "doe", Study: "1.2"})
	if len(found) != 3 {
		t.Fatalf("%d events", len(found))
	}
	sum := found[1]
	if sum.Count != 1499 || len(sum.Instances) != Named || sum.Number != 1499 || sum.Routes["frames"] != 1499 || sum.Patient != "P1" || found[2].Count != 0 {
		t.Errorf("%d requests, %d instances of %d, %v", sum.Count, len(sum.Instances), sum.Number, sum.Routes)
	}
	read("doe", "1.2", 8)
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	if found := all(t, data, Filter{Instance: "1.2.8"}); len(found) != 2 || found[1].Count != 1 {
		t.Errorf("the end leaves %v", found)
	}
}

func TestWithoutGatheringEachReadIsAnEvent(t *testing.T) {
	data := t.TempDir()
	trail, _ := begun(t, data, Options{})
	for range 3 {
		if err := trail.Gather(event(1), func(*Event) {}); err != nil {
			t.Fatal(err)
		}
	}
	trail.Close()
	if got := len(all(t, data, Filter{Kinds: []Kind{Retrieve}})); got != 3 {
		t.Errorf("%d events", got)
	}
}

func TestNoReadIsAnsweredBeforeTheFirstIsRecorded(t *testing.T) {
	data := t.TempDir()
	trail, _ := begun(t, data, Options{Gather: time.Hour})
	var readers sync.WaitGroup
	for range 20 {
		readers.Go(func() {
			if err := trail.Gather(event(1), func(*Event) {}); err != nil {
				t.Error(err)
			}
			if r, err := Latest(data, Filter{Kinds: []Kind{Retrieve}}, 1); err != nil || len(r) != 1 {
				t.Errorf("answered, and recorded is %v, %v", r, err)
			}
		})
	}
	readers.Wait()
	trail.Close()
	found := all(t, data, Filter{Kinds: []Kind{Retrieve}})
	if len(found) != 2 || found[1].Count != 19 {
		t.Errorf("recorded are %+v", found)
	}
}

// breakLog lets nothing be written any more; mend lets it again.
func breakLog(t *testing.T, trail *Trail) (mend func()) {
	t.Helper()
	whole := trail.lines.tail.file
	readOnly, err := os.Open(whole.Name())
	if err != nil {
		t.Fatal(err)
	}
	trail.lines.tail.file = readOnly
	return func() { readOnly.Close(); trail.lines.tail.file = whole }
}

func TestAccessThatCannotBeRecordedIsRefused(t *testing.T) {
	data := t.TempDir()
	trail, _ := begun(t, data, Options{Gather: time.Hour})
	mend := breakLog(t, trail)
	if err := trail.Gather(event(1), func(*Event) {}); !errors.Is(err, ErrUnwritable) {
		t.Errorf("got %v", err)
	}
	if err := trail.Gather(event(1), func(*Event) {}); !errors.Is(err, ErrUnwritable) {
		t.Errorf("the next one: %v", err)
	}
	if err := trail.Ready(); !errors.Is(err, ErrUnwritable) {
		t.Errorf("ready: %v", err)
	}
	mend()
	if err := trail.Ready(); err != nil {
		t.Errorf("ready again: %v", err)
	}
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	told := all(t, data, Filter{Kinds: []Kind{Interrupt}})
	if len(told) != 1 || !strings.Contains(told[0].Detail, "2 events") || !strings.Contains(told[0].Detail, "refused") {
		t.Errorf("told is %+v", told)
	}
	if v := verified(t, data); len(v.Damages) != 0 {
		t.Errorf("%v", v.Damages)
	}
}

func TestAccessesGoOnWhereThatIsWanted(t *testing.T) {
	data := t.TempDir()
	trail, _ := begun(t, data, Options{GoOn: true})
	mend := breakLog(t, trail)
	for range 3 {
		if err := trail.Record(event(1)); err != nil {
			t.Errorf("got %v", err)
		}
	}
	if err := trail.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	mend()
	trail.Close()
	if told := all(t, data, Filter{Kinds: []Kind{Interrupt}}); len(told) != 1 || !strings.Contains(told[0].Detail, "3 events") {
		t.Errorf("told is %+v", told)
	}
}

func TestFilters(t *testing.T) {
	data := t.TempDir()
	l := opened(t, data)
	l.segment = 1000
	for i := range 20 {
		e := event(i)
		if i%2 == 1 {
			e.Kind, e.Outcome, e.Who, e.Client = Query, Minor, "", "10.0.0.7:99"
		}
		if err := l.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	at := func(s int) time.Time { return time.Date(2026, 1, 2, 3, 4, s, 0, time.UTC) }
	for _, c := range []struct {
		name string
		f    Filter
		want []uint64
	}{
		{"a patient", Filter{Patient: "P3"}, []uint64{4}},
		{"a patient that is part of another", Filter{Patient: "P1"}, []uint64{2}},
		{"who, and when", Filter{Who: "doe", Since: at(4), Until: at(8)}, []uint64{5, 7}},
		{"nobody", Filter{Who: "-", Before: 5}, []uint64{2, 4}},
		{"address", Filter{Client: "10.0.0.7", After: 16}, []uint64{18, 20}},
		{"failed", Filter{Failed: true, After: 17}, []uint64{18, 20}},
		{"outcome", Filter{Outcomes: []Outcome{Success}, Before: 4}, []uint64{1, 3}},
		{"kind", Filter{Kinds: []Kind{Query, Store}, Before: 4}, []uint64{2}},
		{"nothing", Filter{Study: "1.2"}, nil},
		{"between", Filter{After: 9, Before: 12}, []uint64{10, 11}},
	} {
		var got []uint64
		for _, r := range all(t, data, c.f) {
			got = append(got, r.N)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		latest, err := Latest(data, c.f, 3)
		var back []uint64
		for _, r := range latest {
			back = append(back, r.N)
		}
		want := slices.Clone(c.want)
		slices.Reverse(want)
		if want = want[:min(3, len(want))]; err != nil || !slices.Equal(back, want) {
			t.Errorf("%s, from the end: %v, want %v, %v", c.name, back, want, err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	line, _ := appendLine(nil, link{}, []byte(`{"kind":"query"}`))
	f.Add(line[:len(line)-1])
	f.Add([]byte(`{"n":18446744073709551615,"prev":"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseLine(text)
		if err != nil {
			return
		}
		if r, err := l.record(); err == nil && r.N != l.n {
			t.Errorf("line %d says %d", l.n, r.N)
		}
	})
}
