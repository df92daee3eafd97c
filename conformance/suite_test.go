package conformance

import (
	"regexp"
	"strings"
	"testing"
)

func TestCasesAreWellFormed(t *testing.T) {
	id := regexp.MustCompile(`^[a-z]+(-[a-z]+)?(\.[A-Za-z0-9-]+)+$`)
	seen := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.ID] {
			t.Errorf("%s: another case has this ID", c.ID)
		}
		seen[c.ID] = true
		if !id.MatchString(c.ID) || !strings.HasPrefix(c.ID, string(c.Service)+".") {
			t.Errorf("%s: an ID is the service and lower-case words", c.ID)
		}
		if c.Clause == "" || c.Gist == "" || c.Level == "" || c.run == nil {
			t.Errorf("%s lacks a field", c.ID)
		}
	}
}

func TestFaultOf(t *testing.T) {
	for _, test := range []struct{ json, fault string }{
		{`{"00080005":{"vr":"CS","Value":["ISO_IR 192"]}}`, ""},
		{`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A"}]}}`, ""},
		{`{"00081199":{"vr":"SQ","Value":[{},{"00081150":{"vr":"UI"}}]}}`, ""},
		{`[]`, "object"},
		{`{"0008000a":{"vr":"CS"}}`, "upper-case"},
		{`{"00080020":{"vr":"DA"},"00080005":{"vr":"CS"}}`, "ascending"},
		{`{"00080000":{"vr":"UL","Value":[4]}}`, "group length"},
		{`{"00080005":{"VR":"CS"}}`, "vr"},
		{`{"00080005":{"vr":"CS","Value":[]}}`, "empty Value"},
		{`{"00080005":{"vr":"CS","value":["A"]}}`, "member"},
		{`{"00100010":{"vr":"PN","Value":["A"]}}`, "component groups"},
		{`{"00100010":{"vr":"PN","Value":[{"Alphabetic":""}]}}`, "component group"},
		{`{"00280010":{"vr":"US","Value":["16"]}}`, "number"},
		{`{"00080020":{"vr":"DA","Value":[20240101]}}`, "string"},
		{`{"00080020":{"vr":"DA","InlineBinary":"AA=="}}`, "InlineBinary"},
		{`{"00080020":{"vr":"DA","BulkDataURI":"x"}}`, "BulkDataURI"},
		{`{"7FE00010":{"vr":"OW","InlineBinary":"AA==","BulkDataURI":"x"}}`, "more than one"},
		{`{"00081199":{"vr":"SQ","Value":[{"0008115g":{"vr":"UI"}}]}}`, "upper-case"},
	} {
		if got := faultOf([]byte(test.json)); (got == "") != (test.fault == "") || !strings.Contains(got, test.fault) {
			t.Errorf("%s: %q, want %q", test.json, got, test.fault)
		}
	}
}
