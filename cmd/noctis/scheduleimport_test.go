package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// hl7Order is an ORM of one step of the order number.
func hl7Order(control, number, procedure string) string {
	return "MSH|^~\\&|RIS|N|||20300101||ORM^O01|1|P|2.5\rPID|||P1||DOE^JANE\rORC|" + control + "||" + number +
		"\rOBR|1||" + number + "|X1^" + procedure + strings.Repeat("|", 20) + "CT|||^^^203001041015\r"
}

func written(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScheduleImport: orders come, change and go, on a server as in a data folder; what fails harms nothing else, and names its place.
func TestScheduleImport(t *testing.T) {
	server := httptest.NewServer(conformanceHandler(t))
	defer server.Close()
	for _, where := range [][]string{{"--data", filepath.Join(t.TempDir(), "data")}, {"--server", server.URL + "/dicom-web"}} {
		inbox := t.TempDir()
		command := func(want int, args ...string) string {
			t.Helper()
			var out, errs bytes.Buffer
			if code := run(t.Context(), append(append([]string{"schedule"}, args...), where...), &out, &errs); code != want {
				t.Fatalf("%v: exit code %d: %s%s", args, code, out.String(), errs.String())
			}
			return out.String() + errs.String()
		}
		imported := func(want int, text string) string {
			t.Helper()
			return command(want, "import", written(t, filepath.Join(inbox, "order"), text), "--station", "MR=MR1;*=CT1")
		}
		if got := imported(0, hl7Order("NW", "F1", "Head")+hl7Order("NW", "F2", "Knee")); !strings.HasSuffix(got, "2 created, 0 replaced, 0 removed, 0 failed\n") {
			t.Errorf("%v: NW: %s", where, got)
		}
		if got := imported(0, hl7Order("XO", "F1", "Neck")); !strings.HasSuffix(got, "0 created, 1 replaced, 0 removed, 0 failed\n") {
			t.Errorf("%v: XO: %s", where, got)
		}
		if got := imported(0, hl7Order("CA", "F2", "Knee")); !strings.HasSuffix(got, "0 created, 0 replaced, 1 removed, 0 failed\n") {
			t.Errorf("%v: CA: %s", where, got)
		}
		if got := imported(0, hl7Order("DC", "F2", "Knee")); !strings.HasPrefix(got, "nothing to change") {
			t.Errorf("%v: DC of what is not there: %s", where, got)
		}
		if got := imported(0, strings.Replace(hl7Order("SC", "F1", "Neck"), "||F1\r", "||F1||IP\r", 1)); !strings.Contains(got, "1 replaced") {
			t.Errorf("%v: SC: %s", where, got)
		}
		// The second message has two steps of which one is wrong: neither is taken.
		broken := hl7Order("NW", "F8", "Hip") + strings.ReplaceAll("ORC|NW||F9\rOBR|1||F9|X1^Secret\r", "Secret", "SECRET")
		got := imported(1, hl7Order("NW", "F5", "Foot")+broken+hl7Order("NW", "F6", "Hand"))
		if !strings.Contains(got, "order: message 2: OBR[2]-27.4: ") || !strings.Contains(got, "2 created, 0 replaced, 0 removed, 1 failed") || strings.Contains(got, "SECRET") {
			t.Errorf("%v: a broken one: %s", where, got)
		}
		if got := imported(0, scheduledSteps) + imported(0, scheduledSteps); !strings.Contains(got, "2 created") || !strings.Contains(got, "2 replaced") {
			t.Errorf("%v: JSON: %s", where, got)
		}
		if got := imported(1, "a,b,c\n"); !strings.Contains(got, "neither HL7 v2 nor DICOM JSON") {
			t.Errorf("%v: %s", where, got)
		}
		if got := command(0, "list"); strings.Count(got, "\n") != 5 || !strings.Contains(got, "20300104 1015  CT1 CT  P1 DOE^JANE") {
			t.Errorf("%v: list: %s", where, got)
		}
	}
}

// TestScheduleInbox: files of a folder are moved, the older first; the next look takes what has not grown; a server that is away is not their fault.
func TestScheduleInbox(t *testing.T) {
	inbox, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	old := written(t, filepath.Join(inbox, "z"), hl7Order("NW", "F1", "Head"))
	if err := os.Chtimes(old, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	written(t, filepath.Join(inbox, "a"), hl7Order("CA", "F1", "Head"))
	written(t, filepath.Join(inbox, "b"), "MSH|^~\\&|\rPID|")
	written(t, filepath.Join(inbox, ".c"), "not yet")
	written(t, filepath.Join(inbox, "d.tmp"), "not yet")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"schedule", "import", inbox, "--move", "--station", "*=CT1", "--data", data}, &out, &errs); code != 1 {
		t.Fatal(code, out.String(), errs.String())
	}
	if !strings.Contains(out.String(), "1 created, 0 replaced, 1 removed, 1 failed") {
		t.Error(out.String(), errs.String())
	}
	if got := string(read(t, filepath.Join(inbox, "failed", "b.error"))); got != "message 1: MSH-9: not an order: ORM^O01, OMI^O23 and OMG^O19 are read\n" {
		t.Error(got)
	}
	for _, name := range []string{"done/a", "done/z", "failed/b", ".c", "d.tmp"} {
		read(t, filepath.Join(inbox, name))
	}

	archive, err := openArchive(t.Context(), data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := &orderImport{schedule: localSchedule{archive}, terminal: terminal{&out, &errs}}
	in.options.Stations = map[string]string{"*": "CT1"}
	again := written(t, filepath.Join(inbox, "a"), hl7Order("NW", "F2", "Head"))
	seen := in.look(t.Context(), []string{inbox}, nil)
	written(t, again, hl7Order("NW", "F2", "Head and neck"))
	if seen = in.look(t.Context(), []string{inbox}, seen); in.created != 0 {
		t.Error("taken while it grew")
	}
	seen = in.look(t.Context(), []string{inbox}, seen)
	read(t, filepath.Join(inbox, "done", "a.1"))
	if in.created != 1 || len(in.look(t.Context(), []string{inbox}, seen)) != 0 {
		t.Error("not taken, or twice", in.created)
	}

	written(t, again, hl7Order("NW", "F3", "Head"))
	archive.Close()
	seen = in.look(t.Context(), []string{inbox}, nil)
	in.look(t.Context(), []string{inbox}, seen)
	read(t, again)
}
