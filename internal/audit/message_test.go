package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// examples are an event of each kind, of a known user and of nobody, succeeded and failed.
func examples() []Event {
	var all []Event
	for _, k := range Kinds() {
		for _, outcome := range []Outcome{Success, Minor, Serious, Major} {
			e := Event{Time: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Kind: k, Outcome: outcome, Server: "pacs.example:8080", Request: "r1",
				Actor: Actor{Who: "doe <MD>", As: access.User, Roles: []string{"read"}, Client: "10.1.2.3:4567", Tenant: "north"}}
			if outcome != Success {
				e.Reason = "Not Found"
				e.Actor = Actor{Client: "[::1]:4567"}
			}
			if outcome == Major { // of a command
				e.Server, e.Actor = "", Actor{Who: "root", As: "operator"}
			}
			switch t := traitOf(&e); {
			case k == Query:
				e.Query, e.SOPClass, e.Patient = "GET /dicom-web/studies?PatientName=Ä*&x=<y>", "1.2.840.10008.5.1.4.1.2.2.1", "P\"1"
			case t.event == procedureRecord:
				e.Object = "1.2.3.4"
				e.Patient = "P1"
			case t.profile != "":
				e.Subject = Subject{Patient: "P1", Issuer: "Hospital", Study: "1.2.3", Accession: "A1", Series: []string{"1.2.3.4"},
					Instances: []string{"1.2.3.4.5", "1.2.3.4.6"}, SOPClass: "1.2.840.10008.5.1.4.1.1.2"}
			default:
				e.Detail = "CT1"
			}
			if k == View {
				e.Count, e.Until = 40, e.Time.Add(time.Minute)
			}
			all = append(all, e)
		}
	}
	return all
}

// rule is what the schema of PS3.15 A.5.1 says of an element: its children in their order with how often they may come, and its
// attributes. A "!" behind an attribute means that it has to be there; "=" and a list, its values.
type rule struct{ children, attributes string }

var codedRule = rule{"", "csd-code! codeSystemName! displayName originalText!"}

// schema is that of PS3.15 A.5.1 in our words. "A|B" is a choice of which one has to be there.
var schema = map[string]rule{
	"AuditMessage": {"EventIdentification ActiveParticipant+ AuditSourceIdentification ParticipantObjectIdentification*", ""},
	"EventIdentification": {"EventID EventTypeCode* EventOutcomeDescription?",
		"EventActionCode=C,R,U,D,E EventDateTime! EventOutcomeIndicator!=0,4,8,12"},
	"EventID": codedRule, "EventTypeCode": codedRule, "RoleIDCode": codedRule, "MediaType": codedRule, "ParticipantObjectIDTypeCode": codedRule,
	"EventOutcomeDescription": {},
	"ActiveParticipant": {"RoleIDCode* MediaIdentifier?",
		"UserID! AlternativeUserID UserName UserIsRequestor!=true,false NetworkAccessPointID NetworkAccessPointTypeCode=1,2,3,4,5"},
	"MediaIdentifier":           {"MediaType", ""},
	"AuditSourceIdentification": {"AuditSourceTypeCode*", "AuditEnterpriseSiteID AuditSourceID!"},
	"AuditSourceTypeCode":       {"", "csd-code!=1,2,3,4,5,6,7,8,9"},
	"ParticipantObjectIdentification": {"ParticipantObjectIDTypeCode ParticipantObjectName|ParticipantObjectQuery ParticipantObjectDetail* ParticipantObjectDescription*",
		"ParticipantObjectID! ParticipantObjectTypeCode=1,2,3,4 ParticipantObjectTypeCodeRole=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26 " +
			"ParticipantObjectDataLifeCycle=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 ParticipantObjectSensitivity"},
	"ParticipantObjectName": {}, "ParticipantObjectQuery": {},
	"ParticipantObjectDetail":      {"", "type! value!"},
	"ParticipantObjectDescription": {"MPPS* Accession* SOPClass* ParticipantObjectContainsStudy? Encrypted? Anonymized?", ""},
	"MPPS":                         {"", "UID!"}, "Accession": {"", "Number!"}, "Instance": {"", "UID!"},
	"SOPClass": {"Instance*", "UID NumberOfInstances!"},
}

type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []node     `xml:",any"`
	Text     string     `xml:",chardata"`
}

