package match

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/noctis-dicom/noctis/dicom"
)

// Path is an attribute, nested ones with the sequences that lead to it: [RequestAttributesSequence,
// ScheduledProcedureStepID].
type Path []dicom.Tag

// maxDepth is the most tags that a path may have: the sequences of real data sets nest less deep.
const maxDepth = 32

// String returns the tags joined by full stops, as a URL spells them.
func (p Path) String() string { return strings.Join(each(p, dicom.Tag.String), ".") }

// Name returns the keywords joined by full stops; of tags without one the tag.
func (p Path) Name() string {
	return strings.Join(each(p, func(t dicom.Tag) string { return cmp.Or(t.Keyword(), t.String()) }), ".")
}

// ParsePath reads an attribute as PS3.18 8.3.1 writes it: keywords and tags of eight hexadecimal digits, joined by full
// stops. All but the last must be sequences, as far as the dictionary knows them.
func ParsePath(s string) (Path, error) {
	if strings.Count(s, ".") >= maxDepth {
		return nil, fmt.Errorf("attribute with more than %d levels", maxDepth)
	}
	var path Path
	for name := range strings.SplitSeq(s, ".") {
		if len(path) > 0 {
			if outer := path[len(path)-1]; !mayBeSequence(outer) {
				return nil, fmt.Errorf("attribute %s is no sequence, but stands before a full stop (PS3.18 8.3.1)", outer)
			}
		}
		t, err := parseAttribute(name)
		if err != nil {
			return nil, err
		}
		path = append(path, t)
	}
	return path, nil
}

func parseAttribute(name string) (dicom.Tag, error) {
	if a, found := dicom.LookupKeyword(name); found {
		return a.Tag, nil
	}
	t, err := dicom.ParseTag(name)
	if err != nil {
		return 0, fmt.Errorf("%.64q is neither a keyword of PS3.6 nor a tag of 8 hexadecimal digits (PS3.18 8.3.1)", name)
	}
	return t, nil
}

func mayBeSequence(t dicom.Tag) bool {
	vr := vrOf(t)
	return vr == dicom.SQ || vr == dicom.UN || vr == ""
}

// ParseOptions are what the text of a key cannot say itself.
type ParseOptions struct {
	VR             dicom.VR // of a private attribute; empty: that of the dictionary
	EmptyValue     bool     // emptyvaluematching=true (PS3.4 C.2.2.2.7)
	MultipleValues bool     // multiplevaluematching=true (PS3.4 C.2.2.2.8)
}

// ParseKey reads the value of a key as PS3.18 8.3.4.1 writes it, percent-decoded. The matching type follows from the VR and
// the text. The error says what was wrong with the value, without repeating it: it may name a patient.
func ParseKey(path Path, value string, o ParseOptions) (Key, error) {
	if len(path) == 0 {
		return Key{}, errors.New("no attribute")
	}
	k := Key{Path: path, VR: o.VR}
	condition, err := k.parse(value, o)
	if err != nil {
		name := k.last().Keyword()
		if name == "" {
			name = path.String()
		}
		return Key{}, fmt.Errorf("%s: %w", name, err)
	}
	k.Condition = condition
	return k, nil
}

func (k Key) last() dicom.Tag { return k.Path[len(k.Path)-1] }

func (k Key) parse(value string, o ParseOptions) (Condition, error) {
	switch {
	case len(value) > MaxValue:
		return nil, fmt.Errorf("value of %d bytes; at most %d are taken", len(value), MaxValue)
	case !utf8.ValidString(value):
		return nil, errors.New("value is not UTF-8 (PS3.18 8.3.4.1)")
	case strings.ContainsRune(value, 0):
		return nil, errors.New("value contains a NUL character (PS3.18 8.3.1)")
	case strings.Trim(value, " ") == "", k.last() == dicom.SpecificCharacterSet:
		return Universal{}, nil
	case value == `""` && o.EmptyValue:
		return Empty{}, nil
	}
	vr := k.vr()
	if k.last() == dicom.TimezoneOffsetFromUTC {
		return parseZoneKey(value)
	}
	if o.MultipleValues && allowsMultiple(vr, k.last()) {
		if values := separated(value); len(values) > 1 {
			return Multiple{values}, nil
		}
	}
	switch vr {
	case dicom.SQ:
		return nil, errors.New("a sequence is matched by the attributes in its items, SEQUENCE.ATTRIBUTE (PS3.4 C.2.2.2.6)")
	case dicom.OB, dicom.OD, dicom.OF, dicom.OL, dicom.OV, dicom.OW:
		return nil, fmt.Errorf("a value of VR %s cannot be matched (PS3.4 C.2.2.2)", vr)
	case dicom.UI:
		return parseUIDs(value)
	case dicom.DA, dicom.TM, dicom.DT:
		return parseMoments(vr, hyphens.Replace(strings.Trim(value, " ")))
	case dicom.IS, dicom.DS, dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US, dicom.UV, dicom.FL, dicom.FD:
		if _, ok := decimal(strings.Trim(value, " ")); !ok {
			return nil, errors.New("not a number")
		}
		return Single{strings.Trim(value, " ")}, nil
	case dicom.AT:
		if _, err := dicom.ParseTag(strings.Trim(value, " ")); err != nil {
			return nil, errors.New("not a tag of 8 hexadecimal digits")
		}
		return Single{strings.Trim(value, " ")}, nil
	}
	if k.last() == dicom.ModalitiesInStudy || k.last() == dicom.Modality {
		return parseModalities(value), nil
	}
	return parseText(vr, value), nil
}

