package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// heldFile is a file that names a patient and a facility.
func heldFile(t *testing.T, study, uid, patient, facility string) []byte {
	t.Helper()
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.66")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, uid)
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, study)
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, study+".1")
	ds.SetStrings(dicom.PatientID, dicom.LO, patient)
	ds.SetStrings(dicom.InstitutionName, dicom.LO, facility)
	var b bytes.Buffer
	if err := part10.Write(&b, ds, part10.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ingest(ctx context.Context, s *store.Store, file []byte) (uint16, error) {
	_, err := s.Ingest(ctx, bytes.NewReader(file), "")
	var f *store.Failure
	if errors.As(err, &f) {
		return f.Reason, nil
	}
	return 0, err
}

func TestStoringKeepsToLimits(t *testing.T) {
	north := match.Within(t.Context(), match.Limits{Facilities: []string{"North"}})
	for _, conflict := range []store.Conflict{store.Reject, store.Keep, store.Replace} {
		s := memstore.New(store.Options{Conflict: conflict})
		for _, c := range []struct {
			what                         string
			study, uid, patient, facilty string
			ctx                          context.Context
			want                         uint16
		}{
			{"anything", "1.2.1", "1.2.1.1.1", "P1", "South", t.Context(), 0},
			{"anything", "1.2.2", "1.2.2.1.1", "P1", "North", t.Context(), 0},
			{"a study of his", "1.2.3", "1.2.3.1.1", "P1", "North", north, 0},
			{"more of it, of nobody", "1.2.3", "1.2.3.1.2", "P1", "", north, 0},
			{"a study of nobody", "1.2.4", "1.2.4.1.1", "P1", "", north, store.ReasonNotAuthorized},
			{"a study of another", "1.2.5", "1.2.5.1.1", "P1", "South", north, store.ReasonNotAuthorized},
			{"something of another into his", "1.2.3", "1.2.3.1.3", "P1", "South", north, store.ReasonNotAuthorized},
			{"into a study of another", "1.2.1", "1.2.1.1.2", "P1", "North", north, store.ReasonNotAuthorized},
			{"the instance of another", "1.2.1", "1.2.1.1.1", "P1", "South", north, store.ReasonNotAuthorized},
			{"the UID of another", "1.2.6", "1.2.1.1.1", "P1", "North", north, store.ReasonNotAuthorized},
			{"into a study that he sees", "1.2.2", "1.2.2.1.2", "P1", "North", north, 0},
			{"the same again", "1.2.2", "1.2.2.1.2", "P1", "North", north, 0},
		} {
			reason, err := ingest(c.ctx, s, heldFile(t, c.study, c.uid, c.patient, c.facilty))
			if err != nil || reason != c.want {
				t.Errorf("%v: %s: %04x, %v; want %04x", conflict, c.what, reason, err, c.want)
			}
		}
		if n, err := s.Count(t.Context(), match.Query{Level: match.Instance}); err != nil || n != 5 {
			t.Errorf("%v: %d instances, %v", conflict, n, err)
		}
	}
}

func TestChangesKeepToLimits(t *testing.T) {
	s := memstore.New(store.Options{})
	mine := match.Within(t.Context(), match.Limits{Patients: []string{"P1"}})
	put := func(study, uid, patient string) {
		t.Helper()
		if reason, err := ingest(t.Context(), s, heldFile(t, study, uid, patient, "")); err != nil || reason != 0 {
			t.Fatal(reason, err)
		}
	}
	told := make(chan error)
	go func() { told <- s.Wait(mine, store.Cursor{}) }()
	put("1.2.1", "1.2.1.1.1", "P2")
	select {
	case err := <-told:
		t.Fatalf("told of another's: %v", err)
	default:
	}
	put("1.2.2", "1.2.2.1.1", "P1")
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	put("1.2.3", "1.2.3.1.1", "P1")
	put("1.2.3", "1.2.3.1.2", "P2") // now it is nobody's
	if _, err := s.Delete(mine, dicom.Ref{Study: "1.2.1"}); !errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrGone) {
		t.Errorf("deleting another's: %v", err)
	}
	if _, err := s.Delete(t.Context(), dicom.Ref{Study: "1.2.1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Missing(mine, dicom.Ref{Study: "1.2.1"}); errors.Is(err, store.ErrGone) {
		t.Errorf("another's was here: %v", err)
	}
	var studies []dicom.UID
	for c, err := range s.Changes(mine, store.Cursor{}) {
		if err != nil {
			t.Fatal(err)
		}
		studies = append(studies, c.Ref.Study)
	}
	if len(studies) != 2 || studies[0] != "1.2.2" || studies[1] != "1.2.2" { // the instance, and that the study has begun
		t.Errorf("told of %v", studies)
	}
	for range s.RecycleBin(mine, store.RemovedQuery{}) {
		t.Error("the recycle bin is seen")
	}
}
