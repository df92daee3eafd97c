package hl7

import (
	"strconv"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
)

// source is where a value is: a component of a field; component 0 stands for all of them, joined by blanks.
type source struct {
	segment          string
	field, component int
}

// mapping is a row of the table in docs/OPERATIONS.md: the first source with a value gives the attribute. One that identifies is never cut short.
type mapping struct {
	tag        dicom.Tag
	identifies bool
	from       []source
}

// ofPatient and ofOrder are attributes of the data set, ofStep those of the item of Scheduled Procedure Step Sequence (IHE RAD TF-2 Appendix B).
var (
	ofPatient = []mapping{
		{dicom.PatientID, true, []source{{"PID", 3, 1}}},
		{dicom.IssuerOfPatientID, true, []source{{"PID", 3, 4}}},
		{dicom.CurrentPatientLocation, false, []source{{"PV1", 3, 0}}},
		{dicom.AdmissionID, true, []source{{"PV1", 19, 1}, {"PID", 18, 1}}},
		{dicom.ConfidentialityConstraintOnPatientDataDescription, false, []source{{"PV1", 16, 1}}},
	}
	ofOrder = []mapping{
		{dicom.AccessionNumber, true, []source{{"IPC", 1, 1}, {"OBR", 18, 1}}},
		{dicom.RequestedProcedureID, true, []source{{"IPC", 2, 1}, {"OBR", 19, 1}}},
		{dicom.StudyInstanceUID, true, []source{{"IPC", 3, 1}, {"ZDS", 1, 1}}},
		{dicom.PlacerOrderNumberImagingServiceRequest, true, []source{{"ORC", 2, 1}, {"OBR", 2, 1}}},
		{dicom.FillerOrderNumberImagingServiceRequest, true, []source{{"ORC", 3, 1}, {"OBR", 3, 1}}},
		{dicom.RequestedProcedureDescription, false, []source{{"OBR", 44, 2}, {"OBR", 4, 2}, {"OBR", 4, 1}}},
		{dicom.RequestingService, false, []source{{"ORC", 17, 2}, {"ORC", 17, 1}}},
		{dicom.PatientState, false, []source{{"OBR", 12, 2}, {"OBR", 12, 1}}},
		{dicom.MedicalAlerts, false, []source{{"OBR", 13, 1}}},
		{dicom.PatientTransportArrangements, false, []source{{"OBR", 30, 1}}},
		{dicom.ReasonForTheRequestedProcedure, false, []source{{"OBR", 31, 2}, {"OBR", 31, 1}}},
	}
	ofStep = []mapping{
		{dicom.ScheduledProcedureStepID, true, []source{{"IPC", 4, 1}, {"OBR", 20, 1}}},
		{dicom.ScheduledStationAETitle, true, []source{{"IPC", 9, 1}}},
		{dicom.ScheduledStationName, false, []source{{"IPC", 7, 2}, {"IPC", 7, 1}}},
		{dicom.ScheduledProcedureStepLocation, false, []source{{"IPC", 8, 2}, {"IPC", 8, 1}}},
		{dicom.ScheduledProcedureStepDescription, false, []source{{"IPC", 6, 2}, {"OBR", 4, 5}, {"OBR", 4, 2}, {"OBR", 4, 1}}},
		{dicom.Modality, true, []source{{"IPC", 5, 1}, {"OBR", 24, 1}}},
	}
)

// apply sets the attributes of a table.
func (g *group) apply(ds *dicom.DataSet, table []mapping) error {
	for _, row := range table {
		for _, from := range row.from {
			s := g.segment(from.segment)
			text := s.joined(from.field)
			if from.component > 0 {
				text = s.Text(from.field, from.component)
			}
			if row.tag == dicom.Modality && modalities[text] != "" {
				text = modalities[text]
			}
			value, err := fitted(row.tag.VR(), text, row.identifies)
			if err != nil {
				return s.fault(from.field, from.component, "%v", err)
			}
			if value != "" {
				ds.SetStrings(row.tag, row.tag.VR(), value)
				break
			}
		}
	}
	return nil
}

