package hl7

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/golden"
	"github.com/noctis-dicom/noctis/procedure"
)

// TestGolden: each message of testdata gives the steps of the file beside it, which somebody has compared with the table of docs/OPERATIONS.md,
// and they are steps that package procedure takes.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.hl7")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for _, o := range ordersOf(t, text, Options{Stations: map[string]string{"*": "ROOM1"}}) {
			if _, err := procedure.Schedule(o.Step, procedure.Name{}); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			raw, err := o.Step.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Indent(&got, raw, "", " "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
		}
		golden.Bytes(t, strings.TrimSuffix(filepath.Base(file), ".hl7")+".json", got.Bytes())
	}
}

func ordersOf(t *testing.T, text []byte, o Options) (all []Order) {
	t.Helper()
	messages, err := Split(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range messages {
		m, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		orders, err := m.Orders(o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, orders...)
	}
	return all
}

const (
	head  = `MSH|^~\&|RIS|N|||20300101||ORM^O01|1|P|2.5`
	pid   = "PID|||P1||DOE^JANE"
	order = "OBR|1||F1|X1^Chest|||||||||||||||||CT1|||CT|||^^^203001041015"
)

func message(lines ...string) []byte { return []byte(strings.Join(lines, "\r")) }

// TestWithoutTrigger: systems of HL7 2.1 say ORM, and no more.
func TestWithoutTrigger(t *testing.T) {
	old := message(strings.Replace(head, "ORM^O01", "ORM", 1), pid, "ORC|NW||F1", order)
	if orders := ordersOf(t, old, Options{}); len(orders) != 1 || orders[0].Action != Put {
		t.Errorf("%v", orders)
	}
}

// TestFaults: what is wrong is told with its place, and without its value.
func TestFaults(t *testing.T) {
	const secret = "SECRET"
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{strings.Replace(head, "ORM^O01", "ADT^A08", 1), pid}, "MSH-9: not an order"},
		{[]string{strings.Replace(head, `^~\&`, "^~", 1), pid}, "MSH-2: want four"},
		{[]string{strings.Replace(head, `^~\&`, "^^^^", 1), pid}, "MSH-2: the separators"},
		{[]string{head + "||||||KLINGON", pid}, "MSH-18: a character set"},
		{[]string{head, pid, order}, "ORC: the message has none"},
		{[]string{head, pid, "ORC|" + secret + "||F1", order}, "ORC-1: an order control"},
		{[]string{head, pid, "ORC|SC||F1||" + secret, order}, "ORC-5: an order status"},
		{[]string{head, "PID|||||" + secret, "ORC|NW||F1", order}, "PID-3.1: the patient has no identifier"},
		{[]string{head, "PID|||" + strings.Repeat(secret, 11) + "||X", "ORC|NW||F1", order}, "PID-3.1: longer than the 64 characters of VR LO"},
		{[]string{head, "PID|||" + secret, "ORC|NW||F1", order}, "PID-5: the patient has no name"},
		{[]string{head, pid + "||" + secret + "12", "ORC|NW||F1", order}, "PID-7.1: not a date"},
		{[]string{head, pid, "ORC|NW||F1", strings.Replace(order, "203001041015", "20300230", 1)}, "OBR-27.4: not a date"},
		{[]string{head, pid, "ORC|NW||F1", strings.Replace(order, "203001041015", "203001042515", 1)}, "OBR-27.4: not a time"},
		{[]string{head, pid, "ORC|NW||F1", strings.Replace(order, "203001041015", "", 1)}, "OBR-27.4: the step has no start"},
		{[]string{head, pid, "ORC|NW||F1", strings.Replace(order, "|CT|", "||", 1)}, "OBR-24: the step has no modality"},
		{[]string{head, pid, "ORC|NW||F1", strings.Replace(order, "|CT|", "|C+T|", 1)}, "OBR-24.1: not a code of capitals"},
		{[]string{head, pid, "ORC|NW||F1", strings.Replace(order, "CT1", "", 1)}, "OBR-21: the step has no station"},
		{[]string{head, pid, "ORC|NW", strings.Replace(order, "F1", "", 1)}, "ORC-3: the order has neither"},
		{[]string{head, pid, "ORC|CA", strings.Replace(order, "F1", "", 1)}, "ORC-3: the order has neither"},
		{[]string{head, pid, "ORC|NW||F1", order, "ORC|NW||F2", strings.Replace(order, "|CT|", "||", 1)}, "OBR[2]-24"},
		{[]string{head, pid, "ORC|NW||F1", order, "ORC|NW||F1", order}, "OBR[2]-20: two steps of the message"},
		{[]string{head, pid, "ORC|NW||F1", order, "ZDS|1.2." + secret}, "ZDS-1.1: not a UID"},
		{[]string{head, pid, "OBX|1|NM|29463-7||" + secret + "|kg", "ORC|NW||F1", order}, "OBX-5: not a measure"},
	} {
		m, err := Parse(message(c.lines...))
		if err == nil {
			_, err = m.Orders(Options{})
		}
		var fault *Error
		if !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v, want %q", c.lines, err, c.want)
		}
	}
}

