package hl7

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"math/big"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// Action is what is to be done with a step.
type Action int

// A step is put on the worklist, whether or not one of its name is there; taken off it; or its status changes.
const (
	Put Action = iota
	Remove
	Mark
)

// Order is what a message asks for one step; or, to take off or mark, for all steps of an order.
type Order struct {
	Action Action
	Step   *dicom.DataSet // Put: as package procedure schedules it; else the identifiers that the message has
	Status string         // Mark: Scheduled Procedure Step Status
}

// Options are what a message cannot say.
type Options struct {
	// Stations are AE titles by modality, "*" for all others, of steps whose message names none: ORM has no place for it.
	Stations map[string]string
}

// actions are the order controls of ORC-1 (HL7 Table 0119) that change the worklist.
var actions = map[string]Action{
	"NW": Put, "XO": Put, "XX": Put, "SN": Put, "RO": Put, "CH": Put,
	"CA": Remove, "DC": Remove, "OC": Remove, "OD": Remove, "CR": Remove, "DR": Remove,
	"SC": Mark, "SR": Mark,
}

// statuses are those of ORC-5 (HL7 Table 0038); what is over is taken off.
var statuses = map[string]string{"SC": "SCHEDULED", "IP": "STARTED", "CM": "", "CA": "", "DC": "", "RP": ""}

// mostSteps is how many steps a message may have.
const mostSteps = 1000

// Orders are what a message asks for. The error is an *Error; then nothing of the message is to be done.
func (m *Message) Orders(o Options) ([]Order, error) {
	header := m.First("MSH")
	switch kind := header.Text(9, 1) + "^" + header.Text(9, 2); kind {
	case "ORM^O01", "OMI^O23", "OMG^O19":
	case "ORM^": // of HL7 2.1, which has no triggers
	default:
		return nil, header.fault(9, 0, "not an order: ORM^O01, OMI^O23 and OMG^O19 are read")
	}
	groups := m.groups()
	switch {
	case len(groups) == 0:
		return nil, &Error{Segment: "ORC", Reason: "the message has none"}
	case len(groups) > mostSteps:
		return nil, &Error{Segment: "ORC", Reason: fmt.Sprintf("the message has more than %d steps", mostSteps)}
	}
	var orders []Order
	named := map[string]bool{}
	for _, g := range groups {
		order, err := g.order(o)
		if err != nil {
			return nil, err
		}
		if order.Action == Put {
			item := order.Step.Items(dicom.ScheduledProcedureStepSequence)[0]
			name := order.Step.String(dicom.StudyInstanceUID) + "/" + item.String(dicom.ScheduledProcedureStepID)
			if named[name] { // one would replace the other
				return nil, g.segment("OBR").fault(20, 0, "two steps of the message have one Scheduled Procedure Step ID, or one order number and set ID")
			}
			named[name] = true
		}
		orders = append(orders, order)
	}
	return orders, nil
}

// group are the segments of one step: those of its order, and of the whole message.
type group struct {
	m        *Message
	segments map[string]Segment
}

// segment is that of the group, else the first of the message where it is the patient's, else an empty one.
func (g *group) segment(name string) Segment {
	if s, there := g.segments[name]; there {
		return s
	}
	switch name {
	case "ORC", "OBR", "TQ1", "IPC", "ZDS":
		return Segment{Name: name, Index: 1, m: g.m}
	}
	return g.m.First(name)
}

// groups parts the message into steps: each ORC begins an order; each OBR of it is a step, or each IPC. ZDS is that of all groups before it that
// have none.
func (m *Message) groups() (groups []*group) {
	last := func() *group { return groups[len(groups)-1] }
	begin := func(of ...Segment) {
		g := &group{m, map[string]Segment{}}
		for _, s := range of {
			if s.There() {
				g.segments[s.Name] = s
			}
		}
		groups = append(groups, g)
	}
	for _, s := range m.Segments {
		if s.Name == "ORC" {
			begin(s)
			continue
		}
		if len(groups) == 0 {
			continue
		}
		switch s.Name {
		case "OBR":
			if g := last(); g.segment("OBR").There() {
				begin(g.segment("ORC"))
			}
		case "IPC":
			if g := last(); g.segment("IPC").There() {
				begin(g.segment("ORC"), g.segment("OBR"), g.segment("TQ1"))
			}
		case "ZDS":
			for _, g := range groups {
				if !g.segment("ZDS").There() {
					g.segments["ZDS"] = s
				}
			}
			continue
		case "TQ1":
			if last().segment("TQ1").There() {
				continue
			}
		default:
			continue
		}
		last().segments[s.Name] = s
	}
	return groups
}

