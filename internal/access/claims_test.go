package access

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

func TestClaimsMakePrincipals(t *testing.T) {
	mapping := ClaimMapping{
		Roles: "realm_access.roles", Patients: "pid", Facilities: "https://example.org/facility",
		RoleNames: map[string]Roles{"radiologist": RolesOf(Read)},
	}
	smart := ClaimMapping{}
	mapped := ClaimMapping{FHIRPatients: map[string][]string{"7": {"P7", "OLD7"}}, Roles: "roles"}
	read, store := RolesOf(Read), RolesOf(Store)
	none := Scope{Patients: []string{""}}
	for _, c := range []struct {
		name    string
		mapping ClaimMapping
		claims  string
		roles   Roles
		scope   Scope
	}{
		{"role and limits", mapping, `{"sub":"a","realm_access":{"roles":["radiologist","offline_access"]},"pid":"P1","https://example.org/facility":["North","East"]}`,
			read, Scope{Patients: []string{"P1"}, Facilities: []string{"North", "East"}}},
		{"a limit without its claim is nothing", mapping, `{"sub":"a","realm_access":{"roles":["store"]}}`,
			store, Scope{Patients: []string{""}, Facilities: []string{""}}},
		{"but for administrators", mapping, `{"sub":"a","realm_access":{"roles":["admin"]},"pid":"P1"}`,
			RolesOf(Admin), Scope{Patients: []string{"P1"}}},
		{"an empty list of a limit", mapping, `{"sub":"a","pid":[],"https://example.org/facility":"North"}`,
			0, Scope{Patients: []string{""}, Facilities: []string{"North"}}},
		{"no roles", smart, `{"sub":"a"}`, 0, Scope{}},

		{"patient, version 1", smart, `{"sub":"a","scope":"openid launch patient/ImagingStudy.read","patient":"7"}`, read, Scope{Patients: []string{"7"}}},
		{"patient, version 2", smart, `{"sub":"a","scope":"patient/ImagingStudy.rs","patient":"7"}`, read, Scope{Patients: []string{"7"}}},
		{"all resources", smart, `{"sub":"a","scp":["patient/*.rs"],"patient":"7"}`, read, Scope{Patients: []string{"7"}}},
		{"two halves", smart, `{"sub":"a","scope":"patient/ImagingStudy.r patient/ImagingStudy.s","patient":"7"}`, read, Scope{Patients: []string{"7"}}},
		{"to read is not to search", smart, `{"sub":"a","scope":"user/ImagingStudy.r"}`, 0, Scope{}},
		{"user", smart, `{"sub":"a","scope":"user/ImagingStudy.rs"}`, read, Scope{}},
		{"system", smart, `{"sub":"a","scope":"system/ImagingStudy.cruds"}`, RolesOf(Read, Store, Delete), Scope{}},
		{"write, version 1", smart, `{"sub":"a","scope":"system/ImagingStudy.write"}`, RolesOf(Store, Delete), Scope{}},
		{"everything, version 1", smart, `{"sub":"a","scope":"system/*.*"}`, RolesOf(Read, Store, Delete), Scope{}},
		{"patient and user", smart, `{"sub":"a","scope":"user/ImagingStudy.rs patient/ImagingStudy.c","patient":"7"}`,
			RolesOf(Read, Store), Scope{Patients: []string{"7"}}},
		{"no launch context", smart, `{"sub":"a","scope":"patient/ImagingStudy.rs"}`, read, none},
		{"the user is the patient", smart, `{"sub":"a","scope":"patient/ImagingStudy.rs","fhirUser":"https://ehr.example/fhir/Patient/7"}`, read, Scope{Patients: []string{"7"}}},
		{"the user is a practitioner", smart, `{"sub":"a","scope":"patient/ImagingStudy.rs","fhirUser":"Practitioner/7"}`, read, none},
		{"another resource", smart, `{"sub":"a","scope":"patient/Observation.rs","patient":"7"}`, 0, Scope{}},
		{"parameters", smart, `{"sub":"a","scope":"user/ImagingStudy.rs?modality=CT"}`, 0, Scope{}},
		{"letters out of order", smart, `{"sub":"a","scope":"user/ImagingStudy.sr"}`, 0, Scope{}},
		{"a letter that is none", smart, `{"sub":"a","scope":"user/ImagingStudy.rsx"}`, 0, Scope{}},
		{"case", smart, `{"sub":"a","scope":"user/imagingstudy.rs USER/ImagingStudy.rs"}`, 0, Scope{}},

		{"FHIR ids are mapped", mapped, `{"sub":"a","scope":"patient/ImagingStudy.rs","patient":"7"}`, read, Scope{Patients: []string{"P7", "OLD7"}}},
		{"or are nobody's", mapped, `{"sub":"a","scope":"patient/ImagingStudy.rs","patient":"8"}`, read, none},
		{"scopes allow no more than roles", mapped, `{"sub":"a","roles":"store","scope":"user/ImagingStudy.cruds"}`, store, Scope{}},
		{"roles allow no more than scopes", mapped, `{"sub":"a","roles":["admin"],"scope":"user/ImagingStudy.rs"}`, read, Scope{}},
		{"roles of other servers say nothing", mapped, `{"sub":"a","roles":["offline_access","uma_authorization"],"scope":"user/ImagingStudy.rs"}`, read, Scope{}},
		{"and give nothing", mapped, `{"sub":"a","roles":["offline_access"],"scope":"openid"}`, 0, Scope{}},
		{"scopes of something else take roles away", mapped, `{"sub":"a","roles":["read"],"scope":"user/Observation.rs"}`, 0, Scope{}},
		{"the claim of patients and the launch", ClaimMapping{Patients: "pid"}, `{"sub":"a","scope":"patient/*.rs","patient":"7","pid":["8","7"]}`,
			read, Scope{Patients: []string{"7"}}},
		{"which have nobody in common", ClaimMapping{Patients: "pid"}, `{"sub":"a","scope":"patient/*.rs","patient":"7","pid":"8"}`, read, none},
	} {
		var claims map[string]any
		if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
			t.Fatal(err)
		}
		p, err := c.mapping.Principal(claims)
		if err != nil || p.Name != "a" || p.Kind != Token || p.Roles != c.roles || !reflect.DeepEqual(p.Scope, c.scope) {
			t.Errorf("%s: %v %+v (%v), want %v %+v", c.name, p.Roles.Names(), p.Scope, err, c.roles.Names(), c.scope)
		}
	}
}

