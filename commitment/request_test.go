package commitment

import (
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

func parsed(t *testing.T, text string) (*Request, error) {
	t.Helper()
	ds := &dicom.DataSet{}
	if err := ds.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return Parse(ds)
}

const (
	image    = `{"00081150":{"vr":"UI","Value":["1.2.3"]},"00081155":{"vr":"UI","Value":["1.1"]}}`
	instance = `{"00081155":{"vr":"UI","Value":["1.1"]}}`
	series   = `"0020000E":{"vr":"UI","Value":["2.1"]}`
	study    = `"0020000D":{"vr":"UI","Value":["2.2"]}`
)

func sequence(tag, items string) string { return `"` + tag + `":{"vr":"SQ","Value":[` + items + `]}` }

// TestParse: what PS3.18 J.1 requires is there.
func TestParse(t *testing.T) {
	classes := sequence("00081112", `{"00081150":{"vr":"UI","Value":["1.2.3"]},`+sequence("0008114A", instance+","+instance)+`}`)
	whole := sequence("00081110", `{`+study+`,`+sequence("00081115", `{`+series+`,`+classes+`}`)+`}`)
	for _, c := range []struct {
		text string
		want int // references; 0: refused
	}{
		{`{}`, 0},
		{`{` + sequence("00081199", "") + `}`, 0},
		{`{` + sequence("00081199", image) + `}`, 1},
		{`{` + sequence("00081199", image+","+instance) + `}`, 0},
		{`{` + whole + `}`, 2},
		{`{` + whole + `,` + sequence("00081199", image) + `}`, 0},
		{`{` + sequence("00081110", `{`+study+`}`) + `}`, 0},
		{`{` + sequence("00081110", `{`+sequence("00081115", `{`+series+`,`+classes+`}`)+`}`) + `}`, 0},
		{`{` + sequence("00081110", `{`+study+`,`+sequence("00081115", `{`+series+`}`)+`}`) + `}`, 0},
		{`{` + sequence("00081110", `{`+study+`,`+sequence("00081115", `{`+classes+`}`)+`}`) + `}`, 0},
		{`{` + sequence("00081110", `{`+study+`,`+sequence("00081115", `{`+series+`,`+sequence("00081112", `{}`)+`}`)+`}`) + `}`, 0},
	} {
		q, err := parsed(t, c.text)
		if (err != nil) != (c.want == 0) || err == nil && len(q.References) != c.want {
			t.Errorf("%s: %v, %v; want %d references", c.text, q, err, c.want)
		}
	}
}

// TestResult: the result has the form of the request, and each instance is in one of its lists (PS3.18 J.2).
func TestResult(t *testing.T) {
	for _, form := range []struct {
		byStudy           bool
		committed, failed dicom.Tag
	}{{false, dicom.ReferencedSOPSequence, dicom.FailedSOPSequence}, {true, dicom.ReferencedStudySequence, dicom.FailedStudySequence}} {
		q := &Request{byStudy: form.byStudy}
		for _, uid := range []dicom.UID{"1.1", "1.2", "1.3"} {
			q.References = append(q.References, Reference{dicom.Ref{Study: "2.2", Series: "2.1", Instance: uid}, "1.2.3"})
		}
		ds := q.Result([]Reason{0, NoSuchInstance, 0})
		if got := instancesIn(ds.Items(form.committed)); got != "1.1 1.3 " {
			t.Errorf("%+v: committed %q", form, got)
		}
		if got := instancesIn(ds.Items(form.failed)); got != "1.2 0112 " {
			t.Errorf("%+v: failed %q", form, got)
		}
		if ds.Len() != 2 || q.Result(make([]Reason, 3)).Len() != 1 {
			t.Errorf("%+v: a list is there that has no items", form)
		}
	}
}

// instancesIn lists the instances below items of any level, with their reasons.
func instancesIn(items []*dicom.DataSet) (all string) {
	for _, item := range items {
		if uid := item.String(dicom.ReferencedSOPInstanceUID); uid != "" {
			all += uid + " "
		}
		if item.Has(dicom.FailureReason) {
			all += "0112 "
		}
		for e := range item.All() {
			all += instancesIn(item.Items(e.Tag))
		}
	}
	return all
}
