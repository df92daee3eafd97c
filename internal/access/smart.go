package access

import (
	"net/url"
	"strings"
)

// grant is what the scopes of SMART on FHIR in a token allow of images.
type grant struct {
	used     bool     // the token has such scopes, of whichever resource
	roles    Roles    //
	patients []string // Patient IDs; nil: all
}

// smart reads the scopes of SMART App Launch 1 and 2 ("patient/ImagingStudy.read", "user/*.rs"). Of those that are not of images, that
// are not understood, or that are restricted by search parameters, nothing follows. With a scope of a patient everything is limited to the
// patient of the launch: it is less than what the scopes together allow, and never more.
func (m ClaimMapping) smart(claims map[string]any) (grant, error) {
	scopes, err := scopesOf(claims)
	if err != nil {
		return grant{}, err
	}
	var g grant
	allowed := map[string]string{} // letters by context
	for _, text := range scopes {
		context, letters, ok := parseSMART(text)
		if ok {
			g.used = true
			allowed[context] += letters
		}
	}
	for context, letters := range allowed {
		roles := rolesOfLetters(letters)
		if roles == 0 {
			continue
		}
		if context == "patient" {
			if g.patients, err = m.launchPatient(claims); err != nil {
				return grant{}, err
			}
		}
		g.roles |= roles
	}
	return g, nil
}

// parseSMART reads a scope: its context and the letters of what it allows of images, perhaps none. It is not ok if it is none of a FHIR
// resource.
func parseSMART(scope string) (context, letters string, ok bool) {
	context, rest, found := strings.Cut(scope, "/")
	if !found || context != "patient" && context != "user" && context != "system" {
		return "", "", false
	}
	rest, _, restricted := strings.Cut(rest, "?")
	resource, permission, found := strings.Cut(rest, ".")
	if !found || restricted || resource != "ImagingStudy" && resource != "*" {
		return context, "", true
	}
	switch permission {
	case "read":
		return context, "rs", true
	case "write":
		return context, "cud", true
	case "*":
		return context, "cruds", true
	}
	left := "cruds" // the letters come in this order, each once
	for _, letter := range permission {
		_, after, found := strings.Cut(left, string(letter))
		if !found {
			return context, "", true
		}
		left = after
	}
	return context, permission, true
}

// rolesOfLetters are the roles that letters allow. Read is both to read and to search.
func rolesOfLetters(letters string) Roles {
	var roles Roles
	if strings.Contains(letters, "r") && strings.Contains(letters, "s") {
		roles |= RolesOf(Read)
	}
	if strings.Contains(letters, "c") {
		roles |= RolesOf(Store)
	}
	if strings.Contains(letters, "d") {
		roles |= RolesOf(Delete)
	}
	return roles
}

// launchPatient are the Patient IDs of the patient whom the token was launched for: those of the claim "patient", or of the FHIR user if
// that is a patient.
func (m ClaimMapping) launchPatient(claims map[string]any) ([]string, error) {
	texts, err := textsOf(claims, "patient")
	if err != nil || len(texts) > 1 {
		return nil, unusable("patient")
	}
	id := ""
	if len(texts) == 1 {
		id = texts[0]
	} else if user, err := textsOf(claims, "fhirUser"); err == nil && len(user) == 1 {
		id = patientOf(user[0])
	}
	id = strings.TrimPrefix(id, "Patient/")
	switch {
	case id == "":
		return nothing, nil
	case m.FHIRPatients == nil:
		return []string{id}, nil
	case len(m.FHIRPatients[id]) == 0:
		return nothing, nil
	}
	return m.FHIRPatients[id], nil
}

// patientOf is the id of a reference to a Patient ("https://ehr.example/fhir/Patient/7"), "" if it refers to somebody else.
func patientOf(reference string) string {
	if u, err := url.Parse(reference); err == nil {
		reference = u.Path
	}
	parts := strings.Split(reference, "/")
	if n := len(parts); n >= 2 && parts[n-2] == "Patient" {
		return parts[n-1]
	}
	return ""
}
