package match_test

import (
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/match/matchtest"
)

// A search in a study or series finds nothing outside of it.
func TestScope(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2")
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, "1.2.3")
	for _, c := range []struct {
		scope dicom.Ref
		want  bool
	}{
		{dicom.Ref{}, true},
		{dicom.Ref{Study: "1.2"}, true},
		{dicom.Ref{Study: "1.2", Series: "1.2.3"}, true},
		{dicom.Ref{Study: "1.3"}, false},
		{dicom.Ref{Study: "1.2", Series: "1.2.4"}, false},
	} {
		if got := (match.Query{Level: match.Series, Scope: c.scope}).Match(ds); got != c.want {
			t.Errorf("scope %s: %v", c.scope.Path(), got)
		}
	}
}

// A key that was written by hand needs its path and condition only.
func TestHandWrittenKeys(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.PatientName, dicom.PN, "DOE^JOHN")
	item := &dicom.DataSet{}
	item.SetStrings(dicom.CodeValue, dicom.SH, "A")
	ds.SetItems(dicom.ProcedureCodeSequence, item)
	for _, c := range []struct {
		path      match.Path
		condition match.Condition
		want      bool
	}{
		{match.Path{dicom.PatientName}, match.Single{Value: "doe^john"}, true},
		{match.Path{dicom.ProcedureCodeSequence, dicom.CodeValue}, match.Single{Value: "A"}, true},
		{match.Path{dicom.ProcedureCodeSequence, dicom.CodeValue}, match.Wildcard{Pattern: "B*"}, false},
		{match.Path{dicom.ProcedureCodeSequence}, match.Sequence{}, true},
		{match.Path{dicom.ProcedureCodeSequence}, match.Single{Value: "A"}, false},
		{match.Path{dicom.PatientName, dicom.CodeValue}, match.Single{Value: "DOE^JOHN"}, false},
		{match.Path{dicom.PatientName}, match.Range{Low: "A"}, false},
		{match.Path{dicom.StudyDate}, match.Range{}, false},
		{match.Path{}, match.Single{Value: "A"}, false},
		{nil, match.Universal{}, true},
		{match.Path{dicom.PatientName}, nil, false},
	} {
		q := match.Query{Keys: []match.Key{{Path: c.path, Condition: c.condition}}}
		if got := q.Match(ds); got != c.want {
			t.Errorf("%v %#v: %v", c.path, c.condition, got)
		}
		q.Keys = match.Combine(q.Keys)
		if got := q.Match(ds); got != c.want {
			t.Errorf("%v %#v combined: %v", c.path, c.condition, got)
		}
		q.Project(ds)
	}
}

// LevelOf must put every attribute of the tables of PS3.18 where the tables have it, or above.
func TestLevelsOfTables(t *testing.T) {
	for l := match.Study; l <= match.Instance; l++ {
		for _, path := range match.Required(l) {
			if match.LevelOf(path[0]) != l {
				t.Errorf("%s is matched at the %v level, but of the %v", path, l, match.LevelOf(path[0]))
			}
		}
		for _, tag := range match.Returned(l) {
			if match.LevelOf(tag) > l {
				t.Errorf("%s is returned at the %v level, but of the %v", tag, l, match.LevelOf(tag))
			}
		}
	}
	for tag, want := range map[dicom.Tag]match.Level{
		dicom.PatientAge: match.Study, dicom.ClinicalTrialProtocolID: match.Study, dicom.ClinicalTrialSeriesID: match.Series,
		dicom.AnatomicalOrientationType: match.Series, dicom.StationName: match.Series, dicom.FrameOfReferenceUID: match.Series,
		dicom.RequestedProcedureDescription: match.Study, dicom.AdmissionID: match.Study, dicom.ImageType: match.Instance,
		dicom.ContentDate: match.Instance, 0x00231001: match.Instance, dicom.PixelData: match.Instance,
	} {
		if got := match.LevelOf(tag); got != want {
			t.Errorf("%s is of the %v, want %v", tag, got, want)
		}
	}
}

// Match and Project may not change what they are given, and do not depend on what happened before.
func TestMatchIsPure(t *testing.T) {
	g, same := matchtest.New(11), matchtest.New(11)
	var instances, copies []*dicom.DataSet
	for range 50 {
		instances, copies = append(instances, g.Instance()), append(copies, same.Instance())
	}
	for i := range 300 {
		q, other := g.Query(match.Level(i%3)), same.Query(match.Level(i%3))
		for j, ds := range instances {
			first := q.Match(ds)
			q.Project(ds)
			if again := q.Match(ds); again != first || other.Match(copies[j]) != first {
				t.Fatalf("%v: %v, then otherwise", q, first)
			}
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	g := matchtest.New(1)
	var instances []*dicom.DataSet
	for range 1000 {
		instances = append(instances, g.Instance())
	}
	for _, c := range []struct {
		name, text string
		tag        dicom.Tag
		fuzzy      bool
	}{
		{"single", "A", dicom.PatientID, false},
		{"uid", "1.2.826.1", dicom.StudyInstanceUID, false},
		{"date", "20060705-20060706", dicom.StudyDate, false},
		{"wildcard", "*A*", dicom.StudyDescription, false},
		{"name", "DOE*", dicom.PatientName, false},
		{"fuzzy", "jon doe", dicom.PatientName, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			k, err := match.ParseKey(match.Path{c.tag}, c.text, match.ParseOptions{})
			if err != nil {
				b.Fatal(err)
			}
			q := match.Query{Keys: match.Combine([]match.Key{k}), Fuzzy: c.fuzzy}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q.Match(instances[i%len(instances)])
			}
		})
	}
}

func BenchmarkProject(b *testing.B) {
	g := matchtest.New(1)
	var instances []*dicom.DataSet
	for range 100 {
		instances = append(instances, g.Instance())
	}
	q := match.Query{Level: match.Instance, Include: []match.Path{{dicom.ImageType}, {dicom.PatientComments}}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q.Project(instances[i%len(instances)])
	}
}
