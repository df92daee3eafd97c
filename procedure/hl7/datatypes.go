package hl7

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/noctis-dicom/noctis/dicom"
)

// longest is how many characters a value of a VR has at most (PS3.5 6.2); of a name, a component group.
var longest = map[dicom.VR]int{dicom.AE: 16, dicom.CS: 16, dicom.SH: 16, dicom.LO: 64, dicom.PN: 64}

// fitted makes a text a value of a VR: what the VR cannot hold becomes a blank, and what it is too short for is cut off a text that is read by
// people, and an error in a name by which something is found.
func fitted(vr dicom.VR, text string, exact bool) (string, error) {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case vr == dicom.PN && strings.ContainsRune(`^=\`, r), unicode.IsControl(r):
			return ' '
		case r == '\\':
			return '/'
		}
		return r
	}, text))
	if most := longest[vr]; most > 0 && utf8.RuneCountInString(text) > most {
		if exact {
			return "", fmt.Errorf("longer than the %d characters of VR %s", most, vr)
		}
		text = strings.TrimSpace(string([]rune(text)[:most]))
	}
	if vr == dicom.CS {
		text = strings.ToUpper(text)
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ") != "" {
			return "", errors.New("not a code of capitals, digits, blanks and underscores")
		}
	}
	if vr == dicom.UI && text != "" && !dicom.UID(text).Valid() {
		return "", errors.New("not a UID (PS3.5 9.1)")
	}
	return text, nil
}

// personName makes a name of DICOM of one of HL7 whose family name is the component at from: the family name, given, middle, suffix, prefix.
func personName(v Value, from int) string {
	part := func(i int) string {
		text, _ := fitted(dicom.PN, v.Text(from+i, 1), false)
		return text
	}
	name := strings.TrimRight(strings.Join([]string{part(0), part(1), part(2), part(4), part(3)}, "^"), "^")
	if r := []rune(name); len(r) > longest[dicom.PN] {
		name = string(r[:longest[dicom.PN]])
	}
	return name
}

// patientName is PID-5 (XPN). Repetitions in ideographic and phonetic writing, which XPN.8 tells, are the groups of one name; of several
// alphabetic names the legal one, or the first, is taken.
func patientName(s Segment, field int) string {
	var groups [3]string
	legal := false
	for _, v := range s.Values(field) {
		group := strings.Index("AIP", v.Text(8, 1))
		if v.Text(8, 1) == "" || group < 0 {
			group = 0
		}
		kind := v.Text(7, 1)
		if groups[group] == "" || group == 0 && !legal && kind == "L" {
			groups[group], legal = personName(v, 1), legal || group == 0 && kind == "L"
		}
	}
	return strings.TrimRight(strings.Join(groups[:], "="), "=")
}

// performer is OBR-34 (NDL): the name is in the subcomponents of its first component; some send an XCN instead.
func performer(s Segment, field int) string {
	values := s.Values(field)
	if len(values) == 0 {
		return ""
	}
	v := values[0]
	if v.Text(1, 2) == "" {
		return personName(v, 2)
	}
	first := nth(v.text, v.m.component, 1)
	return personName(Value{v.m, strings.ReplaceAll(first, v.m.subcomponents, v.m.component)}, 2)
}

// moment reads a time of HL7, YYYYMMDD[HHMM[SS[.S]]][+ZZZZ], as DA and TM. The offset is left out: the worklist has the time of the place.
func moment(text string) (date, clock string, err error) {
	if i := strings.IndexAny(text, "+-"); i >= 0 {
		text = text[:i]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if len(whole) < 8 {
		return "", "", errors.New("not a date YYYYMMDD")
	}
	date, clock = whole[:8], whole[8:]
	if _, err := time.Parse("20060102", date); err != nil {
		return "", "", errors.New("not a date YYYYMMDD")
	}
	layout := map[int]string{0: "", 2: "15", 4: "1504", 6: "150405"}
	form, known := layout[len(clock)]
	if _, err := time.Parse(form, clock); !known || err != nil {
		return "", "", errors.New("not a time HHMM[SS]")
	}
	if _, err := strconv.ParseUint(fraction, 10, 64); len(clock) == 6 && err == nil {
		clock += "." + fraction[:min(6, len(fraction))]
	}
	return date, clock, nil
}

// code makes an item of a code sequence of three components: identifier, text, coding system. nil without an identifier.
func code(v Value, from int) (*dicom.DataSet, error) {
	id, meaning, scheme := v.Text(from, 1), v.Text(from+1, 1), v.Text(from+2, 1)
	if id == "" {
		return nil, nil
	}
	item := &dicom.DataSet{}
	tag := dicom.CodeValue
	if utf8.RuneCountInString(id) > longest[dicom.SH] {
		tag = dicom.LongCodeValue
	}
	if scheme == "" {
		scheme = "L" // HL7's own name of a local code
	}
	if meaning == "" {
		meaning = id
	}
	for _, a := range []struct {
		tag  dicom.Tag
		text string
	}{{tag, id}, {dicom.CodingSchemeDesignator, scheme}, {dicom.CodeMeaning, meaning}} {
		text, err := fitted(a.tag.VR(), a.text, a.tag != dicom.CodeMeaning)
		if err != nil {
			return nil, err
		}
		item.SetStrings(a.tag, a.tag.VR(), text)
	}
	return item, nil
}

// modalities are the sections of HL7 Table 0074 that are a modality by another name.
var modalities = map[string]string{"NMR": "MR", "NMS": "NM", "RUS": "US", "OUS": "US", "VUS": "US", "CUS": "US"}

// priorities are those of HL7 Tables 0027 and 0485 in the Defined Terms of Requested Procedure Priority (PS3.3 C.4.11).
var priorities = map[string]string{"S": "STAT", "A": "HIGH", "P": "HIGH", "C": "HIGH", "T": "MEDIUM", "R": "ROUTINE",
	"STAT": "STAT", "ASAP": "HIGH", "HIGH": "HIGH", "MEDIUM": "MEDIUM", "ROUTINE": "ROUTINE", "LOW": "LOW"}