// check holds an element against the schema.
func (n node) check() error {
	name := n.XMLName.Local
	r, known := schema[name]
	if !known {
		return fmt.Errorf("the schema has no %s", name)
	}
	rest := n.Children
	for _, want := range strings.Fields(r.children) {
		names := strings.Split(strings.TrimRight(want, "*+?"), "|")
		count := 0
		for len(rest) > 0 && slices.Contains(names, rest[0].XMLName.Local) {
			if err := rest[0].check(); err != nil {
				return err
			}
			rest = rest[1:]
			count++
		}
		switch want[len(want)-1] {
		case '*':
		case '+':
			if count == 0 {
				return fmt.Errorf("%s has no %s", name, want)
			}
		case '?':
			if count > 1 {
				return fmt.Errorf("%s has %d of %s", name, count, want)
			}
		default:
			if count != 1 {
				return fmt.Errorf("%s has %d of %s", name, count, want)
			}
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%s has %s where none may be", name, rest[0].XMLName.Local)
	}
	return n.checkAttributes(r)
}

func (n node) checkAttributes(r rule) error {
	has := map[string]string{}
	for _, a := range n.Attrs {
		has[a.Name.Local] = a.Value
	}
	for _, want := range strings.Fields(r.attributes) {
		name, values, limited := strings.Cut(want, "=")
		needed := strings.HasSuffix(name, "!")
		name = strings.TrimSuffix(name, "!")
		value, there := has[name]
		delete(has, name)
		if needed && value == "" { // a token that is empty is one of the schema, and says nothing
			return fmt.Errorf("%s has no %s", n.XMLName.Local, name)
		}
		if there && limited && !slices.Contains(strings.Split(values, ","), value) {
			return fmt.Errorf("%s: %s is %q", n.XMLName.Local, name, value)
		}
	}
	if len(has) > 0 {
		return fmt.Errorf("%s has the attributes %v", n.XMLName.Local, has)
	}
	return nil
}

func (n node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// all are the children of a name.
func (n node) all(name string) (found []node) {
	for _, c := range n.Children {
		if c.XMLName.Local == name {
			found = append(found, c)
		}
	}
	return found
}

func parsed(t *testing.T, e *Event) node {
	t.Helper()
	text, err := DICOM(e, "noctis@host")
	if err != nil {
		t.Fatal(err)
	}
	var n node
	d := xml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&n); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("there is more in %s", text)
	}
	return n
}

func TestMessagesFollowTheSchema(t *testing.T) {
	for _, e := range examples() {
		n := parsed(t, &e)
		if err := n.check(); err != nil {
			t.Errorf("%s, outcome %d: %v", e.Kind, e.Outcome, err)
		}
		requestors := 0
		for _, p := range n.all("ActiveParticipant") {
			if p.attr("UserIsRequestor") == "true" {
				requestors++
			}
		}
		if requestors != 1 { // PS3.15 A.5.2: not several
			t.Errorf("%s: %d requestors", e.Kind, requestors)
		}
	}
}

