package match

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/noctis-dicom/noctis/dicom"
)

func TestParsePath(t *testing.T) {
	nested := Path{dicom.OtherPatientIDsSequence, dicom.IssuerOfPatientIDQualifiersSequence, dicom.UniversalEntityID}
	for text, want := range map[string]Path{
		// The examples of PS3.18 8.3.1.
		"0020000D":                          {dicom.StudyInstanceUID},
		"0020000d":                          {dicom.StudyInstanceUID},
		"StudyInstanceUID":                  {dicom.StudyInstanceUID},
		"00101002.00100020":                 {dicom.OtherPatientIDsSequence, dicom.PatientID},
		"OtherPatientIDsSequence.PatientID": {dicom.OtherPatientIDsSequence, dicom.PatientID},
		"00101002.00100024.00400032":        nested,
		"OtherPatientIDsSequence.IssuerOfPatientIDQualifiersSequence.UniversalEntityID": nested,
		"OtherPatientIDsSequence.00100020":                                              {dicom.OtherPatientIDsSequence, dicom.PatientID},
		"00231001.00100020":                                                             {0x00231001, dicom.PatientID},
		"00090010":                                                                      {0x00090010},
	} {
		if got, err := ParsePath(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParsePath(%q) = %v, %v", text, got, err)
		}
	}
	for _, bad := range []string{
		"", ".", "patientname", "PatientName.PatientID", "0010001", "001000100", "(0010,0010)", "00100010.", "+0100010", "limit",
		strings.Repeat("00400275.", 40) + "00400009",
	} {
		if got, err := ParsePath(bad); err == nil {
			t.Errorf("ParsePath(%q) = %v", bad, got)
		}
	}
}

func TestParseKey(t *testing.T) {
	multiple := ParseOptions{MultipleValues: true}
	for _, c := range []struct {
		tag   dicom.Tag
		value string
		o     ParseOptions
		want  Condition
	}{
		{dicom.PatientName, "Doe^J", ParseOptions{}, Single{"Doe^J"}},
		{dicom.PatientName, "*", ParseOptions{}, Universal{}},
		{dicom.PatientName, "^^^^", ParseOptions{}, Universal{}},
		{dicom.PatientName, "**D***?*", ParseOptions{}, Wildcard{"*D?*"}},
		{dicom.PatientID, " ", ParseOptions{}, Universal{}},
		{dicom.StudyInstanceUID, "1.2", ParseOptions{}, Single{"1.2"}},
		{dicom.StudyInstanceUID, "1.2,1.3", ParseOptions{}, UIDList{[]dicom.UID{"1.2", "1.3"}}},
		{dicom.StudyDate, "2024-", ParseOptions{}, Range{"2024", ""}},
		{dicom.AcquisitionDateTime, "2024-0500-2025", ParseOptions{}, Range{"2024-0500", "2025"}},
		{dicom.AcquisitionDateTime, "- 2025", ParseOptions{}, Range{"", "2025"}},
		{dicom.ModalitiesInStudy, "CT,M?", ParseOptions{}, AnyOf{[]Condition{Single{"CT"}, Wildcard{"M?"}}}},
		{dicom.ModalitiesInStudy, "CT,MR", multiple, Multiple{[]string{"CT", "MR"}}},
		{dicom.ModalitiesInStudy, "CT", multiple, Single{"CT"}},
		{dicom.PatientID, `""`, ParseOptions{EmptyValue: true}, Empty{}},
		{dicom.PixelData, "", ParseOptions{}, Universal{}},
		{0x00231001, "20240101-", ParseOptions{}, Single{"20240101-"}},
		{0x00231001, "20240101-", ParseOptions{VR: dicom.DA}, Range{"20240101", ""}},
	} {
		k, err := ParseKey(Path{c.tag}, c.value, c.o)
		if err != nil || !reflect.DeepEqual(k.Condition, c.want) {
			t.Errorf("ParseKey(%s, %q) = %#v, %v, want %#v", c.tag, c.value, k.Condition, err, c.want)
		}
	}
}

// An error says what was wrong, but repeats no value: it may be a patient's.
func TestParseKeyErrors(t *testing.T) {
	for _, c := range []struct {
		tag         dicom.Tag
		value, want string
	}{
		{dicom.PatientName, strings.Repeat("x", MaxValue+1), "PatientName: value of 16385 bytes"},
		{dicom.PatientName, "a\x00b", "NUL"},
		{dicom.PatientName, "\xff", "not UTF-8"},
		{dicom.PatientBirthDate, "31.01.1970", "PatientBirthDate: not a value of VR DA"},
		{0x00231001, "\xff", "00231001: value is not UTF-8"},
	} {
		_, err := ParseKey(Path{c.tag}, c.value, ParseOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.value) {
			t.Errorf("ParseKey(%s, %.20q): %v, want %q", c.tag, c.value, err, c.want)
		}
	}
	if _, err := ParseKey(nil, "1", ParseOptions{}); err == nil {
		t.Error("a key without an attribute was taken")
	}
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []struct{ path, value string }{
		{"PatientName", "*brain*"}, {"PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう"},
		{"StudyDate", "20240101-20240131"},
		{"StudyTime", "-1800.5"}, {"AcquisitionDateTime", "20240101+0100-20240102-0500"}, {"StudyInstanceUID", `1.2,1.3\1.4`},
		{"InstanceNumber", "+1e3"}, {"SelectorATValue", "00100010"}, {"SelectorFLValue", "0.1"}, {"ModalitiesInStudy", "CT,M*"},
		{"RequestAttributesSequence.ScheduledProcedureStepID", `""`}, {"TimezoneOffsetFromUTC", " 0100"}, {"00230010", "ACME"},
	} {
		f.Add(seed.path, seed.value, uint8(0))
		f.Add(seed.path, seed.value, uint8(7))
	}
	f.Fuzz(func(t *testing.T, name, value string, options uint8) {
		path, err := ParsePath(name)
		if err != nil {
			return
		}
		k, err := ParseKey(path, value, ParseOptions{EmptyValue: options&1 != 0, MultipleValues: options&2 != 0})
		if err != nil {
			if !utf8.ValidString(err.Error()) {
				t.Errorf("error %q", err)
			}
			return
		}
		if k.Condition == nil {
			t.Fatal("no condition")
		}
		q := Query{Keys: Combine([]Key{k}), Fuzzy: options&4 != 0, Limit: -1}
		if again := Combine(q.Keys); !reflect.DeepEqual(again, q.Keys) {
			t.Errorf("combined twice: %v, %v", q.Keys, again)
		}
		ds := &dicom.DataSet{}
		if inner := path[len(path)-1]; len(path) == 1 && inner.VR().IsText() {
			ds.SetStrings(inner, inner.VR(), value)
		}
		matched := q.Match(ds)
		c, single := k.Condition.(Single)
		if single && len(path) == 1 && k.vr().IsText() && c.Value == value && !matched {
			t.Errorf("%s=%q does not match its own value", name, value)
		}
		q.Project(ds)
		if once := FoldName(value); utf8.ValidString(value) && FoldName(once) != once {
			t.Errorf("FoldName(%q) = %q, folded again %q", value, once, FoldName(once))
		}
	})
}