// allowsMultiple reports whether the attribute takes part in multiple value matching (PS3.4 C.2.2.2.8).
func allowsMultiple(vr dicom.VR, t dicom.Tag) bool {
	switch vr {
	case dicom.AE, dicom.AS, dicom.AT, dicom.CS, dicom.LO, dicom.PN, dicom.SH, dicom.UC:
		a, found := dicom.Lookup(t)
		return !found || a.VM != "1"
	}
	return false
}

// parseText reads a value of the VRs that allow wildcards, and of AS, which does not.
func parseText(vr dicom.VR, value string) Condition {
	switch value = Normal(rawVR(vr), value); {
	case vr == dicom.AS:
		return Single{value}
	case vr == dicom.PN && FoldName(value) == "", onlyStars(value):
		return Universal{}
	case strings.ContainsAny(value, "*?"):
		return Wildcard{squeeze(value)}
	}
	return Single{value}
}

// rawVR is the VR by whose rules padding is cut off a key that keeps its letters otherwise.
func rawVR(vr dicom.VR) dicom.VR {
	if vr == dicom.PN {
		return dicom.LO
	}
	return vr
}

func parseModalities(value string) Condition {
	var any []Condition
	for _, v := range separated(value) {
		any = append(any, parseText(dicom.CS, v))
	}
	switch len(any) {
	case 0:
		return Universal{}
	case 1:
		return any[0]
	}
	return AnyOf{any}
}

// parseUIDs reads a UID or a list of them. What cannot be one is an error (PS3.18 8.3), wildcards too; stored UIDs may break PS3.5 9.1 in
// other ways.
func parseUIDs(value string) (Condition, error) {
	var uids []dicom.UID
	for _, uid := range separated(value) {
		switch {
		case strings.ContainsAny(uid, "*?"):
			return nil, errors.New("UIDs have no wildcards (PS3.4 C.2.2.2.4): name them, in a list separated by commas")
		case strings.Trim(uid, "0123456789. ") != "":
			return nil, errors.New("not a UID, or a list of them separated by commas (PS3.5 9.1, PS3.4 C.2.2.2.2)")
		}
		uids = append(uids, dicom.UID(uid))
	}
	switch len(uids) {
	case 0:
		return Universal{}, nil
	case 1:
		return Single{string(uids[0])}, nil
	}
	return UIDList{uids}, nil
}

// parseZoneKey reads Timezone Offset From UTC. A plus sign that was not percent-encoded has become a blank on the way.
func parseZoneKey(value string) (Condition, error) {
	value = plus(value)
	if _, ok := parseZone(value); !ok {
		return nil, errors.New("not an offset from UTC of the form +0100 (PS3.3 C.12.1.1.8)")
	}
	return Single{strings.Trim(value, " ")}, nil
}

// hyphens takes away the blanks around them: PS3.4 C.2.2.2.5 writes ranges as "<date1> - <date2>".
var hyphens = strings.NewReplacer(" - ", "-", " -", "-", "- ", "-")

// parseMoments reads a date, time or date-time, or a range of two.
func parseMoments(vr dicom.VR, value string) (Condition, error) {
	low, high, ranged := strings.Cut(value, "-")
	if vr == dicom.DT {
		low, high, ranged = cutDateTimes(plus(value))
	}
	for _, end := range []string{low, high} {
		if p, ok := parseMoment(vr, end, ""); end != "" && (!ok || !onCalendar(vr, end, p.first)) {
			return nil, fmt.Errorf("not a value of VR %s, or a range LOW-HIGH of two (PS3.5 6.2, PS3.4 C.2.2.2.5)", vr)
		}
	}
	switch {
	case !ranged:
		return Single{low}, nil
	case low == "" && high == "":
		return nil, errors.New("a range without ends (PS3.4 C.2.2.2.5)")
	}
	r := Range{low, high}
	if first, last, _ := rangeBounds(vr, r, ""); vr != dicom.TM && last != "" && last < first {
		return nil, errors.New("the range ends before it begins (PS3.4 C.2.2.2.5)")
	}
	return r, nil
}

// cutDateTimes parts a range of DT values. A hyphen with four digits behind it that can be an offset from UTC is one.
func cutDateTimes(s string) (low, high string, ranged bool) {
	i := 0
	for i < len(s) && s[i] != '-' {
		i++
	}
	if i > 0 && i+5 <= len(s) && (i+5 == len(s) || s[i+5] == '-') && !strings.Contains(s[:i], "+") {
		if _, ok := parseZone(s[i : i+5]); ok {
			i += 5
		}
	}
	if i == len(s) {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// plus puts back the plus sign of an offset that a form decoder took for an encoded blank.
func plus(s string) string {
	for i := 0; i+5 <= len(s); i++ {
		if s[i] == ' ' && allDigits(s[i+1:i+5]) && (i+5 == len(s) || s[i+5] == '-') {
			s = s[:i] + "+" + s[i+1:]
		}
	}
	return s
}

// onCalendar reports whether the day that a DA or DT text names exists; first is its comparable form.
func onCalendar(vr dicom.VR, text, first string) bool {
	if vr == dicom.DT { // first may be a day off, in Universal Coordinated Time
		first, _, _ = strings.Cut(text, "+")
		first, _, _ = strings.Cut(first, "-")
	}
	return vr == dicom.TM || len(first) < 8 || first[6:8] <= lastDay(first)
}
