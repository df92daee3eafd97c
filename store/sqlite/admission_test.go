package sqlite_test

import (
	"crypto/sha256"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// TestNonPatientsAreAdmitted: a search for all of instances of no patient asks before each, and gives what was stored; one for their
// summaries asks for nothing.
func TestNonPatientsAreAdmitted(t *testing.T) {
	x, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var scope dicom.Ref
	stored := map[dicom.UID]string{}
	for _, name := range []string{"one", "two", "three"} {
		ds := dicomtest.NonPatient(name)[0].DataSet
		ds.SetStrings(dicom.TextValue, dicom.UT, name+strings.Repeat("x", 2<<20))
		metadata, err := ds.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		e := &store.Entry{Ref: ds.Ref(), SOPClass: ds.UID(dicom.SOPClassUID), Blob: sha256.Sum256([]byte(name)), DataSet: ds, Metadata: metadata}
		if _, err := x.Insert(t.Context(), []*store.Entry{e}); err != nil {
			t.Fatal(err)
		}
		scope.Resource, stored[e.Ref.Instance] = e.Ref.Resource, ds.String(dicom.TextValue)
	}
	asked, refusal := 0, errors.New("no")
	ctx := store.WithAdmission(t.Context(), func(n int64) error {
		if n < 2<<20 {
			return nil
		}
		if asked++; asked > 3 {
			return refusal
		}
		return nil
	})
	q := match.Query{Level: match.Instance, Scope: scope, IncludeAll: true, Limit: -1}
	for ds, err := range x.Search(ctx, q) {
		if err != nil {
			t.Fatal(err)
		}
		if uid := ds.UID(dicom.SOPInstanceUID); ds.String(dicom.TextValue) != stored[uid] || stored[uid] == "" {
			t.Errorf("%s is not what was stored", uid)
		}
		delete(stored, ds.UID(dicom.SOPInstanceUID))
	}
	if asked != 3 || len(stored) > 0 {
		t.Errorf("asked %d times, %d are missing", asked, len(stored))
	}
	for _, err := range x.Search(ctx, q) {
		if !errors.Is(err, refusal) {
			t.Errorf("what is not admitted comes: %v", err)
		}
	}
	asked = 0
	q.IncludeAll = false
	n := 0
	for _, err := range x.Search(ctx, q) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	if asked != 0 || n != 3 {
		t.Errorf("for %d summaries, %d times", n, asked)
	}
}
