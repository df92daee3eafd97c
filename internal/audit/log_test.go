package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// written makes a log of n events, closed.
func written(t *testing.T, n int) (data string) {
	t.Helper()
	data = t.TempDir()
	l := opened(t, data)
	for i := range n {
		if err := l.Write(event(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return data
}

func event(i int) Event {
	return Event{Time: time.Date(2026, 1, 2, 3, 4, i, 0, time.UTC), Kind: Retrieve, Route: "frames",
		Actor: Actor{Who: "doe"}, Subject: Subject{Patient: fmt.Sprint("P", i), Study: "1.2.3"}}
}

func opened(t *testing.T, data string) *Log {
	t.Helper()
	l, found, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Fatalf("found %v", found)
	}
	return l
}

func verified(t *testing.T, data string, anchors ...Anchor) *Verification {
	t.Helper()
	v, err := Verify(data, anchors...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func onlySegment(t *testing.T, data string) string {
	t.Helper()
	all, err := segmentsOf(data)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return all[0].path
}

// rewrite changes the lines of the only segment.
func rewrite(t *testing.T, data string, change func([]string) []string) {
	t.Helper()
	path := onlySegment(t, data)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	if err := os.WriteFile(path, []byte(strings.Join(change(lines), "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyNamesWhatWasDone(t *testing.T) {
	swap := func(lines []string, a, b int) []string {
		lines[a], lines[b] = lines[b], lines[a]
		return lines
	}
	edit := func(lines []string, i int, old, new string) []string {
		changed := strings.Replace(lines[i], old, new, 1)
		if changed == lines[i] {
			t.Fatalf("%q is not in %s", old, lines[i])
		}
		lines[i] = changed
		return lines
	}
	for _, c := range []struct {
		name   string
		change func([]string) []string
		want   []string
	}{
		{"nothing", func(l []string) []string { return l }, nil},
		{"first removed", func(l []string) []string { return l[1:] }, []string{"removed 1-1"}},
		{"one removed", func(l []string) []string { return slices.Delete(l, 3, 4) }, []string{"removed 4-4"}},
		{"three removed", func(l []string) []string { return slices.Delete(l, 3, 6) }, []string{"removed 4-6"}},
		{"cut off", func(l []string) []string { return l[:7] }, []string{"cut off 8-10"}},
		{"all removed", func([]string) []string { return nil }, []string{"cut off 1-10"}},
		{"first changed", func(l []string) []string { return edit(l, 0, "P0", "P1") }, []string{"changed 1-1"}},
		{"one changed", func(l []string) []string { return edit(l, 4, `"who":"doe"`, `"who":"roe"`) }, []string{"changed 5-5"}},
		{"its hash of the one before changed", func(l []string) []string { return edit(l, 4, l[4][15:25], "0123456789") }, []string{"changed 5-5"}},
		{"last changed", func(l []string) []string { return edit(l, 9, "P9", "P8") }, []string{"changed 10-10"}},
		{"made unreadable", func(l []string) []string { l[4] = "gone\n"; return l }, []string{"changed 5-5"}},
		{"made no event", func(l []string) []string { return edit(l, 4, `"who":"doe"`, `"who":doe`) }, []string{"changed 5-5"}},
		{"two swapped", func(l []string) []string { return swap(l, 3, 4) }, []string{"moved 4-4"}},
		{"last two swapped", func(l []string) []string { return swap(l, 8, 9) }, []string{"moved 9-9"}},
		{"moved to the end", func(l []string) []string { return append(slices.Delete(slices.Clone(l), 2, 3), l[2]) }, []string{"moved 3-3"}},
		{"moved and changed", func(l []string) []string {
			return append(slices.Delete(slices.Clone(l), 2, 3), strings.Replace(l[2], "doe", "roe", 1))
		}, []string{"moved 3-3", "changed 3-3"}},
		{"one doubled", func(l []string) []string { return slices.Insert(l, 4, l[3]) }, []string{"inserted 4-4"}},
		{"one removed, another changed", func(l []string) []string {
			return slices.Delete(edit(l, 7, "P7", "P8"), 2, 3)
		}, []string{"removed 3-3", "changed 8-8"}},
	} {
		data := written(t, 10)
		rewrite(t, data, c.change)
		var got []string
		for _, d := range verified(t, data).Damages {
			got = append(got, fmt.Sprintf("%s %d-%d", d.What, d.First, d.Last))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDamageStaysAfterTheServerGoesOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func([]string) []string
		told   string
		want   string
	}{
		{"cut off", func(l []string) []string { return l[:7] }, "lines 8 to 10 are missing", "removed: lines 8 to 10"},
		{"last changed", func(l []string) []string { l[9] = strings.Replace(l[9], "P9", "P8", 1); return l }, "line 10 was changed", "changed: line 10"},
	} {
		data := written(t, 10)
		rewrite(t, data, c.change)
		l, found, err := Open(data)
		if err != nil || len(found) != 1 || found[0].Kind != Interrupt || !strings.Contains(found[0].Detail, c.told) {
			t.Fatalf("%s: %v, %v", c.name, found, err)
		}
		if err := l.Write(append(found, event(20))...); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		v := verified(t, data)
		if len(v.Damages) != 1 || !strings.HasPrefix(v.Damages[0].String(), c.want) || v.Last != 12 {
			t.Errorf("%s: %v, last %d", c.name, v.Damages, v.Last)
		}
	}
}

func TestTornLineIsNoDamage(t *testing.T) {
	data := written(t, 3)
	f, err := os.OpenFile(onlySegment(t, data), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"n":4,"prev":"ab`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if v := verified(t, data); len(v.Damages) != 0 || len(v.Notes) != 1 || v.Last != 3 {
		t.Errorf("before the start: %+v", v)
	}
	l, found, err := Open(data)
	if err != nil || len(found) != 1 || found[0].Outcome != Success || !strings.Contains(found[0].Detail, "17 bytes") {
		t.Fatalf("%v, %v", found, err)
	}
	if err := l.Write(event(4)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if v := verified(t, data); len(v.Damages)+len(v.Notes) != 0 || v.Last != 4 {
		t.Errorf("after it: %+v", v)
	}
}

func TestLinesBehindTheSealAreKept(t *testing.T) {
	data := t.TempDir()
	l := opened(t, data)
	if err := l.Write(event(1), event(2)); err != nil {
		t.Fatal(err)
	}
	if err := l.close(); err != nil { // as a kill leaves it: nothing is sealed
		t.Fatal(err)
	}
	v := verified(t, data)
	if v.Sealed != 0 || v.Last != 2 || len(v.Damages) != 0 || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "lines 1 to 2 are not sealed") {
		t.Errorf("%+v", v)
	}
	l, found, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.tail.n != 2 || len(found) != 1 || found[0].Outcome != Success || !strings.Contains(found[0].Detail, "lines 1 to 2 were not sealed") {
		t.Errorf("goes on after %d, and tells %v", l.tail.n, found)
	}
}

func TestSealCannotBeForged(t *testing.T) {
	for name, spoil := range map[string]func(data string) error{
		"removed": func(data string) error { return os.Remove(headFile(data)) },
		"of another key": func(data string) error {
			if err := os.Remove(headFile(data)); err != nil {
				return err
			}
			f, err := os.Create(headFile(data))
			if err != nil {
				return err
			}
			defer f.Close()
			return (&head{file: f, key: make([]byte, 32)}).write(link{n: 5})
		},
	} {
		data := written(t, 5)
		if err := spoil(data); err != nil {
			t.Fatal(err)
		}
		if v := verified(t, data); len(v.Damages) != 1 || v.Damages[0].What != "seal" {
			t.Errorf("%s: %v", name, v.Damages)
		}
		l, found, err := Open(data) // which seals it again, and says why
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		if err := errors.Join(l.Write(found[0]), l.Close()); err != nil {
			t.Fatal(err)
		}
		if v := verified(t, data); len(v.Damages) != 0 || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "line 6 says that the seal") {
			t.Errorf("%s, sealed again: %v, %v", name, v.Damages, v.Notes)
		}
	}
}

func TestTornSealLeavesTheOneBefore(t *testing.T) {
	data := t.TempDir()
	l := opened(t, data)
	for i := range 2 {
		if err := l.Write(event(i)); err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	_, at, err := l.head.read()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.head.file.WriteAt(bytes.Repeat([]byte{0}, slotSize), int64(at)*slotSize); err != nil {
		t.Fatal(err)
	}
	if sealed, _, err := l.head.read(); err != nil || sealed.n != 1 {
		t.Errorf("%v, %v", sealed, err)
	}
	l.Close()
}

func TestAnchorsFindWhatALogMadeAnewHides(t *testing.T) {
	data := written(t, 5)
	v := verified(t, data)
	var anchor Anchor
	if err := anchor.UnmarshalText(fmt.Appendf(nil, "%d:%s", v.Last, v.Hash)); err != nil {
		t.Fatal(err)
	}
	if v := verified(t, data, anchor); len(v.Damages) != 0 {
		t.Errorf("%v", v.Damages)
	}
	other := t.TempDir()
	l := opened(t, other)
	for range 5 {
		if err := l.Write(event(0)); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if v := verified(t, other, anchor); len(v.Damages) != 1 || v.Damages[0].First != 5 {
		t.Errorf("%v", v.Damages)
	}
	anchor.N = 9
	if v := verified(t, other, anchor); len(v.Damages) != 1 || v.Damages[0].What != "cut off" {
		t.Errorf("%v", v.Damages)
	}
	for _, wrong := range []string{"", "5", "x:" + v.Hash, "0:" + v.Hash, "5:abc"} {
		if anchor.UnmarshalText([]byte(wrong)) == nil {
			t.Errorf("%q is taken for an anchor", wrong)
		}
	}
}

func TestChainGoesOnInTheNextFile(t *testing.T) {
	data := t.TempDir()
	l := opened(t, data)
	day := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	l.segment, l.now = 700, func() time.Time { return day }
	for i := range 20 {
		if i == 10 {
			day = day.AddDate(0, 0, 1)
		}
		if err := l.Write(event(i)); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	segments, err := segmentsOf(data)
	if err != nil || len(segments) < 5 {
		t.Fatalf("%v, %v", segments, err)
	}
	if v := verified(t, data); v.Last != 20 || v.Lines != 20 || len(v.Damages) != 0 {
		t.Errorf("%+v", v)
	}
	for i, s := range segments[:len(segments)-1] {
		if err := os.Rename(s.path, s.path+".aside"); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("removed: line%s %d", map[bool]string{true: "", false: "s"}[segments[i+1].first == s.first+1], s.first)
		if v := verified(t, data); len(v.Damages) != 1 || !strings.HasPrefix(v.Damages[0].String(), want) {
			t.Errorf("without file %d: %v, want %s", i, v.Damages, want)
		}
		if err := os.Rename(s.path+".aside", s.path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	data := t.TempDir()
	l := opened(t, data)
	l.segment = 5000
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for range 50 {
				if err := l.Write(event(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Go(func() { // another process, and a look from outside
		for i := range 20 {
			if err := Append(data, event(i)); err != nil {
				t.Error(err)
			}
			if v, err := Verify(data); err != nil || len(v.Damages) > 0 {
				t.Errorf("%v, %v", v, err)
			}
			if err := l.Sync(); err != nil {
				t.Error(err)
			}
		}
	})
	writers.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if v := verified(t, data); v.Lines != 420 || v.Last != 420 || v.Sealed != 420 || len(v.Damages) != 0 {
		t.Errorf("%+v", v)
	}
}

func TestFilesAreForNobodyElse(t *testing.T) {
	data := written(t, 1)
	err := filepath.Walk(data, func(path string, info os.FileInfo, err error) error {
		if err == nil && path != data && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileThatGoesWhileTheServerRunsIsSeen(t *testing.T) {
	data := t.TempDir()
	l := opened(t, data)
	if err := l.Write(event(1), event(2)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(onlySegment(t, data)); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(event(3)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if v := verified(t, data); v.Last != 3 || len(v.Damages) != 1 || !strings.HasPrefix(v.Damages[0].String(), "removed: lines 1 to 2") {
		t.Errorf("%+v", v)
	}
}
