package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

// a data set as an index would have it, at instance level: with attributes of all levels and the computed ones.
func entity(t *testing.T) *dicom.DataSet {
	t.Helper()
	ds := &dicom.DataSet{}
	for _, line := range strings.Split(`SOPClassUID 1.2.840.10008.5.1.4.1.1.2
SOPInstanceUID 1.2.3.4
StudyDate 20240101
StudyTime 10
Modality CT
ModalitiesInStudy CT\MR
Manufacturer ACME
StudyDescription Head
SeriesDescription Axial
PatientName DOE^JOHN
PatientAge 018Y
StudyInstanceUID 1.2
SeriesInstanceUID 1.2.3
InstanceNumber 1
Rows 512
ImageType ORIGINAL\PRIMARY
00230020 ACME
00232001:LO one
00232002:LO two
RequestAttributesSequence[1].ScheduledProcedureStepID S1
RequestAttributesSequence[1].RequestedProcedureDescription secret
RequestAttributesSequence[1].ScheduledProtocolCodeSequence[1].CodeValue C1
RequestAttributesSequence[1].ScheduledProtocolCodeSequence[1].CodeMeaning meaning
RequestAttributesSequence[2].ScheduledProcedureStepID S2
RequestAttributesSequence[2].RequestedProcedureID R2`, "\n") {
		attribute, value, _ := strings.Cut(line, " ")
		if err := put(ds, attribute, value); err != nil {
			t.Fatal(err)
		}
	}
	ds.SetInts(dicom.Rows, dicom.US, 512)
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bulk{URI: "bulkdata/7FE00010"}})
	return ds
}

const (
	studyRow = "StudyDate StudyTime AccessionNumber= ModalitiesInStudy ReferringPhysicianName= StudyDescription PatientName " +
		"PatientID= PatientBirthDate= PatientSex= StudyInstanceUID StudyID= NumberOfStudyRelatedSeries= " +
		"NumberOfStudyRelatedInstances="
	seriesRow = "Modality SeriesDescription SeriesInstanceUID SeriesNumber= NumberOfSeriesRelatedInstances= " +
		"RequestAttributesSequence"
	instanceRow = "SOPClassUID SOPInstanceUID InstanceNumber Rows"
)

