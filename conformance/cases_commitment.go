package conformance

import (
	"fmt"
	"net/http"

	"github.com/noctis-dicom/noctis/dicom"
)

// reference makes an item of a Referenced SOP Sequence.
func reference(class, uid string) *dicom.DataSet {
	item := &dicom.DataSet{}
	item.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, class)
	item.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, uid)
	return item
}

// commit asks for commitment of the references and waits for the result, as a client would.
func (t *T) commit(name string, references ...*dicom.DataSet) object {
	ds := &dicom.DataSet{}
	ds.SetItems(dicom.ReferencedSOPSequence, references...)
	path := "/commitment-requests/" + t.uid("commitment "+name)
	a := t.send(http.MethodPost, path, t.json(ds), contentTypeJSON, acceptJSON).status(200, 202)
	for range 100 {
		if a.code == 200 {
			return a.object()
		}
		a = t.get(path, acceptJSON).status(200, 202)
	}
	t.skip("the server is still at work after 100 questions")
	return nil
}

// commitmentCases are PS3.18 chapter 13.
func commitmentCases() []Case {
	return of(Commitment,
		writes("instances", "PS3.18 13.4.3.1", Shall, "stored instances are committed", func(t *T) {
			in := t.own().ct[0]
			o := t.commit("instances", reference(in.class, in.uid), reference(t.data.us.class, t.data.us.uid))
			if n := len(o.items(referencedSOPs)); n != 2 || o.has(failedSOPs) {
				t.failGot(fmt.Sprintf("%d items", n), "(0008,1199) with two items, no (0008,1198)")
			}
		}),
		writes("unknown-instance", "PS3.18 13.4.2", Shall, "an instance that is not stored fails with reason 0112H", func(t *T) {
			o := t.commit("unknown", reference(secondaryCapture, unknownUID))
			if reasons := failures(o, failedSOPs); len(reasons) != 1 || reasons[0] != "274" {
				t.fail("(0008,1198) with Failure Reason 274 (0112H)")
			}
		}),
		writes("class-conflict", "PS3.18 13.4.2", Shall, "an instance of another SOP Class than was said fails with reason 0119H", func(t *T) {
			o := t.commit("class", reference(secondaryCapture, t.own().ct[0].uid))
			if reasons := failures(o, failedSOPs); len(reasons) != 1 || reasons[0] != "281" {
				t.fail("(0008,1198) with Failure Reason 281 (0119H)")
			}
		}),
		writes("mixed", "PS3.18 13.4.2", Shall, "of several instances each has its own result", func(t *T) {
			in := t.own().ct[0]
			o := t.commit("mixed", reference(in.class, in.uid), reference(secondaryCapture, unknownUID))
			if len(o.items(referencedSOPs)) != 1 || len(o.items(failedSOPs)) != 1 {
				t.fail("one item in (0008,1199), one in (0008,1198)")
			}
		}),
		writes("study", "PS3.18 13.4.1.4", Shall, "a study's instances are committed by Referenced Study Sequence", func(t *T) {
			in := t.own().ct[0]
			series := &dicom.DataSet{}
			series.SetItems(dicom.ReferencedInstanceSequence, reference(in.class, in.uid))
			series.SetItems(dicom.ReferencedSOPSequence, reference(in.class, in.uid))
			series.SetStrings(dicom.SeriesInstanceUID, dicom.UI, in.series)
			series.Delete(dicom.ReferencedInstanceSequence)
			study := &dicom.DataSet{}
			study.SetItems(dicom.ReferencedSeriesSequence, series)
			study.SetStrings(dicom.StudyInstanceUID, dicom.UI, in.study)
			ds := &dicom.DataSet{}
			ds.SetItems(dicom.ReferencedStudySequence, study)
			t.send(http.MethodPost, "/commitment-requests/"+t.uid("commitment study"), t.json(ds), contentTypeJSON, acceptJSON).status(200, 202, 400)
		}),
		writes("duplicate", "PS3.18 13.4.3.1", Shall, "a transaction UID that was used is answered 409", func(t *T) {
			in := t.own().ct[0]
			t.commit("duplicate", reference(in.class, in.uid))
			ds := &dicom.DataSet{}
			ds.SetItems(dicom.ReferencedSOPSequence, reference(in.class, in.uid))
			t.send(http.MethodPost, "/commitment-requests/"+t.uid("commitment duplicate"), t.json(ds), contentTypeJSON, acceptJSON).status(409)
		}),
		writes("result", "PS3.18 13.5.3.1", Shall, "the result can be asked for again", func(t *T) {
			in := t.own().ct[0]
			t.commit("result", reference(in.class, in.uid))
			t.get("/commitment-requests/"+t.uid("commitment result"), acceptJSON).status(200).object()
		}),
		reads("result-404", "PS3.18 13.5.3.1", Shall, "a request that nobody made is answered 404", func(t *T) {
			t.get("/commitment-requests/"+unknownUID, acceptJSON).status(404, 410)
		}),
		writes("bad", "PS3.18 13.4.3.1", Shall, "a body that is no data set is answered 400", func(t *T) {
			t.send(http.MethodPost, "/commitment-requests/"+t.uid("commitment bad"), []byte("{"), contentTypeJSON, acceptJSON).status(400)
		}),
		writes("empty", "PS3.18 13.4.3.1", Shall, "a request without references is answered 400", func(t *T) {
			t.send(http.MethodPost, "/commitment-requests/"+t.uid("commitment empty"), []byte("{}"), contentTypeJSON, acceptJSON).status(400)
		}),
	)
}
