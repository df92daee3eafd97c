package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const scheduledSteps = `[
 {"00100010":{"vr":"PN","Value":[{"Alphabetic":"DOE^JANE"}]},"00100020":{"vr":"LO","Value":["P1"]},"0020000D":{"vr":"UI","Value":["1.2.1"]},
  "00400100":{"vr":"SQ","Value":[{"00400001":{"vr":"AE","Value":["CT1"]},"00400002":{"vr":"DA","Value":["20300102"]},"00400003":{"vr":"TM","Value":["0930"]},
   "00080060":{"vr":"CS","Value":["CT"]},"00400009":{"vr":"SH","Value":["S 1"]}}]}},
 {"00100010":{"vr":"PN","Value":[{"Alphabetic":"ROE^RICK"}]},"00100020":{"vr":"LO","Value":["P2"]},"0020000D":{"vr":"UI","Value":["1.2.2"]},
  "00400100":{"vr":"SQ","Value":[{"00400001":{"vr":"AE","Value":["MR1"]},"00400002":{"vr":"DA","Value":["20300101"]},"00400003":{"vr":"TM","Value":["0800"]},
   "00080060":{"vr":"CS","Value":["MR"]},"00400009":{"vr":"SH","Value":["S2"]}}]}}]`

// TestSchedule: the commands do the same on a server as in a data folder.
func TestSchedule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "steps.json")
	if err := os.WriteFile(file, []byte(scheduledSteps), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(conformanceHandler(t))
	defer server.Close()
	for _, where := range [][]string{{"--data", filepath.Join(t.TempDir(), "data")}, {"--server", server.URL + "/dicom-web"}} {
		command := func(want int, args ...string) string {
			t.Helper()
			var out, errs bytes.Buffer
			if code := run(t.Context(), append(append([]string{"schedule"}, args...), where...), &out, &errs); code != want {
				t.Fatalf("%v: exit code %d: %s%s", args, code, out.String(), errs.String())
			}
			return out.String() + errs.String()
		}
		if got := command(0, "add", file); got != "1.2.1 S 1\n1.2.2 S2\n" {
			t.Errorf("%v: add: %q", where, got)
		}
		if got := command(1, "add", file); !strings.Contains(got, "step 1") {
			t.Errorf("%v: twice: %q", where, got)
		}
		want := "1.2.2 S2  20300101 0800  MR1 MR  P2 ROE^RICK\n1.2.1 S 1  20300102 0930  CT1 CT  P1 DOE^JANE\n"
		if got := command(0, "list"); got != want {
			t.Errorf("%v: list: %q", where, got)
		}
		command(0, "remove", "1.2.1", "S 1")
		command(1, "remove", "1.2.1", "S 1")
		if got := command(0, "list"); strings.Count(got, "\n") != 1 {
			t.Errorf("%v: after remove: %q", where, got)
		}
	}
}
