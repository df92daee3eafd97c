package matchtest

import (
	"fmt"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Query returns a random query at the level: one to three keys, read by match.ParseKey and joined by match.Combine, without
// offset and limit. It asks for attributes of the level and of those above it.
func (g *Generator) Query(l match.Level) match.Query {
	q := match.Query{Level: l, Limit: -1, Fuzzy: g.rand.IntN(3) == 0}
	o := match.ParseOptions{EmptyValue: g.rand.IntN(2) == 0, MultipleValues: g.rand.IntN(3) == 0}
	for range 1 + g.rand.IntN(3) {
		q.Keys = append(q.Keys, g.keys(l, o)...)
	}
	if g.rand.IntN(8) == 0 {
		q.Keys = append(q.Keys, mustParse(match.Path{dicom.TimezoneOffsetFromUTC}, pick(g, []string{"+0200", "-0330"}), o))
	}
	q.Keys = match.Combine(q.Keys)
	return q
}

// keys returns a key, or several that belong together.
func (g *Generator) keys(l match.Level, o match.ParseOptions) []match.Key {
	switch g.rand.IntN(12) {
	case 0:
		text := pick(g, []string{"CT", "MR", "CT,MR", "M*,SEG", "XX", "MR\\CT", "?", "*"})
		return []match.Key{mustParse(match.Path{dicom.ModalitiesInStudy}, text, o)}
	case 1:
		count := pick(g, []dicom.Tag{dicom.NumberOfStudyRelatedSeries, dicom.NumberOfStudyRelatedInstances})
		return []match.Key{mustParse(match.Path{count}, fmt.Sprint(1+g.rand.IntN(5)), o)}
	case 2:
		return []match.Key{g.uidKey(l, o)}
	case 3:
		return g.dateTime(l, o)
	case 4:
		if l == match.Instance {
			return g.privateKeys(o)
		}
	}
	return g.attributeKeys(nil, pools(l), o)
}

// attributeKeys asks for one of the attributes, or for several in one sequence.
func (g *Generator) attributeKeys(path match.Path, pool []attribute, o match.ParseOptions) []match.Key {
	a := pick(g, pool)
	path = append(path[:len(path):len(path)], a.tag)
	if a.vr != dicom.SQ {
		return []match.Key{mustParse(path, g.text(a, o), o)}
	}
	if g.rand.IntN(6) == 0 {
		text := ""
		if o.EmptyValue {
			text = `""`
		}
		return []match.Key{mustParse(path, text, o)}
	}
	keys := g.attributeKeys(path, a.items, o)
	if g.rand.IntN(2) == 0 {
		keys = append(keys, g.attributeKeys(path, a.items, o)...)
	}
	return keys
}

// uidKey asks for entities by their UIDs, existing and others.
func (g *Generator) uidKey(l match.Level, o match.ParseOptions) match.Key {
	study := g.studies[g.rand.IntN(len(g.studies))]
	uid := study.attributes.String(dicom.StudyInstanceUID)
	t := dicom.StudyInstanceUID
	switch {
	case l == match.Instance && g.rand.IntN(2) == 0:
		t, uid = dicom.SOPClassUID, pick(g, sopClasses)
	case l >= match.Series && g.rand.IntN(2) == 0:
		t, uid = dicom.SeriesInstanceUID, pick(g, study.series).String(dicom.SeriesInstanceUID)
	}
	texts := []string{uid, uid + ",1.2.3", "1.2.3," + uid + ",1.2.826.1", "1.2.826.2," + uid, "1.2"}
	return mustParse(match.Path{t}, pick(g, texts), o)
}

// dateTime asks for ranges of a date and of the time beside it.
func (g *Generator) dateTime(l match.Level, o match.ParseOptions) []match.Key {
	dates := []dicom.Tag{dicom.StudyDate, dicom.SeriesDate, dicom.DateOfLastCalibration, dicom.ContentDate}
	date := dates[g.rand.IntN([...]int{match.Study: 1, match.Series: 3, match.Instance: 4}[l])]
	clock, _ := match.TimeOf(date)
	days := []string{"20060705-20060707", "20060706-", "-20060706", "20060706-20060706", "2006-2006"}
	hours := []string{"1000-1800", "1030-", "-1800", "18-1000", "000000.000-235959"}
	form := g.rand.IntN(len(days))
	other := form
	if g.rand.IntN(3) == 0 {
		other = g.rand.IntN(len(hours))
	}
	return []match.Key{
		mustParse(match.Path{date}, days[form], o),
		mustParse(match.Path{clock}, hours[other], o),
	}
}

// privateKeys asks for a private attribute by its creator, whose block may lie elsewhere in the data set.
func (g *Generator) privateKeys(o match.ParseOptions) []match.Key {
	creator := dicom.NewTag(privateGroup, 0x10)
	keys := []match.Key{mustParse(match.Path{creator}, pick(g, []string{privateCreatorA, privateCreatorB, "NOBODY"}), o)}
	element := func(e uint16) dicom.Tag { return dicom.NewTag(privateGroup, 0x1000|e) }
	switch g.rand.IntN(8) {
	case 0:
	case 1, 2, 3:
		e := pick(g, []uint16{privateElementLO, privateElementUN})
		keys = append(keys, mustParse(match.Path{element(e)}, pick(g, append([]string{"CT", "C?"}, values[dicom.LO]...)), o))
	case 4, 5, 6:
		e := privateElements + uint16(g.rand.IntN(3))
		keys = append(keys, mustParse(match.Path{element(e)}, g.text(pick(g, privatePool), o), o))
	default:
		sequence := element(privateElementSQ)
		keys = append(keys, g.attributeKeys(match.Path{sequence}, codeItems, o)...)
		if g.rand.IntN(2) == 0 {
			keys = append(keys, mustParse(match.Path{sequence, creator}, pick(g, []string{privateCreatorA, privateCreatorB}), o),
				mustParse(match.Path{sequence, element(privateElementLO)}, pick(g, values[dicom.LO]), o))
		}
	}
	return keys
}

// text returns the text of a key for the attribute, of a random matching type that its VR allows.
func (g *Generator) text(a attribute, o match.ParseOptions) string {
	if o.EmptyValue && g.rand.IntN(6) == 0 {
		return `""`
	}
	if a.tag == dicom.TimezoneOffsetFromUTC || a.vr == dicom.OB || g.rand.IntN(12) == 0 {
		return ""
	}
	switch a.vr {
	case dicom.SL, dicom.SS, dicom.SV, dicom.UL, dicom.US, dicom.UV:
		return pick(g, []string{"0", "1", "01", "2", "+3", "9223372036854775808"})
	case dicom.FL, dicom.FD:
		return pick(g, []string{"0", "0.1", "1.50", "15e-1", "-2"})
	case dicom.AT:
		return pick(g, []string{"00100010", "7fe00010", "7FE00010", "00000000"})
	}
	v := pick(g, values[a.vr])
	switch a.vr {
	case dicom.DA, dicom.TM, dicom.DT:
		return g.rangeText(a.vr, v)
	case dicom.UI:
		return pick(g, []string{v, v + "," + pick(g, values[a.vr]), "1.2.84"})
	case dicom.AS, dicom.IS, dicom.DS:
		return v
	}
	if o.MultipleValues && g.rand.IntN(2) == 0 {
		return v + "," + pick(g, values[a.vr])
	}
	if g.rand.IntN(2) == 0 {
		return g.pattern(v)
	}
	return v
}

// rangeText returns a value, or a range that begins or ends with it.
func (g *Generator) rangeText(vr dicom.VR, v string) string {
	w := pick(g, values[vr])
	if w < v || vr == dicom.DT {
		v, w = w, v
	}
	text := pick(g, []string{v, v + "-", "-" + v, v + "-" + w})
	if _, err := match.ParseKey(match.Path{dicom.SelectorDTValue}, text, match.ParseOptions{VR: vr}); err != nil {
		return v
	}
	return text
}

// pattern puts wildcards into a text.
func (g *Generator) pattern(s string) string {
	runes := []rune(s)
	at := g.rand.IntN(len(runes) + 1)
	switch g.rand.IntN(6) {
	case 0:
		return string(runes[:at]) + "*"
	case 1:
		return "*" + string(runes[at:])
	case 2:
		return "*" + strings.ToLower(string(runes[at/2:at])) + "*"
	case 3:
		return string(runes[:at/2]) + "*" + string(runes[at:])
	case 4:
		return strings.Repeat("?", at) + string(runes[at:])
	}
	return string(runes[:at/2]) + "?*" + string(runes[at:])
}

func mustParse(path match.Path, text string, o match.ParseOptions) match.Key {
	k, err := match.ParseKey(path, text, o)
	if err != nil {
		panic(fmt.Sprintf("matchtest: %v: %q: %v", path, text, err))
	}
	return k
}