func (g *group) order(o Options) (Order, error) {
	control := g.segment("ORC")
	action, known := actions[control.Text(1, 1)]
	if !known {
		return Order{}, control.fault(1, 0, "an order control that changes no worklist: want NW, XO, CA, DC, OC, SC or their like")
	}
	status := ""
	if action == Mark {
		if status, known = statuses[control.Text(5, 1)]; !known {
			return Order{}, control.fault(5, 0, "an order status that is none of SC, IP, CM, CA, DC")
		}
		if status == "" {
			action = Remove
		}
	}
	step, err := g.step(o, action == Put)
	return Order{action, step, status}, err
}

// step makes the data set: all of it, or the identifiers alone.
func (g *group) step(o Options, whole bool) (*dicom.DataSet, error) {
	ds, item := &dicom.DataSet{}, &dicom.DataSet{}
	for _, of := range []struct {
		ds    *dicom.DataSet
		table []mapping
	}{{ds, ofPatient}, {ds, ofOrder}, {item, ofStep}} {
		if err := g.apply(of.ds, of.table); err != nil {
			return nil, err
		}
	}
	if ds.String(dicom.PatientID) == "" {
		return nil, g.segment("PID").fault(3, 1, "the patient has no identifier")
	}
	if whole {
		if err := g.complete(ds, item, o); err != nil {
			return nil, err
		}
	} else if ds.String(dicom.StudyInstanceUID) == "" && number(ds) == "" {
		return nil, g.segment("ORC").fault(3, 0, "the order has neither a number nor a Study Instance UID")
	}
	ds.SetItems(dicom.ScheduledProcedureStepSequence, item)
	return ds, nil
}

// complete adds what is no single field, and what is made up.
func (g *group) complete(ds, item *dicom.DataSet, o Options) error {
	if err := g.patient(ds); err != nil {
		return err
	}
	request := g.segment("OBR")
	if err := g.start(item); err != nil {
		return err
	}
	if priority := g.priority(); priority != "" {
		ds.SetStrings(dicom.RequestedProcedurePriority, dicom.SH, priority)
	}
	for _, from := range []Segment{request, g.segment("ORC")} {
		field := map[string]int{"OBR": 16, "ORC": 12}[from.Name]
		if values := from.Values(field); len(values) > 0 && !ds.Has(dicom.RequestingPhysician) {
			ds.SetStrings(dicom.RequestingPhysician, dicom.PN, personName(values[0], 2))
		}
	}
	if name := performer(request, 34); name != "" {
		item.SetStrings(dicom.ScheduledPerformingPhysicianName, dicom.PN, name)
	}
	if err := g.codes(ds, item); err != nil {
		return err
	}
	if item.String(dicom.Modality) == "" {
		return request.fault(24, 0, "the step has no modality (IPC-5, OBR-24)")
	}
	if number, err := fitted(dicom.SH, ds.String(dicom.FillerOrderNumberImagingServiceRequest), true); err == nil && number != "" && !ds.Has(dicom.AccessionNumber) {
		ds.SetStrings(dicom.AccessionNumber, dicom.SH, number) // as is common where OBR-18 is not used
	}
	if err := g.station(item, o); err != nil {
		return err
	}
	return g.name(ds, item)
}

// station is the AE title: of the message, of the settings, or of OBR-21, which IHE leaves open and some fill with it.
func (g *group) station(item *dicom.DataSet, o Options) error {
	if item.String(dicom.ScheduledStationAETitle) != "" {
		return nil
	}
	request := g.segment("OBR")
	own, err := fitted(dicom.AE, request.Text(21, 1), true)
	if err != nil {
		own = ""
	}
	for _, station := range []string{o.Stations[item.String(dicom.Modality)], o.Stations["*"], own} {
		if station != "" {
			item.SetStrings(dicom.ScheduledStationAETitle, dicom.AE, station)
			return nil
		}
	}
	return request.fault(21, 0, "the step has no station (IPC-9, OBR-21), and none is set for its modality")
}

