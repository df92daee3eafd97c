package access

import (
	"context"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

func TestRolesAllowWhatTheyName(t *testing.T) {
	all := []Role{Read, Store, Delete, Worklist, Admin}
	for _, have := range all {
		for _, want := range all {
			if got := RolesOf(have).Has(want); got != (have == want || have == Admin) {
				t.Errorf("%v allows %v: %v", have, want, got)
			}
		}
		if !RolesOf(have).Has(Anyone) || RolesOf(have).Has(0) {
			t.Errorf("%v: Anyone is allowed to all, and a role that was forgotten to nobody", have)
		}
	}
	if Roles(0).Has(Read) || !Roles(0).Has(Anyone) {
		t.Error("no roles allow what asks for Anyone, and nothing else")
	}
}

func TestRolesAreReadAsTheyAreWritten(t *testing.T) {
	set, err := ParseRoles([]string{"Read", " store "})
	if err != nil || set != RolesOf(Read, Store) {
		t.Errorf("got %v, %v", set.Names(), err)
	}
	for _, wrong := range []string{"", "none", "anyone", "root"} {
		if _, err := ParseRoles([]string{wrong}); err == nil {
			t.Errorf("%q is taken for a role", wrong)
		}
	}
}

func TestContextWithoutPrincipalIsNobody(t *testing.T) {
	if p := Of(context.Background()); p.Known() || p.Roles != 0 {
		t.Errorf("got %+v", p)
	}
	if p := Of(With(context.Background(), Principal{Name: "CT1", Kind: Key})); p.Name != "CT1" || !p.Known() {
		t.Errorf("got %+v", p)
	}
}

func TestScopeHoldsForStudies(t *testing.T) {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.PatientID, dicom.LO, "P1")
	ds.SetStrings(dicom.InstitutionName, dicom.LO, "North")
	ds.SetStrings(dicom.ReferringPhysicianName, dicom.PN, "Doe^John")
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "1.2.3")
	for _, c := range []struct {
		name  string
		scope Scope
		want  bool
	}{
		{"everything", Scope{}, true},
		{"one of two patients", Scope{Patients: []string{"P2", "P1"}}, true},
		{"another patient", Scope{Patients: []string{"P2"}}, false},
		{"a pattern is not one", Scope{Patients: []string{"P*"}}, false},
		{"study", Scope{Studies: []dicom.UID{"1.2.3"}}, true},
		{"another study", Scope{Studies: []dicom.UID{"1.2"}}, false},
		{"all limits hold", Scope{Patients: []string{"P1"}, Facilities: []string{"North"}, Physicians: []string{"Doe^John"}}, true},
		{"one limit does not", Scope{Patients: []string{"P1"}, Facilities: []string{"South"}}, false},
		{"another physician", Scope{Physicians: []string{"Roe^Jane"}}, false},
	} {
		if got := (match.Query{Keys: c.scope.Keys()}).Match(ds); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if !(Scope{}).Everything() || (Scope{Patients: []string{"P1"}}).Everything() {
		t.Error("only the empty scope is everything")
	}
}
