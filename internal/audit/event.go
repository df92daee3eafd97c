package audit

import (
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// Outcome is how it ended (PS3.15 A.5.2, EventOutcomeIndicator).
type Outcome int

// The outcomes.
const (
	Success Outcome = 0
	Minor   Outcome = 4  // it was refused, or what was asked for is not there
	Serious Outcome = 8  // it failed, or was refused for being asked too often
	Major   Outcome = 12 // the server could not do it at all
)

// OutcomeOf is that of a status of HTTP.
func OutcomeOf(status int) Outcome {
	switch {
	case status < 400:
		return Success
	case status == 429:
		return Serious
	case status < 500:
		return Minor
	case status == 503, status == 507:
		return Major
	}
	return Serious
}

// Event is one access, or what else is recorded. It is about one patient at most, and one study of his.
type Event struct {
	Time    time.Time `json:"time"`
	Kind    Kind      `json:"kind"`
	Outcome Outcome   `json:"outcome"`
	Reason  string    `json:"reason,omitempty"` // of a failure, without patient data

	Actor
	Server string `json:"server,omitempty"` // host that was addressed

	Request string `json:"request,omitempty"` // X-Request-Id
	Method  string `json:"method,omitempty"`
	Route   string `json:"route,omitempty"`
	Status  int    `json:"status,omitempty"`
	Query   string `json:"query,omitempty"` // target of a search, as it came

	Subject
	Detail string `json:"detail,omitempty"` // of what is about no patient: the key, the folder, the address

	// Of reads that were gathered: how many, until when, and how many of each route.
	Count  int            `json:"count,omitempty"`
	Until  time.Time      `json:"until,omitzero"`
	Routes map[string]int `json:"routes,omitempty"`
}

// Actor is who did it, from where.
type Actor struct {
	Who    string      `json:"who,omitempty"` // name of the principal; "": nobody is known
	As     access.Kind `json:"as,omitempty"`  // how he was known
	Roles  []string    `json:"roles,omitempty"`
	Tenant string      `json:"tenant,omitempty"`
	Client string      `json:"client,omitempty"` // network address
}

// ActorOf is the actor that a principal is.
func ActorOf(p access.Principal, client string) Actor {
	a := Actor{Who: p.Name, Tenant: p.Tenant, Client: client}
	if p.Known() {
		a.As, a.Roles = p.Kind, p.Roles.Names()
	}
	return a
}

// Subject is what it was done to.
type Subject struct {
	Patient   string   `json:"patient,omitempty"` // Patient ID
	Issuer    string   `json:"issuer,omitempty"`  // of Patient ID
	Study     string   `json:"study,omitempty"`
	Accession string   `json:"accession,omitempty"`
	Series    []string `json:"series,omitempty"`
	Instances []string `json:"instances,omitempty"`
	SOPClass  string   `json:"sopClass,omitempty"` // of all instances, where it is known
	Number    int      `json:"number,omitempty"`   // of instances, where they are more than are named, or none is
	Object    string   `json:"object,omitempty"`   // UID of a workitem, a step or a transaction
}

// Named is how many instances of an event are named; the others are counted.
const Named = 1000

// instances is how many instances the subject has.
func (s *Subject) instances() int { return max(s.Number, len(s.Instances)) }