// start is when the step begins. A day without a time is its beginning.
func (g *group) start(item *dicom.DataSet) error {
	for _, from := range []source{{"TQ1", 7, 1}, {"OBR", 27, 4}, {"ORC", 7, 4}, {"OBR", 36, 1}} {
		s := g.segment(from.segment)
		text := s.Text(from.field, from.component)
		if text == "" {
			continue
		}
		date, clock, err := moment(text)
		if err != nil {
			return s.fault(from.field, from.component, "%v", err)
		}
		if clock == "" {
			clock = "000000"
		}
		item.SetStrings(dicom.ScheduledProcedureStepStartDate, dicom.DA, date)
		item.SetStrings(dicom.ScheduledProcedureStepStartTime, dicom.TM, clock)
		return nil
	}
	return g.segment("OBR").fault(27, 4, "the step has no start (TQ1-7, OBR-27.4, ORC-7.4, OBR-36)")
}

func (g *group) priority() string {
	for _, from := range []source{{"TQ1", 9, 1}, {"OBR", 27, 6}, {"ORC", 7, 6}, {"OBR", 5, 1}} {
		if p := priorities[strings.ToUpper(g.segment(from.segment).Text(from.field, from.component))]; p != "" {
			return p
		}
	}
	return ""
}

// codes are Requested Procedure Code Sequence and Scheduled Protocol Code Sequence.
func (g *group) codes(ds, item *dicom.DataSet) error {
	for _, of := range []struct {
		ds   *dicom.DataSet
		tag  dicom.Tag
		from []source
	}{
		{ds, dicom.RequestedProcedureCodeSequence, []source{{"OBR", 44, 1}, {"OBR", 4, 1}}},
		{item, dicom.ScheduledProtocolCodeSequence, []source{{"IPC", 6, 1}, {"OBR", 4, 4}}},
	} {
		for _, from := range of.from {
			s := g.segment(from.segment)
			var items []*dicom.DataSet
			for _, v := range s.Values(from.field) {
				c, err := code(v, from.component)
				if err != nil {
					return s.fault(from.field, 0, "%v", err)
				}
				if c != nil {
					items = append(items, c)
				}
			}
			if len(items) > 0 {
				of.ds.SetItems(of.tag, items...)
				break
			}
		}
	}
	return nil
}

// number is what an order is known by.
func number(ds *dicom.DataSet) string {
	if n := ds.String(dicom.FillerOrderNumberImagingServiceRequest); n != "" {
		return n
	}
	return ds.String(dicom.PlacerOrderNumberImagingServiceRequest)
}

// name gives the step Study Instance UID and Scheduled Procedure Step ID where the message has none. They follow from the sender, the number of
// the order and the place in it, so that another message about the same order names the same step.
func (g *group) name(ds, item *dicom.DataSet) error {
	header := g.m.First("MSH")
	of := func(parts ...string) []byte {
		sum := sha256.Sum256([]byte(strings.Join(append(parts, header.Text(3, 1), header.Text(4, 1), number(ds)), "\x00")))
		return sum[:16]
	}
	if ds.String(dicom.StudyInstanceUID) == "" {
		if number(ds) == "" {
			return g.segment("ORC").fault(3, 0, "the order has neither a number nor a Study Instance UID")
		}
		b := of("study", ds.String(dicom.RequestedProcedureID))
		b[6], b[8] = b[6]&0x0F|0x80, b[8]&0x3F|0x80 // a UUID of its own making (RFC 9562 5.8), as PS3.5 B.2 wants it
		ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, "2.25."+new(big.Int).SetBytes(b).String())
	}
	if item.String(dicom.ScheduledProcedureStepID) == "" {
		place := fmt.Sprintf("%s/%d", g.segment("OBR").Text(1, 1), g.segment("IPC").Index)
		b := of("step", ds.String(dicom.StudyInstanceUID), place)
		item.SetStrings(dicom.ScheduledProcedureStepID, dicom.SH, base32.StdEncoding.EncodeToString(b)[:16])
	}
	return nil
}
