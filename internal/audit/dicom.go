package audit

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net"
	"strconv"
	"strings"
	"time"
)

// The elements of an audit message in the order of its schema (PS3.15 A.5.1).
type message struct {
	XMLName      xml.Name      `xml:"AuditMessage"`
	Event        identified    `xml:"EventIdentification"`
	Participants []participant `xml:"ActiveParticipant"`
	Source       source        `xml:"AuditSourceIdentification"`
	Objects      []object      `xml:"ParticipantObjectIdentification"`
}

type coded struct {
	Code    string `xml:"csd-code,attr"`
	System  string `xml:"codeSystemName,attr,omitempty"`
	Meaning string `xml:"originalText,attr,omitempty"`
}

type identified struct {
	ID          coded   `xml:"EventID"`
	Types       []coded `xml:"EventTypeCode"`
	Action      string  `xml:"EventActionCode,attr,omitempty"`
	Time        string  `xml:"EventDateTime,attr"`
	Outcome     int     `xml:"EventOutcomeIndicator,attr"`
	Description string  `xml:"EventOutcomeDescription,omitempty"`
}

type participant struct {
	Roles       []coded `xml:"RoleIDCode"`
	Media       *media  `xml:"MediaIdentifier"`
	UserID      string  `xml:"UserID,attr"`
	Alternative string  `xml:"AlternativeUserID,attr,omitempty"`
	IsRequestor bool    `xml:"UserIsRequestor,attr"`
	Network     string  `xml:"NetworkAccessPointID,attr,omitempty"`
	NetworkType string  `xml:"NetworkAccessPointTypeCode,attr,omitempty"`
}

type media struct {
	Type coded `xml:"MediaType"`
}

type source struct {
	Site  string  `xml:"AuditEnterpriseSiteID,attr,omitempty"`
	ID    string  `xml:"AuditSourceID,attr"`
	Types []coded `xml:"AuditSourceTypeCode"`
}

type object struct {
	IDType      coded        `xml:"ParticipantObjectIDTypeCode"`
	Name        *string      `xml:"ParticipantObjectName"`
	Query       *string      `xml:"ParticipantObjectQuery"`
	Details     []pair       `xml:"ParticipantObjectDetail"`
	Description *description `xml:"ParticipantObjectDescription"`
	ID          string       `xml:"ParticipantObjectID,attr"`
	Type        string       `xml:"ParticipantObjectTypeCode,attr,omitempty"`
	Role        string       `xml:"ParticipantObjectTypeCodeRole,attr,omitempty"`
	LifeCycle   string       `xml:"ParticipantObjectDataLifeCycle,attr,omitempty"`
}

type pair struct {
	Type  string `xml:"type,attr"`
	Value string `xml:"value,attr"` // base64
}

type description struct {
	Accessions []accession  `xml:"Accession"`
	SOPClasses []sopClasses `xml:"SOPClass"`
}

type accession struct {
	Number string `xml:"Number,attr"`
}

type sopClasses struct {
	Instances []uid  `xml:"Instance"`
	UID       string `xml:"UID,attr,omitempty"`
	Number    int    `xml:"NumberOfInstances,attr"`
}

type uid struct {
	UID string `xml:"UID,attr"`
}

// rfc3881 are the codes of objects that PS3.15 A.5.1.2.4 took from there.
func rfc3881(value, meaning string) coded { return coded{value, "RFC-3881", meaning} }

func (c code) coded() coded { return coded{c.value, c.system, c.meaning} }

