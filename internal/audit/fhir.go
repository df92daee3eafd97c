package audit

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Systems of codes and of extensions.
const (
	dicomSystem    = "http://dicom.nema.org/resources/ontology/DCM"
	restSystem     = "http://hl7.org/fhir/restful-interaction"
	terminology    = "http://terminology.hl7.org/CodeSystem/"
	fhirDefinition = "http://hl7.org/fhir/StructureDefinition/"
	balpDefinition = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
	balpEntity     = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
	uidSystem      = "urn:dicom:uid"
)

type coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

type identifier struct {
	System   string     `json:"system,omitempty"`
	Value    string     `json:"value"`
	Assigner *reference `json:"assigner,omitempty"`
}

type reference struct {
	Type       string      `json:"type,omitempty"`
	Identifier *identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

type extension struct {
	URL        string      `json:"url"`
	Integer    *int        `json:"valueInteger,omitempty"`
	Identifier *identifier `json:"valueIdentifier,omitempty"`
	Reference  *reference  `json:"valueReference,omitempty"`
}

// auditEvent is the resource of FHIR R4.
type auditEvent struct {
	ResourceType string   `json:"resourceType"`
	ID           string   `json:"id,omitempty"`
	Meta         *meta    `json:"meta,omitempty"`
	Type         coding   `json:"type"`
	Subtype      []coding `json:"subtype,omitempty"`
	Action       string   `json:"action,omitempty"`
	Period       *period  `json:"period,omitempty"`
	Recorded     string   `json:"recorded"`
	Outcome      string   `json:"outcome"`
	OutcomeDesc  string   `json:"outcomeDesc,omitempty"`
	Agent        []agent  `json:"agent"`
	Source       observed `json:"source"`
	Entity       []entity `json:"entity,omitempty"`
}

type meta struct {
	Profile []string `json:"profile"`
}

type period struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type agent struct {
	Type      *concept  `json:"type,omitempty"`
	Role      []concept `json:"role,omitempty"`
	Who       reference `json:"who"`
	Name      string    `json:"name,omitempty"`
	Requestor bool      `json:"requestor"`
	Network   *network  `json:"network,omitempty"`
}

type network struct {
	Address string `json:"address"`
	Type    string `json:"type"`
}

type observed struct {
	Site     string    `json:"site,omitempty"`
	Observer reference `json:"observer"`
	Type     []coding  `json:"type"`
}

type entity struct {
	Extension   []extension `json:"extension,omitempty"`
	What        *reference  `json:"what,omitempty"`
	Type        *coding     `json:"type,omitempty"`
	Role        *coding     `json:"role,omitempty"`
	Description string      `json:"description,omitempty"`
	Query       string      `json:"query,omitempty"` // base64
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// FHIR writes an event as an AuditEvent of FHIR R4, with the fields of IHE BALP. from names the server. What fits a profile of BALP says
// so: requests that succeeded, for BALP has none for others.
func FHIR(r *Record, from string) ([]byte, error) {
	e := &r.Event
	t := traitOf(e)
	a := auditEvent{ResourceType: "AuditEvent", Type: coding{dicomSystem, t.event.value, t.event.meaning}, Action: t.action,
		Recorded: instant(e.Time), Outcome: strconv.Itoa(int(e.Outcome)), OutcomeDesc: e.Reason,
		Agent:  agents(e, t, from),
		Source: observed{e.Tenant, nameOnly(from), []coding{{terminology + "security-source-type", "4", "Application Server"}}},
		Entity: entities(e)}
	if r.N > 0 {
		a.ID = strconv.FormatUint(r.N, 10)
	}
	if t.eventType != (code{}) {
		a.Subtype = []coding{{dicomSystem, t.eventType.value, t.eventType.meaning}}
	}
	if t.rest != "" {
		a.Subtype = []coding{{restSystem, t.rest, t.rest}}
		if t.rest != "delete" {
			a.Subtype = append(a.Subtype, a.Type) // the profile for deletions has one subtype alone
		}
		a.Type = coding{terminology + "audit-event-type", "rest", "Restful Operation"}
	}
	if p := profileOf(e, t); p != "" {
		a.Meta = &meta{[]string{balpDefinition + p}}
	}
	if e.Count > 0 {
		a.Period = &period{instant(e.Time), instant(e.Until)}
		a.Recorded = instant(e.Until)
	}
	return json.Marshal(a)
}

// profileOf names the profile of BALP that an event fits; "" if none.
func profileOf(e *Event, t trait) string {
	hasData := e.Study != "" || e.Object != ""
	switch {
	case t.profile == "" || e.Outcome != Success || e.Client == "" || e.Server == "":
		return ""
	case t.profile == "Query" && e.Patient != "":
		return "PatientQuery"
	case t.profile == "Query":
		return "Query"
	case !hasData || e.Study != "" && e.Object != "": // one object of data exactly
		return ""
	case e.Patient != "":
		return "Patient" + t.profile
	}
	return t.profile
}

// nameOnly is the reference to what has but a name.
func nameOnly(name string) reference {
	return reference{Identifier: &identifier{Value: name}, Display: name}
}

// agents are the client, the server, and the user where he is known.
func agents(e *Event, t trait, from string) []agent {
	role := func(system, code, display string) *concept {
		return &concept{Coding: []coding{{system, code, display}}}
	}
	source := role(dicomSystem, "110153", "Source Role ID")
	destination := role(dicomSystem, "110152", "Destination Role ID")
	application := role(dicomSystem, "110150", "Application")
	user := role(terminology+"v3-ParticipationType", "IRCP", "information recipient")
	author := role(terminology+"v3-ParticipationType", "AUT", "author (originator)")
	client, server := source, destination
	switch t.rest {
	case "read":
		client, server = destination, source
	case "delete":
		client, server, user = application, role(terminology+"provenance-participant-type", "custodian", "Custodian"), author
	case "create":
		user = author
	case "":
		client, server, user = application, application, nil
	}
	var all []agent
	if e.Client != "" {
		all = append(all, agent{Type: client, Who: nameOnly(host(e.Client)), Requestor: e.Who == "", Network: networkOf(e.Client)})
	}
	all = append(all, agent{Type: server, Who: nameOnly(from), Network: networkOf(e.Server)})
	if e.Who != "" {
		a := agent{Type: user, Who: nameOnly(e.Who), Name: e.Who, Requestor: true}
		for _, r := range e.Roles {
			a.Role = append(a.Role, concept{Text: r})
		}
		all = append(all, a)
	}
	return all
}

func networkOf(address string) *network {
	id, kind := accessPoint(address)
	if id == "" {
		return nil
	}
	return &network{id, kind}
}

// entities are the request, the patient, the query, and the study, workitem or what else it was done to.
func entities(e *Event) []entity {
	kind := func(code, display string) *coding { return &coding{terminology + "audit-entity-type", code, display} }
	role := func(code, display string) *coding { return &coding{terminology + "object-role", code, display} }
	system := kind("2", "System Object")
	var all []entity
	if e.Request != "" {
		all = append(all, entity{What: &reference{Identifier: &identifier{Value: e.Request}}, Type: &coding{balpEntity, "XrequestId", "X-Request-Id"}})
	}
	if e.Patient != "" {
		id := &identifier{Value: e.Patient}
		if e.Issuer != "" {
			id.Assigner = &reference{Display: e.Issuer}
		}
		all = append(all, entity{What: &reference{Type: "Patient", Identifier: id}, Type: kind("1", "Person"), Role: role("1", "Patient")})
	}
	if e.Kind == Query {
		all = append(all, entity{Type: system, Role: role("24", "Query"), Query: base64.StdEncoding.EncodeToString([]byte(e.Query))})
	}
	if e.Study != "" && e.Kind != Query {
		all = append(all, entity{What: objectOf("ImagingStudy", e.Study), Type: system, Role: role("4", "Domain Resource"), Extension: studyExtensions(e)})
	}
	if e.Object != "" {
		all = append(all, entity{What: objectOf("Task", e.Object), Type: system, Role: role("20", "Job")})
	}
	if e.Detail != "" {
		all = append(all, entity{What: &reference{Display: e.Detail}, Type: system, Role: role("13", "Security Resource")})
	}
	return all
}

func objectOf(kind, uid string) *reference {
	return &reference{Type: kind, Identifier: &identifier{System: uidSystem, Value: "urn:oid:" + uid}}
}

// studyExtensions are those that FHIR has for what DICOM says of a study.
func studyExtensions(e *Event) []extension {
	var all []extension
	if n := e.instances(); n > 0 {
		all = append(all, extension{URL: fhirDefinition + "auditevent-NumberOfInstances", Integer: &n})
	}
	if e.Accession != "" {
		all = append(all, extension{URL: fhirDefinition + "auditevent-Accession", Identifier: &identifier{Value: e.Accession}})
	}
	if e.SOPClass != "" {
		all = append(all, extension{URL: fhirDefinition + "auditevent-SOPClass", Reference: objectOf("", e.SOPClass)})
	}
	for _, uid := range e.Instances {
		all = append(all, extension{URL: fhirDefinition + "auditevent-Instance", Identifier: &identifier{System: uidSystem, Value: "urn:oid:" + strings.TrimSpace(uid)}})
	}
	return all
}