// joined are the components of a field, parted by blanks.
func (s Segment) joined(field int) string {
	var parts []string
	if values := s.Values(field); len(values) > 0 {
		for part := range strings.SplitSeq(values[0].text, s.m.component) {
			if text := (Value{s.m, part}).Text(1, 1); text != "" && len(parts) < mostRepetitions {
				parts = append(parts, text)
			}
		}
	}
	return strings.Join(parts, " ")
}

// patient sets what the tables cannot say of the patient.
func (g *group) patient(ds *dicom.DataSet) error {
	pid, visit := g.segment("PID"), g.segment("PV1")
	name := patientName(pid, 5)
	if name == "" {
		return pid.fault(5, 0, "the patient has no name")
	}
	ds.SetStrings(dicom.PatientName, dicom.PN, name)
	if born := pid.Text(7, 1); len(born) >= 8 { // a year alone is no DA
		date, _, err := moment(born[:8])
		if err != nil {
			return pid.fault(7, 1, "%v", err)
		}
		ds.SetStrings(dicom.PatientBirthDate, dicom.DA, date)
	}
	if sex := map[string]string{"M": "M", "F": "F", "O": "O", "A": "O", "N": "O"}[pid.Text(8, 1)]; sex != "" {
		ds.SetStrings(dicom.PatientSex, dicom.CS, sex)
	}
	if visit.Text(15, 1) == "B6" { // HL7 Table 0009: pregnant; PS3.3 C.2.4: definitely
		ds.SetInts(dicom.PregnancyStatus, dicom.US, 3)
	}
	if values := visit.Values(8); len(values) > 0 {
		ds.SetStrings(dicom.ReferringPhysicianName, dicom.PN, personName(values[0], 2))
	}
	g.allergies(ds)
	return g.measures(ds)
}

func (g *group) allergies(ds *dicom.DataSet) {
	var all []string
	for _, s := range g.m.Segments {
		if s.Name != "AL1" {
			continue
		}
		text := s.Text(3, 2)
		if text == "" {
			text = s.Text(3, 1)
		}
		if text, _ = fitted(dicom.LO, text, false); text != "" {
			all = append(all, text)
		}
	}
	if len(all) > 0 {
		ds.SetStrings(dicom.Allergies, dicom.LO, all...)
	}
}

// measured are observations of OBX-3, by LOINC code or by the text of IHE, with how many of each unit are one of DICOM's.
var measured = []struct {
	tag   dicom.Tag
	names []string
	units map[string]float64
}{
	{dicom.PatientWeight, []string{"29463-7", "3141-9", "BODY WEIGHT"}, map[string]float64{"": 1, "kg": 1, "g": 0.001, "lb": 0.45359237, "[lb_av]": 0.45359237}},
	{dicom.PatientSize, []string{"8302-2", "3137-7", "BODY HEIGHT"}, map[string]float64{"m": 1, "cm": 0.01, "[in_i]": 0.0254}},
}

func (g *group) measures(ds *dicom.DataSet) error {
	for _, s := range g.m.Segments {
		if s.Name != "OBX" {
			continue
		}
		for _, of := range measured {
			named := false
			for _, name := range of.names {
				named = named || s.Text(3, 1) == name || strings.EqualFold(s.Text(3, 2), name)
			}
			text := s.Text(5, 1)
			factor, known := of.units[s.Text(6, 1)]
			if !named || text == "" || !known {
				continue
			}
			value, err := strconv.ParseFloat(text, 64)
			if err != nil || value <= 0 || value*factor > 10000 {
				return s.fault(5, 0, "not a measure")
			}
			ds.SetStrings(of.tag, dicom.DS, strconv.FormatFloat(value*factor, 'g', 8, 64))
		}
	}
	return nil
}
