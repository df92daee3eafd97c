package access

import (
	"context"
	"testing"

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
	ctx := With(context.Background(), Principal{Name: "CT1", Kind: Key, Scope: Scope{Patients: []string{"P1"}}})
	if p := Of(ctx); p.Name != "CT1" || !p.Known() {
		t.Errorf("got %+v", p)
	}
	if l := match.LimitsOf(ctx); len(l.Patients) != 1 {
		t.Errorf("the limits are %+v", l)
	}
}
