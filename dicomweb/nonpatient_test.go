package dicomweb

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// nonPatientNames are those of dicomtest.NonPatient in conversations; each has the UID 1.2.12 and its place, counted from 1.
var nonPatientNames = []string{"palette", "hanging", "protocol-ct", "protocol-xa", "approval", "implant", "assembly", "group", "inventory"}

// nonPatientNamed makes the data set of an instance of no patient; behind "other-" it has the same UID, and is another.
func nonPatientNamed(name string) *dicom.DataSet {
	base, other := strings.CutPrefix(name, "other-")
	i := slices.Index(nonPatientNames, base)
	if i < 0 {
		return nil
	}
	ds := dicomtest.NonPatient("demo")[i].DataSet
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.12."+string(rune('1'+i)))
	if other {
		ds.SetStrings(dicom.InstanceCreationDate, dicom.DA, "20270101")
	}
	return ds
}

// limited lets everybody in, to one study.
type limited struct{}

func (limited) Authenticate(*http.Request) (access.Principal, error) {
	return access.Principal{Name: "reader", Kind: access.Key, Roles: access.RolesOf(access.Admin), Scope: access.Scope{Studies: []dicom.UID{"1.2.3"}}}, nil
}
func (limited) Challenges() []string { return nil }

// TestNonPatientIsWithinNoLimits: who may see one study sees no inventory of all patients, and stores none.
func TestNonPatientIsWithinNoLimits(t *testing.T) {
	st := memstore.New(store.Options{})
	if _, err := st.Ingest(t.Context(), bytes.NewReader(fileNamed(t, "inventory")), ""); err != nil {
		t.Fatal(err)
	}
	s, err := New(st, Options{Authenticator: limited{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, target string
		want           int
	}{
		{"GET", "/inventories", 204}, {"GET", "/inventories/1.2.12.9", 404}, {"POST", "/inventories", 400}, {"DELETE", "/inventories/1.2.12.9", 404},
		{"GET", "/recycle-bin/inventories", 404}, {"GET", "/inventories/1.2.12.9/bulkdata/00080423", 404},
	} {
		r := httptest.NewRequest(c.method, "/dicom-web"+c.target, bytes.NewReader(fileNamed(t, "inventory")))
		r.Header.Set("Content-Type", "application/dicom")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, w.Code, c.want)
		}
	}
}
