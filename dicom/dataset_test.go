package dicom

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestDataSetOrder sets and deletes elements at random and compares the data set with a map.
func TestDataSetOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var ds DataSet
	want := map[Tag]string{}
	for range 2000 {
		tag, value := Tag(random.IntN(200)), string(rune('a'+random.IntN(26)))
		if random.IntN(3) == 0 {
			ds.Delete(tag)
			delete(want, tag)
		} else {
			ds.SetStrings(tag, LO, value)
			want[tag] = value
		}
		if ds.Len() != len(want) || ds.Has(tag) != (want[tag] != "") || ds.String(tag) != want[tag] {
			t.Fatalf("%v: %q, want %q; %d elements, want %d", tag, ds.String(tag), want[tag], ds.Len(), len(want))
		}
	}
	elements := slices.Collect(ds.All())
	if !slices.IsSortedFunc(elements, func(a, b Element) int { return int(a.Tag) - int(b.Tag) }) {
		t.Error("not in ascending order")
	}
}

func TestDataSetValues(t *testing.T) {
	var ds DataSet
	ds.SetStrings(StudyInstanceUID, UI, "1.2")
	ds.SetStrings(ImageType, CS, "A", "B")
	ds.SetStrings(StudyDescription, LO)
	ds.SetInts(Rows, US, 5)
	ds.SetItems(ProcedureCodeSequence, &DataSet{})
	ds.SetItems(ReferencedImageSequence)
	if got := ds.UID(StudyInstanceUID); got != "1.2" {
		t.Errorf("UID: %q", got)
	}
	if got := ds.Strings(ImageType); !slices.Equal(got, []string{"A", "B"}) {
		t.Errorf("Strings: %q", got)
	}
	if !ds.Has(StudyDescription) || ds.Strings(StudyDescription) != nil || ds.String(StudyDescription) != "" {
		t.Error("an empty element is present, and empty")
	}
	if ds.Strings(Rows) != nil || ds.Items(Rows) != nil || ds.Strings(Columns) != nil {
		t.Error("no text, no items and nothing at all are nil")
	}
	if len(ds.Items(ProcedureCodeSequence)) != 1 || ds.Items(ReferencedImageSequence) != nil {
		t.Error("items")
	}
	clone := ds.Clone()
	clone.Delete(Rows)
	clone.SetStrings(ImageType, CS, "C")
	if !ds.Has(Rows) || ds.String(ImageType) != "A" {
		t.Error("a clone is not independent")
	}
	if got, want := ds.Ref(), (Ref{Study: "1.2"}); got != want {
		t.Errorf("Ref: %v", got)
	}
}

func TestDataSetLogsNoPatient(t *testing.T) {
	var ds DataSet
	ds.SetStrings(PatientName, PN, "Secret^Sam")
	ds.SetStrings(PatientID, LO, "S-123")
	ds.SetStrings(StudyInstanceUID, UI, "1.2")
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("stored", "instance", &ds)
	if s := out.String(); !strings.Contains(s, "/studies/1.2") || strings.Contains(s, "Secret") || strings.Contains(s, "S-123") {
		t.Error(s)
	}
}

func TestTag(t *testing.T) {
	for _, c := range []struct {
		tag                  Tag
		private, creator, gl bool
		text                 string
		block                Tag
	}{
		{0x00100010, false, false, false, "00100010", 0x00100000},
		{0x00080000, false, false, true, "00080000", 0x00080000},
		{0x00090010, true, true, false, "00090010", 0x00090000},
		{0x000900FF, true, true, false, "000900FF", 0x00090000},
		{0x0009000F, true, false, false, "0009000F", 0x00090000},
		{0x00091001, true, false, false, "00091001", 0x00090010},
		{0x7FE1FFFE, true, false, false, "7FE1FFFE", 0x7FE100FF},
	} {
		if c.tag.IsPrivate() != c.private || c.tag.IsPrivateCreator() != c.creator || c.tag.IsGroupLength() != c.gl ||
			c.tag.String() != c.text || c.tag.PrivateCreator() != c.block || NewTag(c.tag.Group(), c.tag.Element()) != c.tag {
			t.Errorf("%v", c.tag)
		}
		if got, err := ParseTag(strings.ToLower(c.text)); err != nil || got != c.tag {
			t.Errorf("ParseTag(%q) = %v, %v", c.text, got, err)
		}
	}
	for _, bad := range []string{"", "0010001", "001000100", "0010001G", "+0100010", "0x100010", "0010,010", "PatientName"} {
		if got, err := ParseTag(bad); err == nil {
			t.Errorf("ParseTag(%q) = %v", bad, got)
		}
	}
}

func TestUIDValid(t *testing.T) {
	for uid, want := range map[UID]bool{
		"1.2.840.10008.1.2": true, "1": true, "1.0.01": true, UID(strings.Repeat("1", 64)): true,
		"": false, ".1": false, "1.": false, "1..2": false, "1.a": false, "1.2 ": false, "1/2": false, "1.2\x00": false,
		"../1": false, "1.٣": false, UID(strings.Repeat("1", 65)): false,
	} {
		if uid.Valid() != want {
			t.Errorf("%q: %v", uid, !want)
		}
	}
}

func TestRef(t *testing.T) {
	study, series, instance := Ref{Study: "1"}, Ref{Study: "1", Series: "2", Instance: ""}, Ref{Study: "1", Series: "2", Instance: "3"}
	for _, c := range []struct {
		r, o Ref
		want bool
	}{
		{Ref{}, instance, true}, {study, study, true}, {study, instance, true}, {series, instance, true},
		{instance, series, false}, {series, study, false}, {Ref{Study: "2"}, instance, false}, {Ref{Study: "1", Series: "3", Instance: ""}, instance, false},
	} {
		if got := c.r.Contains(c.o); got != c.want {
			t.Errorf("%v contains %v: %v", c.r, c.o, got)
		}
	}
	if got := instance.Path(); got != "/studies/1/series/2/instances/3" {
		t.Error(got)
	}
	if got := (Ref{}).Path(); got != "" {
		t.Error(got)
	}
}
