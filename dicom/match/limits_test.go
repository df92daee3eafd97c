package match

import (
	"context"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
)

func TestLimitsHoldForStudies(t *testing.T) {
	type instance struct{ patient, issuer, facility, physician string }
	p1 := instance{"P1", "", "North", "Doe^John"}
	for _, c := range []struct {
		name      string
		limits    Limits
		instances []instance
		want      bool
	}{
		{"everything", Limits{}, []instance{{}}, true},
		{"one of two patients", Limits{Patients: []string{"P2", "P1"}}, []instance{p1}, true},
		{"another patient", Limits{Patients: []string{"P2"}}, []instance{p1}, false},
		{"a pattern is not one", Limits{Patients: []string{"P*", "P?", "*"}}, []instance{p1}, false},
		{"a pattern is a patient", Limits{Patients: []string{"P*"}}, []instance{{patient: "P*"}}, true},
		{"padding", Limits{Patients: []string{" P1"}}, []instance{{patient: "P1  "}}, true},
		{"case tells IDs apart", Limits{Patients: []string{"p1"}}, []instance{p1}, false},
		{"an empty limit is nobody's", Limits{Patients: []string{""}}, []instance{{}, p1}, false},
		{"nobody is not somebody", Limits{Patients: []string{"P1"}}, []instance{{facility: "North"}}, false},
		{"somebody and nobody", Limits{Patients: []string{"P1"}}, []instance{p1, {}}, true},
		{"somebody and another", Limits{Patients: []string{"P1"}}, []instance{p1, {patient: "P2"}}, false},
		{"both of them", Limits{Patients: []string{"P1", "P2"}}, []instance{p1, {patient: "P2"}}, true},
		{"two in one attribute", Limits{Patients: []string{"P1", "P2"}}, []instance{{patient: `P1\P2`}}, false},
		{"any issuer", Limits{Patients: []string{"P1"}}, []instance{{patient: "P1", issuer: "A"}}, true},
		{"the issuer", Limits{Patients: []string{"P1^^^A"}}, []instance{{patient: "P1", issuer: "A "}}, true},
		{"another issuer", Limits{Patients: []string{"P1^^^B"}}, []instance{{patient: "P1", issuer: "A"}}, false},
		{"no issuer where one is asked for", Limits{Patients: []string{"P1^^^A"}}, []instance{p1}, false},
		{"two issuers", Limits{Patients: []string{"P1^^^A"}}, []instance{{patient: "P1", issuer: "A"}, {patient: "P1", issuer: "B"}}, false},
		{"study", Limits{Studies: []dicom.UID{"1.2.3"}}, []instance{p1}, true},
		{"another study", Limits{Studies: []dicom.UID{"1.2"}}, []instance{p1}, false},
		{"all limits hold", Limits{Patients: []string{"P1"}, Facilities: []string{"North"}, Physicians: []string{"DOE^john^"}}, []instance{p1}, true},
		{"one limit does not", Limits{Patients: []string{"P1"}, Facilities: []string{"South"}}, []instance{p1}, false},
		{"another physician", Limits{Physicians: []string{"Roe^Jane"}}, []instance{p1}, false},
		{"part of a name", Limits{Physicians: []string{"Doe"}}, []instance{p1}, false},
		{"a component group", Limits{Physicians: []string{"山田^太郎"}}, []instance{{physician: "Yamada^Tarou=山田^太郎=やまだ^たろう"}}, true},
		{"all component groups", Limits{Physicians: []string{"yamada^tarou=山田^太郎"}}, []instance{{physician: "Yamada^Tarou=山田^太郎"}}, true},
	} {
		var of Holders
		for _, in := range c.instances {
			ds := &dicom.DataSet{}
			ds.SetStrings(dicom.PatientID, dicom.LO, in.patient)
			ds.SetStrings(dicom.IssuerOfPatientID, dicom.LO, in.issuer)
			ds.SetStrings(dicom.InstitutionName, dicom.LO, in.facility)
			ds.SetStrings(dicom.ReferringPhysicianName, dicom.PN, in.physician)
			of.Add(NamedBy(ds))
		}
		if got := c.limits.Allow("1.2.3", of); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLimitsOfAnInstanceThatComes(t *testing.T) {
	l := Limits{Patients: []string{"P1"}, Studies: []dicom.UID{"1.2"}}
	for _, c := range []struct {
		study dicom.UID
		named Named
		want  bool
	}{
		{"1.2", Named{Patient: "P1"}, true}, {"1.2", Named{}, true}, {"1.2", Named{Patient: "P2"}, false}, {"1.3", Named{Patient: "P1"}, false},
	} {
		if got := l.AllowInto(c.study, c.named); got != c.want {
			t.Errorf("%+v into %s: %v", c.named, c.study, got)
		}
	}
}

func TestLimitsHaveTextsOfTheirOwn(t *testing.T) {
	seen := map[string]Limits{}
	for _, l := range []Limits{
		{}, {Patients: []string{"a"}}, {Patients: []string{"a", "b"}}, {Patients: []string{"a\nb"}}, {Patients: []string{""}}, {Studies: []dicom.UID{"a"}},
		{Facilities: []string{"a"}}, {Physicians: []string{"a"}}, {Patients: []string{"a"}, Facilities: []string{"b"}},
		{Patients: []string{"a"}, Studies: []dicom.UID{"b"}}, {Patients: []string{"", "", "", "a"}}, {Facilities: []string{"", "a"}},
	} {
		if other, there := seen[l.Text()]; there {
			t.Errorf("%+v and %+v have one text", l, other)
		}
		seen[l.Text()] = l
	}
	if (Limits{}).Text() != "" {
		t.Error("no limits have a text")
	}
}

func TestLimitsTravelInContexts(t *testing.T) {
	if l := LimitsOf(context.Background()); !l.Everything() {
		t.Errorf("limits %+v", l)
	}
	ctx := Within(context.Background(), Limits{Patients: []string{"P1"}})
	if l := LimitsOf(context.WithoutCancel(ctx)); l.Everything() {
		t.Error("the limits are lost")
	}
	if l := LimitsOf(Within(ctx, Limits{})); !l.Everything() {
		t.Errorf("limits %+v", l)
	}
}