// TestActions: each order control and order status has its action.
func TestActions(t *testing.T) {
	for control, want := range map[string]Order{
		"NW||F1": {Action: Put}, "XO||F1": {Action: Put}, "CA||F1": {Action: Remove}, "DC||F1": {Action: Remove}, "OC||F1": {Action: Remove},
		"SC||F1||IP": {Action: Mark, Status: "STARTED"}, "SC||F1||SC": {Action: Mark, Status: "SCHEDULED"}, "SC||F1||CM": {Action: Remove},
		"SC||F1||DC": {Action: Remove}, "SC||F1||CA": {Action: Remove},
	} {
		orders := ordersOf(t, message(head, pid, "ORC|"+control, order), Options{})
		if len(orders) != 1 || orders[0].Action != want.Action || orders[0].Status != want.Status {
			t.Errorf("%s: %+v", control, orders)
		}
	}
}

// TestSameName: a later message about an order names the same step, whatever else it changes; another order, or another sender, does not.
func TestSameName(t *testing.T) {
	name := func(lines ...string) procedure.Name {
		o := ordersOf(t, message(lines...), Options{})
		return (&procedure.Scheduled{DataSet: o[0].Step}).Name()
	}
	first := name(head, pid, "ORC|NW||F1", order)
	if !first.Study.Canonical() || !strings.HasPrefix(string(first.Study), "2.25.") || len(first.Step) != 16 {
		t.Errorf("%+v", first)
	}
	if again := name(head, pid, "ORC|XO||F1", strings.Replace(order, "X1^Chest", "X2^Knee", 1)); again != first {
		t.Errorf("%+v is not %+v", again, first)
	}
	for _, other := range [][]string{
		{head, pid, "ORC|NW||F2", strings.Replace(order, "F1", "F2", 1)}, {strings.Replace(head, "RIS", "RIS2", 1), pid, "ORC|NW||F1", order},
	} {
		if n := name(other...); n.Study == first.Study || n.Step == first.Step {
			t.Errorf("%q: the same name", other)
		}
	}
}

// TestStation: of the message, of the settings, of OBR-21, in this order.
func TestStation(t *testing.T) {
	omi := strings.Replace(head, "ORM^O01", "OMI^O23", 1)
	for _, c := range []struct {
		stations map[string]string
		lines    []string
		want     string
	}{
		{map[string]string{"CT": "SET"}, []string{omi, pid, "ORC|NW||F1", order, "IPC|||||CT||||OWN"}, "OWN"},
		{map[string]string{"CT": "SET", "*": "ALL"}, []string{head, pid, "ORC|NW||F1", order}, "SET"},
		{map[string]string{"MR": "SET", "*": "ALL"}, []string{head, pid, "ORC|NW||F1", order}, "ALL"},
		{nil, []string{head, pid, "ORC|NW||F1", order}, "CT1"},
	} {
		o := ordersOf(t, message(c.lines...), Options{Stations: c.stations})
		if got := o[0].Step.Items(dicom.ScheduledProcedureStepSequence)[0].String(dicom.ScheduledStationAETitle); got != c.want {
			t.Errorf("%v: %q, want %q", c.stations, got, c.want)
		}
	}
}

// TestText: escapes and character sets.
func TestText(t *testing.T) {
	for _, c := range []struct{ charset, name, want string }{
		{"", `A\F\B\T\C\R\D\E\E`, `A|B&C~D\E`}, {"", `A\S\B`, "A^B"}, {"", `\H\A\N\B\Zxy\C`, "ABC"}, {"", `A\B`, `A\B`}, {"", `A\X4a4B\B`, "AJKB"},
		{"", "M\xfcller", "Müller"}, {"", "Müller", "Müller"}, {"8859/1", "M\xfcller", "Müller"}, {"8859/1", `M\XFC\ller`, "Müller"},
		{"UNICODE UTF-8", "Müller", "Müller"}, {"UNICODE UTF-8", `M\XC3BC\ller`, "Müller"}, {"UNICODE UTF-8", `M\XC3\ller`, "M\uFFFDller"},
		{"8859/2", "\xa3ukasz", "Łukasz"}, {"8859/5", "\xb8\xd2\xd0\xdd", "Иван"}, {"8859/15", "\xa4", "€"}, {"ISO_IR 100", "\xfc", "ü"},
		{"utf-8", "ü", "ü"}, {"GB 18030-2000", "\xcd\xf5", "王"}, {"ASCII~ISO IR87", "\x1b$B;3ED\x1b(B^x", "山田"},
		{"", `""`, ""},
	} {
		m, err := Parse(message(head+"||||||"+c.charset, "PID|||P1||"+c.name))
		if err != nil {
			t.Fatal(c, err)
		}
		if got := m.First("PID").Text(5, 1); got != c.want {
			t.Errorf("%s: %q gives %q, want %q", c.charset, c.name, got, c.want)
		}
	}
}

