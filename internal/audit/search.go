package audit

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
)

// Filter chooses events: those that have all that is set. The zero value chooses all.
type Filter struct {
	Patient  string // Patient ID
	Study    string // Study Instance UID
	Instance string // SOP Instance UID
	Who      string // name of the user, key or token; "-": nobody is known
	Client   string // network address
	Tenant   string
	Kinds    []Kind
	Outcomes []Outcome
	Failed   bool // all outcomes but Success
	Since    time.Time
	Until    time.Time
	After    uint64 // number of a line, which and all before it are left out
	Before   uint64 // number of a line, which and all behind it are left out; 0: none
}

// matches judges an event, but for its number.
func (f *Filter) matches(r *Record) bool {
	last := r.Time
	if r.Count > 0 {
		last = r.Until
	}
	equal := func(want, is string) bool { return want == "" || want == is }
	who := f.Who
	if who == "-" && r.Who != "" {
		return false
	}
	if who == "-" {
		who = ""
	}
	return equal(f.Patient, r.Patient) && equal(f.Study, r.Study) && equal(who, r.Who) && equal(f.Client, host(r.Client)) && equal(f.Tenant, r.Tenant) &&
		(f.Instance == "" || slices.Contains(r.Instances, f.Instance)) &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, r.Kind)) &&
		(len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, r.Outcome)) &&
		!(f.Failed && r.Outcome == Success) &&
		(f.Since.IsZero() || !last.Before(f.Since)) && (f.Until.IsZero() || r.Time.Before(f.Until))
}

// hints are strings that the line of each event that matches contains, so that the others need not be read as JSON.
func (f *Filter) hints() [][]byte {
	var all [][]byte
	for _, s := range []string{f.Patient, f.Study, f.Instance, strings.TrimPrefix(f.Who, "-")} {
		plain := s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || strings.ContainsRune(`"\<>&`, c) })
		if plain {
			all = append(all, []byte(`"`+s+`"`))
		}
	}
	return all
}

// Search yields the events of the log of a data folder that a filter chooses, in their order. Lines that are none are left out: Verify
// tells of them. The server may run.
func Search(data string, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r, err := readFrom(data, f.After+1)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer r.close() //nolint:errcheck // it was only read
		hints := f.hints()
		for {
			text, err := r.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			if f.Before > 0 && r.at.first >= f.Before {
				return
			}
			if slices.ContainsFunc(hints, func(h []byte) bool { return !bytes.Contains(text, h) }) {
				continue
			}
			l, err := parseLine(text)
			if err != nil || l.n <= f.After || f.Before > 0 && l.n >= f.Before {
				continue
			}
			record, err := l.record()
			if err == nil && f.matches(&record) && !yield(record, nil) {
				return
			}
		}
	}
}

// Latest returns the last events that a filter chooses, the newest first.
func Latest(data string, f Filter, most int) ([]Record, error) {
	segments, err := segmentsOf(data)
	if err != nil {
		return nil, err
	}
	var found []Record
	end := f.Before
	for i := len(segments) - 1; i >= 0 && len(found) < most; i-- {
		part := f
		part.After, part.Before = max(f.After, segments[i].first-1), end
		var here []Record
		for r, err := range Search(data, part) {
			if err != nil {
				return nil, err
			}
			if here = append(here, r); len(here) > 2*most {
				here = append(here[:0], here[len(here)-most:]...)
			}
		}
		slices.Reverse(here)
		found = append(found, here[:min(len(here), most-len(found))]...)
		end = segments[i].first
		if f.Before > 0 {
			end = min(end, f.Before)
		}
		if segments[i].first <= f.After+1 {
			break
		}
	}
	return found, nil
}
