package dicom

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// longDataSet is one whose text is read piecemeal, with all kinds of values.
func longDataSet(t *testing.T) (ds *DataSet, text []byte) {
	t.Helper()
	ds = benchmarkDataSet()
	for i := range Tag(20_000) {
		ds.SetStrings(NewTag(uint16(0x6001+2*(i/4000)), uint16(0x1000+i%4000)), LO, `a "text"`, `{"}\\`, "")
	}
	ds.SetStrings(0x60010010, LO, "CREATOR")
	ds.Set(Element{0x7FE00010, OW, Bulk{"bulkdata/7FE00010"}})
	ds.Set(Element{0x7FE00008, FD, Floats{1.5}})
	text, err := ds.AppendJSON(nil)
	if err != nil || len(text) < longText {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	return ds, text
}

// TestLongText holds a data set that is read piecemeal against one that is read at once, while both are changed.
func TestLongText(t *testing.T) {
	whole, text := longDataSet(t)
	unread, err := ReadJSON(slices.Clone(text))
	if err != nil || unread.rest == nil || len(unread.elements) > 0 {
		t.Fatalf("it was read at once: %v", err)
	}
	tags := []Tag{PatientName, Rows, PerFrameFunctionalGroupsSequence, StudyID, 0x00020010, 0x60010010, 0x60011000, 0x60011001, 0x60091F9F, 0x60092000, 0x7FE00010, 0x7FE00020}
	chance := rand.New(rand.NewPCG(1, 2))
	for step := range 60 {
		at := tags[chance.IntN(len(tags))]
		switch step % 6 {
		case 1:
			whole.SetStrings(at, LO, "set")
			unread.SetStrings(at, LO, "set")
		case 2:
			whole.Delete(at)
			unread.Delete(at)
		case 3:
			before := unread
			whole, unread = whole.Clone(), unread.Clone()
			before.SetStrings(StudyID, SH, "of another one")
			before.Delete(PatientName)
		case 4:
			keep := func(tag Tag) bool { return tag == at || uint32(tag)%7 != uint32(step) }
			whole, unread = whole.Only(keep), unread.Only(keep)
		case 5:
			base := &DataSet{}
			base.SetStrings(at, LO, "below")
			base.SetStrings(AccessionNumber, SH, "below")
			whole, unread = whole.Over(base), unread.Over(base)
		}
		sameAs(t, whole, unread, tags)
	}
	if unread.rest == nil || len(unread.elements) > len(tags)+1 {
		t.Error("it is not read piecemeal any more")
	}
}

func sameAs(t *testing.T, want, got *DataSet, tags []Tag) {
	t.Helper()
	for _, tag := range tags {
		a, inA := want.Get(tag)
		b, inB := got.Get(tag)
		if inA != inB || !a.Equal(b) || got.Has(tag) != inA {
			t.Fatalf("%v: %v %v, want %v %v", tag, b, inB, a, inA)
		}
	}
	if want.Len() != got.Len() || !want.Equal(got) {
		t.Fatalf("%d elements, want %d, or they differ", got.Len(), want.Len())
	}
	between := func(ds *DataSet) []Element { return slices.Collect(ds.Between(0x60010010, 0x60011005)) }
	if !slices.EqualFunc(between(want), between(got), Element.Equal) {
		t.Fatal("they differ between two tags")
	}
	bulk := func(ds *DataSet) (all []Element) {
		for e := range ds.Referring() {
			if _, is := e.Value.(Bulk); is { // sequences without any may be there or not
				all = append(all, e)
			}
		}
		return all
	}
	if !slices.EqualFunc(bulk(want), bulk(got), Element.Equal) {
		t.Fatal("they differ in what refers to bulk data")
	}
	for _, write := range []func(*DataSet, []byte) ([]byte, error){(*DataSet).AppendJSON, (*DataSet).AppendXML} {
		a, errA := write(want, []byte("x"))
		b, errB := write(got, []byte("x"))
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Fatalf("the texts differ: %v, %v", errA, errB)
		}
	}
}

