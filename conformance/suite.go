package conformance

import (
	"cmp"
	"slices"
	"strings"
)

// Level says how binding a requirement is.
type Level string

// The key words of the standard (PS3.18 5.3 and RFC 2119), and Practice: what widespread clients rely on although the standard
// does not ask for it.
const (
	Shall    Level = "shall"
	Should   Level = "should"
	May      Level = "may"
	Practice Level = "practice"
)

// Status is what became of a case.
type Status string

// Unsupported: the server does not have what the case is about, and may lack it. Skipped: the case could not be tried here (no
// data for it, read-only mode, or what it builds on failed).
const (
	Pass        Status = "pass"
	Fail        Status = "fail"
	Unsupported Status = "unsupported"
	Skipped     Status = "skipped"
)

// Service is a part of PS3.18 that a server has or has not.
type Service string

// The services, by the chapters of PS3.18. Common has the rules of chapter 8; Clients the ways of real clients.
const (
	Common       Service = "common"
	Store        Service = "store"
	Search       Service = "search"
	Retrieve     Service = "retrieve"
	Rendered     Service = "rendered"
	URI          Service = "uri"
	Worklist     Service = "worklist"
	Procedures   Service = "procedures"
	Commitment   Service = "commitment"
	NonPatient   Service = "non-patient"
	Capabilities Service = "capabilities"
	Clients      Service = "clients"
)

// Services are all of them in the order in which they run.
var Services = []Service{
	Capabilities, Common, Store, Search, Retrieve, Rendered, URI, Worklist, Procedures, Commitment, NonPatient, Clients,
}

// Case is one requirement and how it is tried. Its ID is stable: it is never given to another requirement.
type Case struct {
	ID      string
	Service Service
	Clause  string // "PS3.18 10.5.2"
	Level   Level
	Gist    string // of the requirement, in our words
	Writes  bool   // stores or changes something: skipped in read-only mode
	run     func(*T)
}

// Cases returns every case, in the order of Services and then of ID.
func Cases() []Case {
	all := slices.Concat(
		capabilityCases(), commonCases(), storeCases(), searchCases(), matchingCases(), retrieveCases(), frameCases(), metadataCases(),
		renderedCases(), presentationCases(), uriCases(), workitemCases(), notificationCases(), procedureCases(), commitmentCases(), nonPatientCases(),
		clientCases(),
	)
	slices.SortStableFunc(all, func(a, b Case) int {
		return cmp.Or(cmp.Compare(slices.Index(Services, a.Service), slices.Index(Services, b.Service)), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Result is what became of one case.
type Result struct {
	ID      string  `json:"id"`
	Service Service `json:"service"`
	Clause  string  `json:"clause"`
	Level   Level   `json:"level"`
	Gist    string  `json:"gist"`
	Status  Status  `json:"status"`
	Sent    string  `json:"sent"`             // the last request, or the one that failed
	Got     string  `json:"got"`              // what came
	Want    string  `json:"want"`             // what was expected; empty when the case passed
	Reason  string  `json:"reason,omitempty"` // why it is unsupported or skipped
}