// TestSplit: line ends, frames, batches, and what of a file is not whole.
func TestSplit(t *testing.T) {
	const one, two = `MSH|^~\&|1`, `MSH|^~\&|2`
	wide := "\xFF\xFE"
	for _, c := range one + "\r" + pid {
		wide += string([]byte{byte(c), 0})
	}
	for _, c := range []struct {
		name, text string
		want       int
		fault      string
	}{
		{"CR", one + "\r" + pid + "\r" + two + "\r" + pid + "\r", 2, ""},
		{"LF", one + "\n" + pid + "\n" + two + "\n" + pid, 2, ""},
		{"CRLF", one + "\r\n" + pid + "\r\n\r\n" + two + "\r\n" + pid + "\r\n", 2, ""},
		{"MLLP", "\x0B" + one + "\r" + pid + "\r\x1C\r\x0B" + two + "\r" + pid + "\r\x1C\r", 2, ""},
		{"UTF-8 mark", "\xEF\xBB\xBF" + one + "\r" + pid, 1, ""},
		{"UTF-16", wide, 1, ""},
		{"batch", "FHS|^~\\&\rBHS|^~\\&\r" + one + "\r" + pid + "\r" + two + "\r" + pid + "\rBTS|2\rFTS|1\r", 2, ""},
		{"two batches", "BHS|^~\\&\r" + one + "\r" + pid + "\rBTS|1\rBHS|^~\\&\r" + two + "\r" + pid + "\rBTS|1", 2, ""},
		{"a wrong count", "BHS|^~\\&\r" + one + "\r" + pid + "\rBTS|3\r", 1, "BTS-1: the batch has 1 messages, and says 3"},
		{"cut off", "FHS|^~\\&\rBHS|^~\\&\r" + one + "\r" + pid, 1, "FHS: its trailer is missing"},
		{"no header", one + "\r" + pid + "\rBTS|1", 1, "BTS: there is no BHS"},
		{"strays", pid + "\r" + one + "\r" + pid, 1, "1 lines belong to no message"},
		{"nothing", "\r\n", 0, "there is no message"},
	} {
		messages, err := Split([]byte(c.text))
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if len(messages) != c.want || (c.fault == "") != (err == nil) || !strings.HasPrefix(fault, c.fault) {
			t.Errorf("%s: %d messages, %v", c.name, len(messages), err)
		}
		for _, raw := range messages {
			if m, err := Parse(raw); err != nil || m.First("PID").Text(3, 1) != "P1" {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if c.want > 0 && c.name != "strays" && !IsFile([]byte(c.text)) {
			t.Errorf("%s: not taken for HL7", c.name)
		}
	}
}

// TestContinuation: a text with a line end in it does not end the segment.
func TestContinuation(t *testing.T) {
	m, err := Parse(message(head, pid, "NTE|1||first", "second line"))
	if err != nil || m.First("NTE").Text(3, 1) != "first\nsecond line" {
		t.Error(err, m.First("NTE").Text(3, 1))
	}
}

// TestBounds: separators by the million take no more than their own time: what takes the square of it would not end.
func TestBounds(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, 4<<20/len(s)) }
	for name, lines := range map[string][]string{
		"components":  {head, pid, "PV1|||" + many("a^"), "ORC|NW||F1", order},
		"repetitions": {head, "PID|||P1||DOE^JANE" + many("~a"), "ORC|NW||F1", order + many("~a")},
		"fields":      {head, pid + many("|a"), "ORC|NW||F1", order},
		"escapes":     {head, pid, "ORC|NW||F1", strings.Replace(order, "Chest", many(`\F\`), 1)},
		"lines":       {head, pid, "NTE|1||a", many("line\r"), "ORC|NW||F1", order},
		"steps":       {head, pid, strings.Repeat("ORC|NW||F1\r"+order+"\r", 4000)},
		"segments":    {head, pid, many("NTE|1\r"), "ORC|NW||F1", order},
	} {
		m, err := Parse(message(lines...))
		if err == nil {
			_, err = m.Orders(Options{})
		}
		if refused := name == "steps" || name == "segments"; (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOrders(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.hl7")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(message(head+"||||||ASCII~ISO IR87", pid, "ORC|CA||F1", order, "ZDS|1.2"))
	f.Add([]byte("\x0BFHS|^~\\&\nBHS|^~\\&\n" + head + "\nBTS|1\nFTS|1\x1C\r"))
	f.Fuzz(func(t *testing.T, text []byte) {
		messages, _ := Split(text)
		for _, raw := range messages {
			m, err := Parse(raw)
			if err != nil {
				continue
			}
			orders, err := m.Orders(Options{Stations: map[string]string{"*": "X"}})
			for _, o := range orders {
				if o.Step == nil || err != nil {
					t.Fatal("an order without a step, or with an error", err)
				}
				if _, err := o.Step.MarshalJSON(); err != nil {
					t.Fatal(err)
				}
				if _, err := procedure.Schedule(o.Step, procedure.Name{}); err != nil && o.Action == Put && !errors.Is(err, procedure.ErrInvalid) {
					t.Fatal(err)
				}
			}
		}
	})
}