// TestLongTextOfAnotherKind: what is not as AppendJSON writes it is read at once, or refused.
func TestLongTextOfAnotherKind(t *testing.T) {
	_, text := longDataSet(t)
	for what, other := range map[string]string{
		"blanks":         strings.Replace(string(text), `,"0`, `, "0`, 1),
		"keyword":        strings.Replace(string(text), `"00100010"`, `"PatientName"`, 1),
		"order":          strings.Replace(string(text), `"00080005"`, `"FFFF0005"`, 1),
		"vr comes later": strings.Replace(string(text), `{"vr":"US","Value":[512]}`, `{"Value":[512],"vr":"US"}`, 1),
	} {
		ds, err := ReadJSON([]byte(other))
		if err != nil || ds.rest != nil || ds.String(PatientName) == "" || other == string(text) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, other := range map[string]string{
		"cut off":    string(text[:len(text)-10]),
		"no end":     string(text[:len(text)-1]),
		"two ends":   string(text) + "}",
		"a bad byte": strings.Replace(string(text), "text", "te\xFFt", 1),
		"a comma":    strings.Replace(string(text), `,"0`, `,,"0`, 1),
	} {
		if _, err := ReadJSON([]byte(other)); err == nil {
			t.Errorf("%s: it was read", what)
		}
	}
}

// TestLongTextCost: of a data set that is read piecemeal little is kept beside its text.
func TestLongTextCost(t *testing.T) {
	_, text := longDataSet(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ds, err := ReadJSON(text)
	runtime.ReadMemStats(&after)
	if err != nil || ds.String(PatientName) == "" || ds.UID(SOPInstanceUID) == "" {
		t.Fatalf("it was not read: %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > uint64(len(text)) {
		t.Errorf("%d bytes are taken for a text of %d", n, len(text))
	}
}

// TestEachItemOfLongText: the items of a long sequence are read one at a time, are what Get has, and none is kept; nor does one keep the text.
func TestEachItemOfLongText(t *testing.T) {
	want := &DataSet{}
	var items []*DataSet
	for i := range 40_000 {
		item := &DataSet{}
		if i%1000 != 0 { // others are empty
			item.SetStrings(ReferencedSOPInstanceUID, UI, "1.2", "1.3")
			item.SetStrings(TextValue, UT, `"{\]`+strings.Repeat("x", i%30))
			item.SetItems(PurposeOfReferenceCodeSequence, &DataSet{})
		}
		items = append(items, item)
	}
	want.SetItems(ReferencedImageSequence, items...)
	want.SetItems(ReferencedStudySequence, items[:2]...)
	want.SetStrings(StudyID, SH, "1")
	text, err := want.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	ds, err := ReadJSON(text)
	if err != nil || ds.rest == nil {
		t.Fatalf("it was read at once: %v", err)
	}
	for _, read := range []bool{false, true} { // before and after all of it has been read
		for tag, want := range map[Tag][]*DataSet{ReferencedImageSequence: items, ReferencedStudySequence: items[:2], StudyID: nil, PatientID: nil} {
			all, there := ds.EachItem(tag)
			if there != (want != nil) {
				t.Errorf("%v: there %t", tag, there)
			}
			n := 0
			for item := range all {
				if n >= len(want) || !item.Equal(want[n]) {
					t.Fatalf("%v: item %d differs", tag, n)
				}
				n++
			}
			if n != len(want) {
				t.Errorf("%v: %d items of %d", tag, n, len(want))
			}
		}
		if _, kept := ds.rest.seen.all[ds.rest.parts[1].at]; kept != read {
			t.Errorf("read %t, kept %t", read, kept)
		}
		if got := ds.Items(ReferencedImageSequence); len(got) != len(items) {
			t.Errorf("%d items", len(got))
		}
	}
	all, _ := ds.Clone().EachItem(ReferencedImageSequence)
	for range all {
		break
	}
	pieces, n := &DataSet{}, 0
	for e, items := range mustRead(t, text).Pieces() {
		if items != nil {
			e.Value = Items(slices.Collect(items))
			n++
		}
		pieces.Set(e)
	}
	if n != 1 || !pieces.Equal(want) {
		t.Errorf("%d sequences come in pieces, or it is another one", n)
	}
	ds.SetItems(ReferencedImageSequence, items[:3]...)
	all, _ = ds.EachItem(ReferencedImageSequence)
	if got := slices.Collect(all); len(got) != 3 {
		t.Errorf("%d items of one that was set", len(got))
	}
}

func mustRead(t *testing.T, text []byte) *DataSet {
	t.Helper()
	ds, err := ReadJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// TestSetEach: what is made of the items of a sequence is the same whether it is long, was read, or is set; and others can be set, over it too.
func TestSetEach(t *testing.T) {
	of := &DataSet{}
	items := make([]*DataSet, 30_000)
	for i := range items {
		items[i] = &DataSet{}
		items[i].SetStrings(ReferencedSOPInstanceUID, UI, "1.2.3.4", "1.2.5")
	}
	of.SetItems(ReferencedStudySequence, items[:2]...)
	of.SetItems(ReferencedImageSequence, items...)
	of.SetItems(SourceImageSequence, items...)
	of.SetItems(RequestAttributesSequence)
	text, err := of.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	long, read, set := mustRead(t, text), mustRead(t, text), mustRead(t, text)
	read.Items(SourceImageSequence)
	set.SetItems(SourceImageSequence, items...)
	change := func(item *DataSet) *DataSet {
		item = item.Clone()
		item.SetStrings(TextValue, UT, "changed")
		return item
	}
	tags := []Tag{ReferencedStudySequence, ReferencedImageSequence, SourceImageSequence, RequestAttributesSequence, ContentSequence}
	make := func(of *DataSet) *DataSet {
		ds := &DataSet{}
		ds.SetStrings(ReferencedImageSequence, LO, "before")
		for _, tag := range tags {
			ds.SetEach(tag, of, change)
		}
		ds.SetStrings(PatientID, LO, "1")
		return ds
	}
	want := make(of)
	for what, from := range map[string]*DataSet{"long": long, "read": read, "set": set} {
		got := make(from)
		sameAs(t, want, got, append(tags, PatientID))
		if got.rest == nil {
			t.Errorf("%s: its items were made at once", what)
		}
		got = got.Clone()
		got.Delete(ReferencedImageSequence)
		got.SetItems(SourceImageSequence, items[:1]...)
		got.SetEach(SourceImageSequence, from, change)
		if got.Has(ReferencedImageSequence) || len(got.Items(SourceImageSequence)) != len(items) {
			t.Errorf("%s: deleted, and set again: %d items", what, len(got.Items(SourceImageSequence)))
		}
	}
}

// TestItemsOfLongText: the items of a long sequence are what they are when they are read at once, short, long or empty, and can be changed; and they
// take not much more than their text, whoever looks at them.
func TestItemsOfLongText(t *testing.T) {
	var want []*DataSet
	for i := range 20_000 {
		item := &DataSet{}
		if i%100 != 0 {
			item.SetStrings(ReferencedSOPInstanceUID, UI, "1.2.3.4.5.6.7.8", "1.3")
			item.SetItems(PurposeOfReferenceCodeSequence, &DataSet{}, &DataSet{elements: []Element{{PatientID, LO, Strings{"1"}}}})
		}
		if i == 7 || i == 8 {
			for j := range Tag(i * i * i) { // 20 KB, and a bit more
				item.SetStrings(0x60011000+j, SH, "text")
			}
			item.SetStrings(0x60010010, LO, "CREATOR")
		}
		want = append(want, item)
	}
	want[9].SetItems(ReferencedImageSequence, want[1000:12_000]...) // it is long itself
	of := &DataSet{}
	of.SetItems(ReferencedStudySequence, want...)
	text, err := of.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	ds := mustRead(t, text)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	got := ds.Items(ReferencedStudySequence)
	for range 2 {
		for _, item := range got {
			item.UID(ReferencedSOPInstanceUID)
			item.Items(PurposeOfReferenceCodeSequence)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int(after.HeapAlloc) - int(before.HeapAlloc); n > len(text) {
		t.Errorf("%d bytes are in use for a text of %d", n, len(text))
	}
	if len(got) != len(want) {
		t.Fatalf("%d items, want %d", len(got), len(want))
	}
	tags := []Tag{ReferencedSOPInstanceUID, PurposeOfReferenceCodeSequence, PatientID, 0x60010010, 0x60011000, 0x60011005}
	for i := range got {
		if i < 110 {
			sameAs(t, want[i], got[i], tags)
			changed, other := want[i].Clone(), got[i].Clone()
			for _, ds := range []*DataSet{changed, other} {
				ds.SetStrings(PatientID, LO, "2")
				ds.Delete(ReferencedSOPInstanceUID)
			}
			sameAs(t, changed, other, tags)
			none := func(Tag) bool { return false }
			sameAs(t, changed.Only(none), other.Only(none), tags)
		} else if !got[i].Equal(want[i]) {
			t.Fatalf("item %d differs", i)
		}
	}
}