func TestClaimsThatCannotBeUnderstoodAreRefused(t *testing.T) {
	mapping := ClaimMapping{Roles: "roles", Patients: "pid", Tenant: "tenant"}
	for _, text := range []string{
		`{"tenant":"t"}`,
		`{"sub":"","tenant":"t"}`,
		`{"sub":7,"tenant":"t"}`,
		`{"sub":"a"}`,
		`{"sub":"a","tenant":["t","u"]}`,
		`{"sub":"a","tenant":"t","pid":7}`,
		`{"sub":"a","tenant":"t","pid":["P1",7]}`,
		`{"sub":"a","tenant":"t","roles":{"admin":true}}`,
		`{"sub":"a","tenant":"t","scope":7}`,
		`{"sub":"a","tenant":"t","scope":"patient/ImagingStudy.rs","patient":["7","8"]}`,
	} {
		var claims map[string]any
		if err := json.Unmarshal([]byte(text), &claims); err != nil {
			t.Fatal(err)
		}
		if p, err := mapping.Principal(claims); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
}

// FuzzSMARTScope holds that no scope allows more than its context and letters say.
func FuzzSMARTScope(f *testing.F) {
	f.Add("patient/ImagingStudy.rs")
	f.Add("user/*.cruds?x=y")
	f.Fuzz(func(t *testing.T, scope string) {
		context, letters, ok := parseSMART(scope)
		if !ok && (context != "" || letters != "") {
			t.Errorf("%q is no scope and allows %q", scope, letters)
		}
		for _, l := range letters {
			if l != 'c' && l != 'r' && l != 'u' && l != 'd' && l != 's' {
				t.Errorf("%q allows %q", scope, letters)
			}
		}
	})
}
