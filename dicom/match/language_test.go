package match

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// TestClauses runs testdata/*.txt, a file per clause of PS3.4 C.2.2.2. Their language:
//
//	load NAME             a data set, and below it its elements, indented:
//	    ATTRIBUTE VALUE   values parted by backslashes; Seq[2].ATTRIBUTE is in the second item; ATTRIBUTE:VR where the
//	                      dictionary does not tell the VR
//	eval [OPTION…] QUERY  keys joined by " & "; options fuzzy, empty, multiple; below it, indented, the names of the
//	                      data sets found, "none", or "error" and a part of the error's text
//
// Lines that begin with # are comments. A file starts with no data sets.
func TestClauses(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

type script struct {
	t     *testing.T
	names []string
	sets  map[string]*dicom.DataSet
}

func runScript(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, sets: map[string]*dicom.DataSet{}}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		at := fmt.Sprintf("%s:%d", file, i+1)
		command, rest, _ := strings.Cut(lines[i], " ")
		var block []string
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "    ") {
			i++
			block = append(block, strings.TrimPrefix(lines[i], "    "))
		}
		switch command {
		case "load":
			s.load(at, rest, block)
		case "eval":
			s.eval(at, rest, strings.Join(block, " "))
		case "", "#":
		default:
			t.Fatalf("%s: unknown command %q", at, command)
		}
	}
}

func (s *script) load(at, name string, block []string) {
	ds := &dicom.DataSet{}
	for _, line := range block {
		attribute, value, _ := strings.Cut(line, " ")
		if err := put(ds, attribute, value); err != nil {
			s.t.Fatalf("%s: %v", at, err)
		}
	}
	s.names = append(s.names, name)
	s.sets[name] = ds
}

// put sets an attribute of a data set, creating the items on the way to it.
func put(ds *dicom.DataSet, attribute, value string) error {
	if outer, inner, nested := strings.Cut(attribute, "]."); nested {
		name, number, _ := strings.Cut(outer, "[")
		path, err := ParsePath(name)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		items := ds.Items(path[0])
		for len(items) < n {
			items = append(items, &dicom.DataSet{})
		}
		ds.SetItems(path[0], items...)
		return put(items[n-1], inner, value)
	}
	name, vr, _ := strings.Cut(attribute, ":")
	path, err := ParsePath(name)
	if err != nil {
		return err
	}
	e := dicom.Element{Tag: path[0], VR: dicom.VR(vr)}
	if vr == "" {
		e.VR = e.Tag.VR()
	}
	e.Value, err = valueOf(e.VR, value)
	ds.Set(e)
	return err
}

func valueOf(vr dicom.VR, text string) (dicom.Value, error) {
	if text == "" {
		return nil, nil
	}
	texts := []string{text}
	if !vr.IsSingleText() {
		texts = strings.Split(text, `\`)
	}
	switch vr {
	case dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US:
		n, err := parsed(texts, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
		return dicom.Ints(n), err
	case dicom.UV:
		n, err := parsed(texts, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) })
		return dicom.Uints(n), err
	case dicom.FL:
		f, err := parsed(texts, func(s string) (float64, error) { return strconv.ParseFloat(s, 32) })
		return dicom.Floats(f), err
	case dicom.FD:
		f, err := parsed(texts, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
		return dicom.Floats(f), err
	case dicom.AT:
		tags, err := parsed(texts, dicom.ParseTag)
		return dicom.Tags(tags), err
	case dicom.OB, dicom.UN:
		return dicom.Bytes(text), nil
	}
	return dicom.Strings(texts), nil
}

func parsed[T any](texts []string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for _, text := range texts {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (s *script) eval(at, query, want string) {
	var q Query
	var o ParseOptions
	for option := true; option; {
		first, rest, _ := strings.Cut(query, " ")
		switch first {
		case "fuzzy":
			q.Fuzzy = true
		case "empty":
			o.EmptyValue = true
		case "multiple":
			o.MultipleValues = true
		default:
			option = false
			continue
		}
		query = rest
	}
	got := s.find(q, query, o)
	if message, isError := strings.CutPrefix(want, "error "); isError {
		if !strings.HasPrefix(got, "error ") || !strings.Contains(got, message) {
			s.t.Errorf("%s: eval %s: got %q, want an error with %q", at, query, got, message)
		}
		return
	}
	if got != want {
		s.t.Errorf("%s: eval %s: got %s, want %s", at, query, got, want)
	}
}

// find returns the names of the data sets that satisfy the query, in the order in which they were loaded.
func (s *script) find(q Query, query string, o ParseOptions) string {
	for pair := range strings.SplitSeq(query, " & ") {
		name, value, _ := strings.Cut(pair, "=")
		path, err := ParsePath(name)
		if err != nil {
			return "error " + err.Error()
		}
		k, err := ParseKey(path, value, o)
		if err != nil {
			return "error " + err.Error()
		}
		q.Keys = append(q.Keys, k)
	}
	q.Keys = Combine(q.Keys)
	var found []string
	for _, name := range s.names {
		if q.Match(s.sets[name]) {
			found = append(found, name)
		}
	}
	if found == nil {
		return "none"
	}
	return strings.Join(found, " ")
}