func TestProject(t *testing.T) {
	study, series := dicom.Ref{Study: "1.2"}, dicom.Ref{Study: "1.2", Series: "1.2.3"}
	for _, c := range []struct {
		name    string
		q       Query
		keys    string
		include string
		want    []string
	}{
		// PS3.18 Table 10.6.1-4.
		{"all studies", Query{Level: Study}, "", "", []string{studyRow}},
		{"study's series", Query{Level: Series, Scope: study}, "", "", []string{"StudyInstanceUID", seriesRow}},
		{"all series", Query{Level: Series}, "", "", []string{studyRow, seriesRow}},
		{"study's instances", Query{Level: Instance, Scope: study}, "", "", []string{
			"StudyInstanceUID", seriesRow, instanceRow}},
		{"series' instances", Query{Level: Instance, Scope: series}, "", "", []string{
			"StudyInstanceUID SeriesInstanceUID", instanceRow}},
		{"all instances", Query{Level: Instance}, "", "", []string{studyRow, seriesRow, instanceRow}},
		// What is asked for, of the level and above; never below.
		{"include", Query{Level: Study}, "", "PatientAge Modality Rows EthnicGroup", []string{studyRow, "PatientAge"}},
		{"include above", Query{Level: Series, Scope: study}, "", "PatientName Rows", []string{
			"StudyInstanceUID PatientName", seriesRow}},
		{"match key", Query{Level: Instance, Scope: series}, "ImageType=PRIMARY & Manufacturer=", "", []string{
			"StudyInstanceUID SeriesInstanceUID ImageType Manufacturer", instanceRow}},
		{"date and time", Query{Level: Instance, Scope: series}, "StudyDate=2023-2025 & StudyTime=09-11", "", []string{
			"StudyInstanceUID SeriesInstanceUID StudyDate StudyTime", instanceRow}},
		// Private attributes with their creator, wherever their block lies (PS3.18 8.3.4.3).
		{"private include", Query{Level: Study}, "00230010=ACME", "00231002", []string{
			studyRow, "00230020 00232002"}},
		{"private key", Query{Level: Study}, "00230010=ACME & 00231001=one", "", []string{
			studyRow, "00230020 00232001"}},
		{"private creator", Query{Level: Study}, "00230010=ACME", "", []string{studyRow, "00230020"}},
		{"private literal", Query{Level: Study}, "", "00232001", []string{studyRow, "00230020 00232001"}},
		{"private of another", Query{Level: Study}, "00230010=OTHER", "00231001", []string{studyRow}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Keys = keysOf(t, c.keys)
			for name := range strings.FieldsSeq(c.include) {
				path, err := ParsePath(name)
				if err != nil {
					t.Fatal(err)
				}
				c.q.Include = append(c.q.Include, path)
			}
			got := names(c.q.Project(entity(t)))
			want := strings.Fields(strings.Join(c.want, " "))
			slices.Sort(got)
			slices.Sort(want)
			want = slices.Compact(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestProjectAll(t *testing.T) {
	ds := entity(t)
	for level := Study; level <= Instance; level++ {
		got := (Query{Level: level, IncludeAll: true}).Project(ds)
		if items := got.Items(dicom.RequestAttributesSequence); level >= Series && (len(items) != 2 || items[0].Len() != 3) {
			t.Errorf("%v: the request attributes are cut: %v", level, items)
		}
		for e := range got.All() {
			if LevelOf(e.Tag) > level && !e.Tag.IsPrivate() || e.Tag == dicom.PixelData {
				t.Errorf("%v: %s is returned", level, e.Tag)
			}
		}
		for e := range ds.All() {
			if LevelOf(e.Tag) <= level && e.Tag != dicom.PixelData && !got.Has(e.Tag) {
				t.Errorf("%v: %s is not returned", level, e.Tag)
			}
		}
	}
	if q := (Query{Level: Study, IncludeAll: true}); !q.Project(ds).Has(dicom.PatientAge) {
		t.Error("all does not return Patient's Age")
	}
}

// Of a sequence, the items that match with the attributes asked for (PS3.4 C.2.2.2.6), and those of Table 10.6.3-4 in any
// case.
func TestProjectSequence(t *testing.T) {
	const (
		first  = "{RequestedProcedureID= ScheduledProcedureStepID}"
		second = "{ScheduledProcedureStepID RequestedProcedureID}"
		coded  = "{RequestedProcedureID= ScheduledProtocolCodeSequence[{CodeValue}] ScheduledProcedureStepID}"
		whole  = "{RequestedProcedureDescription ScheduledProtocolCodeSequence[{CodeValue CodeMeaning}] " +
			"ScheduledProcedureStepID}"
	)
	for _, c := range []struct{ keys, include, want string }{
		{"", "", "[" + first + second + "]"},
		{"RequestAttributesSequence.ScheduledProcedureStepID=S2", "", "[" + second + "]"},
		{"", "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue", "[" + coded + second + "]"},
		{"RequestAttributesSequence.ScheduledProcedureStepID=S1", "RequestAttributesSequence", "[" + whole + "]"},
		{"RequestAttributesSequence=", "", "[" + whole + second + "]"},
	} {
		q := Query{Level: Series, Keys: keysOf(t, c.keys)}
		if c.include != "" {
			path, err := ParsePath(c.include)
			if err != nil {
				t.Fatal(err)
			}
			q.Include = []Path{path}
		}
		e, _ := q.Project(entity(t)).Get(dicom.RequestAttributesSequence)
		if got, want := itemNames(e), sortedItems(c.want); sortedItems(got) != want {
			t.Errorf("keys %q, include %q:\n got %s\nwant %s", c.keys, c.include, got, c.want)
		}
	}
}

// sortedItems makes two writings comparable whose attributes are in another order.
func sortedItems(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" {}[]", r) })
	slices.Sort(words)
	return fmt.Sprint(words, strings.Count(s, "{"))
}

func keysOf(t *testing.T, text string) []Key {
	t.Helper()
	var keys []Key
	for pair := range strings.SplitSeq(text, " & ") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		path, err := ParsePath(name)
		if err != nil {
			t.Fatal(err)
		}
		k, err := ParseKey(path, value, ParseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return Combine(keys)
}

// names returns the keywords of the elements, private ones by their tags; empty ones with "=" behind.
func names(ds *dicom.DataSet) []string {
	var all []string
	for e := range ds.All() {
		name := e.Tag.Keyword()
		if name == "" {
			name = e.Tag.String()
		}
		if e.Value == nil {
			name += "="
		}
		if e.VR == "" {
			name += " without VR"
		}
		all = append(all, name)
	}
	return all
}

func itemNames(e dicom.Element) string {
	s := "["
	items, _ := e.Value.(dicom.Items)
	for _, item := range items {
		s += "{"
		for e := range item.All() {
			s += " " + names(only(e))[0]
			if e.VR == dicom.SQ {
				s += itemNames(e)
			}
		}
		s += "}"
	}
	return s + "]"
}

func only(e dicom.Element) *dicom.DataSet {
	ds := &dicom.DataSet{}
	ds.Set(e)
	return ds
}