func TestSchemaCheckFindsFaults(t *testing.T) {
	e := examples()[8]
	good := parsed(t, &e)
	for name, spoil := range map[string]func(*node){
		"order":     func(n *node) { n.Children[0], n.Children[1] = n.Children[1], n.Children[0] },
		"missing":   func(n *node) { n.Children = n.Children[1:] },
		"attribute": func(n *node) { n.Children[0].Attrs = n.Children[0].Attrs[1:2] },
		"value":     func(n *node) { n.Children[0].Attrs[0].Value = "X" },
		"unknown":   func(n *node) { n.Children = append(n.Children, node{XMLName: xml.Name{Local: "Else"}}) },
	} {
		bad := good
		bad.Children = slices.Clone(good.Children)
		bad.Children[0].Attrs = slices.Clone(good.Children[0].Attrs)
		spoil(&bad)
		if bad.check() == nil {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestMessageSaysWhatHappened(t *testing.T) {
	e := Event{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), Kind: Query, Query: "GET /studies?PatientID=P1",
		Actor: Actor{Who: "doe", As: access.Token, Client: "10.0.0.9:1"}, Server: "pacs:80",
		Subject: Subject{Patient: "P1", Issuer: "H", SOPClass: "1.2.840.10008.5.1.4.1.2.2.1"}}
	n := parsed(t, &e)
	event := n.all("EventIdentification")[0]
	if id := event.all("EventID")[0]; id.attr("csd-code") != "110112" || event.attr("EventActionCode") != "E" || event.attr("EventDateTime") != "2026-01-02T02:04:05.000Z" {
		t.Errorf("%+v", event)
	}
	objects := n.all("ParticipantObjectIdentification")
	query, err := base64.StdEncoding.DecodeString(objects[0].all("ParticipantObjectQuery")[0].Text)
	if err != nil || string(query) != e.Query {
		t.Errorf("%s, %v", query, err)
	}
	if id := objects[1].attr("ParticipantObjectID"); id != "P1^^^H" {
		t.Errorf("patient %s", id)
	}
	roles := ""
	for _, p := range n.all("ActiveParticipant") {
		roles += p.attr("UserID") + "/" + p.attr("NetworkAccessPointTypeCode")
		for _, r := range p.all("RoleIDCode") {
			roles += "/" + r.attr("csd-code")
		}
		roles += " "
	}
	if roles != "10.0.0.9/2/110153 noctis@host/1/110152 doe/ " {
		t.Errorf("participants %s", roles)
	}
	whole := Event{Kind: Delete, Subject: Subject{Study: "1.2"}}
	if got := traitOf(&whole).event.value; got != "110105" {
		t.Errorf("a study is deleted by %s", got)
	}
	whole.Series = []string{"1.2.3"}
	if got := traitOf(&whole).event.value; got != "110103" {
		t.Errorf("a series is deleted by %s", got)
	}
}

// balp is what the profiles of IHE BALP want: subtype, action, and the types of client and server.
var balp = map[string][4]string{
	"Read": {"read", "R", "110152", "110153"}, "Create": {"create", "C", "110153", "110152"}, "Update": {"update", "U", "110153", "110152"},
	"Delete": {"delete", "D", "110150", "custodian"}, "Query": {"search", "E", "110153", "110152"},
}

func TestResourcesFitTheProfilesTheyName(t *testing.T) {
	profiles := map[string]bool{}
	for i, e := range examples() {
		text, err := FHIR(&Record{N: uint64(i + 1), Event: e}, "noctis@host")
		if err != nil {
			t.Fatal(err)
		}
		var a auditEvent
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		// AuditEvent of R4: what has to be there.
		if a.ResourceType != "AuditEvent" || a.Type.Code == "" || a.Recorded == "" || a.Outcome != fmt.Sprint(int(e.Outcome)) ||
			len(a.Agent) == 0 || a.Source.Observer.Identifier == nil {
			t.Errorf("%s: %s", e.Kind, text)
		}
		for _, x := range a.Entity {
			if x.What == nil && x.Query == "" || x.Type == nil {
				t.Errorf("%s: an entity says nothing: %s", e.Kind, text)
			}
		}
		if a.Meta == nil {
			continue
		}
		profile := strings.TrimPrefix(a.Meta.Profile[0], balpDefinition)
		profiles[profile] = true
		if err := fits(a, profile); err != nil {
			t.Errorf("%s: %v: %s", e.Kind, err, text)
		}
	}
	for _, p := range []string{"PatientRead", "PatientCreate", "PatientQuery", "PatientDelete", "PatientUpdate"} {
		if !profiles[p] {
			t.Errorf("no event fits %s", p)
		}
	}
}

func fits(a auditEvent, profile string) error {
	patient := strings.HasPrefix(profile, "Patient")
	want := balp[strings.TrimPrefix(profile, "Patient")]
	count := func(code string) (n int) {
		for _, x := range a.Entity {
			if x.Type.Code == code {
				n++
			}
		}
		return n
	}
	agents := map[string]agent{}
	for _, x := range a.Agent {
		agents[x.Type.Coding[0].Code] = x
	}
	client, server := agents[want[2]], agents[want[3]]
	switch {
	case a.Type.Code != "rest" || a.Subtype[0].Code != want[0] || a.Action != want[1] || a.Outcome != "0":
		return fmt.Errorf("the event is %v %v %s", a.Type, a.Subtype, a.Action)
	case client.Network == nil || server.Network == nil || client.Who.Identifier == nil || server.Who.Identifier == nil:
		return fmt.Errorf("the agents are %v", a.Agent)
	case want[0] == "delete" && len(a.Subtype) != 1:
		return fmt.Errorf("a deletion has one subtype")
	case count("2") != 1 || count("1") != map[bool]int{true: 1}[patient] || count("XrequestId") != 1:
		return fmt.Errorf("the entities are %v", a.Entity)
	}
	for _, x := range a.Entity {
		switch {
		case x.Type.Code == "1" && (x.What.Type != "Patient" || x.Role.Code != "1"):
			return fmt.Errorf("the patient is %v", x)
		case x.Type.Code == "2" && want[0] == "search" && (x.Role.Code != "24" || x.What != nil || x.Query == ""):
			return fmt.Errorf("the query is %v", x)
		case x.Type.Code == "2" && want[0] != "search" && (!slices.Contains([]string{"4", "3", "20"}, x.Role.Code) || x.What == nil):
			return fmt.Errorf("the data is %v", x)
		}
	}
	return nil
}