// DICOM writes an event as an audit message of PS3.15 A.5. from names the server (AuditSourceID).
func DICOM(e *Event, from string) ([]byte, error) {
	t := traitOf(e)
	m := message{
		Event: identified{ID: t.event.coded(), Action: t.action, Time: e.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
			Outcome: int(e.Outcome), Description: e.Reason},
		Participants: participants(e, t, from),
		Source:       source{Site: e.Tenant, ID: from, Types: []coded{{Code: "4"}}},
		Objects:      objects(e, t, from),
	}
	if t.eventType != (code{}) {
		m.Event.Types = []coded{t.eventType.coded()}
	}
	text, err := xml.Marshal(m)
	return append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`), text...), err
}

// participants are the process that asked, the server, the user where he is known, and the medium.
func participants(e *Event, t trait, from string) []participant {
	server := participant{UserID: from, Alternative: "noctis"}
	server.Network, server.NetworkType = accessPoint(e.Server)
	theirs, ours := dcm("110153", "Source Role ID"), dcm("110152", "Destination Role ID")
	switch {
	case e.Client == "" || t.event == activity:
		ours = dcm("110150", "Application")
	case e.Kind == Retrieve || e.Kind == Export:
		theirs, ours = ours, theirs
	case t.event != instancesTransferred && e.Kind != Query:
		theirs, ours = dcm("110150", "Application"), dcm("110150", "Application")
	}
	server.Roles = []coded{ours.coded()}
	var all []participant
	if e.Client != "" {
		client := participant{UserID: host(e.Client), IsRequestor: e.Who == "", Roles: []coded{theirs.coded()}}
		client.Network, client.NetworkType = accessPoint(e.Client)
		all = append(all, client)
	}
	all = append(all, server)
	if e.Who != "" {
		all = append(all, participant{UserID: e.Who, Alternative: string(e.As), IsRequestor: true})
	}
	switch e.Kind {
	case Export:
		all = append(all, participant{UserID: e.Detail, Roles: []coded{dcm("110154", "Destination Media").coded()},
			Media: &media{dcm("110033", "Media Exchange File Format").coded()}})
	case Import:
		all = append(all, participant{UserID: e.Detail, Roles: []coded{dcm("110155", "Source Media").coded()},
			Media: &media{dcm("110033", "Media Exchange File Format").coded()}})
	}
	return all
}

// host is an address without its port.
func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return strings.Trim(address, "[]")
}

// accessPoint is an address as NetworkAccessPointID and its type: 1 is a name, 2 an IP address.
func accessPoint(address string) (id, kind string) {
	switch id = host(address); {
	case id == "":
		return "", ""
	case net.ParseIP(id) != nil:
		return id, "2"
	}
	return id, "1"
}

// objects are the query, the study, the patient and what else it was done to.
func objects(e *Event, t trait, from string) []object {
	var all []object
	none, here := "", cmp.Or(e.Server, from) // a command at the machine has no address
	if e.Kind == Query {
		query := base64.StdEncoding.EncodeToString([]byte(e.Query))
		all = append(all, object{IDType: dcm("110181", "SOP Class UID").coded(), ID: e.SOPClass, Type: "2", Role: "3", Query: &query})
	}
	if e.Study != "" {
		all = append(all, object{IDType: dcm("110180", "Study Instance UID").coded(), ID: e.Study, Type: "2", Role: "3",
			LifeCycle: t.lifeCycle, Name: &none, Details: studyDetails(e), Description: describe(e)})
	}
	if e.Object != "" {
		all = append(all, object{IDType: rfc3881("12", "URI"), ID: "urn:oid:" + e.Object, Type: "2", Role: "20",
			LifeCycle: t.lifeCycle, Name: &none})
	}
	if e.Patient != "" {
		all = append(all, object{IDType: rfc3881("2", "Patient Number"), ID: patientNumber(e.Subject), Type: "1", Role: "1", Name: &none})
	}
	switch {
	case e.Kind == ReadAudit:
		name := "Security Audit Log"
		all = append(all, object{IDType: rfc3881("12", "URI"), ID: here + "/audit", Type: "2", Role: "13", Name: &name})
	case e.Kind == Key:
		all = append(all, object{IDType: rfc3881("11", "User Identifier"), ID: e.Detail, Type: "2", Role: "11", Name: &none})
	case t.event == securityAlert:
		alert := []pair{detail("Alert Description", strings.TrimSpace(e.Route+" "+e.Detail))}
		all = append(all, object{IDType: rfc3881("12", "URI"), ID: here, Type: "2", Role: "13", Name: &none, Details: alert})
	}
	return all
}

func detail(kind, value string) pair {
	return pair{kind, base64.StdEncoding.EncodeToString([]byte(value))}
}

// patientNumber is a Patient ID as the field writes it where the issuer is known (HL7 CX).
func patientNumber(s Subject) string {
	if s.Issuer == "" {
		return s.Patient
	}
	return s.Patient + "^^^" + s.Issuer
}

func studyDetails(e *Event) []pair {
	var all []pair
	for _, s := range e.Series {
		all = append(all, detail("SeriesInstanceUID", s))
	}
	if e.Count > 0 {
		all = append(all, detail("Requests", strconv.Itoa(e.Count)), detail("Until", e.Until.UTC().Format(time.RFC3339)))
	}
	return all
}

// describe is the description of the study; nil where nothing is known of it (PS3.15 A.5.2: an accession number needs a SOPClass).
func describe(e *Event) *description {
	n := e.instances()
	if n == 0 {
		return nil
	}
	d := &description{SOPClasses: []sopClasses{{UID: e.SOPClass, Number: n}}}
	for _, i := range e.Instances {
		d.SOPClasses[0].Instances = append(d.SOPClasses[0].Instances, uid{i})
	}
	if e.Accession != "" {
		d.Accessions = []accession{{e.Accession}}
	}
	return d
}
