package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/procedure"
)

// rowDamages are what happens to single rows of the index that SQLite cannot see.
var rowDamages = []damage{
	rows("no keys of a study", differs, "DELETE FROM study_key WHERE study_id = 1"),
	rows("a key of another study", differs, "UPDATE study_key SET value = 'ELSE' WHERE attribute = 0x00100020 AND study_id = 1"),
	rows("no grams", differs, "DELETE FROM study_gram"),
	rows("a gram of no study", differs, "INSERT INTO study_gram VALUES (0x00100020, 'XY', 77)"),
	rows("no holders", differs, "DELETE FROM study_holder"),
	rows("a falsified holder", differs, "UPDATE study_holder SET value = 'SOMEBODY ELSE' WHERE id = 1"),
	rows("a falsified date of a holder", differs, "UPDATE study_holder SET study_date = '19000101'"),
	rows("a falsified date of a study", differs, "UPDATE study SET study_date = '19000101' WHERE id = 1"),
	rows("an emptied study", differs, "UPDATE study SET attributes = x'' WHERE id = 1"),
	rows("a falsified number of a series", differs, "UPDATE series SET number = 77 WHERE id = 1"),
	rows("a wrong quota of instances", miscounted, "UPDATE holding SET instances = instances - 3"),
	rows("a wrong quota of bytes", miscounted, "UPDATE holding SET bytes = bytes + 1"),
	rows("no quota", miscounted, "DELETE FROM holding"),
	rows("two quotas", miscounted, "INSERT INTO holding SELECT * FROM holding"),
	rows("numbers given before", differs, "UPDATE state SET instance_id = 1"),
	rows("no state", differs, "DELETE FROM state"),
	rows("a workitem in a state that is none", flawed, "UPDATE workitem SET state = 'NONSENSE' WHERE state = 'IN PROGRESS'"),
	rows("a workitem of another UID", flawed, "UPDATE workitem SET uid = '1.2.3' WHERE state = 'IN PROGRESS'"),
	rows("two workitems that have changed their UIDs", flawed, "UPDATE workitem SET uid = 'x' || uid; UPDATE workitem SET uid = (SELECT substr(uid, 2) FROM workitem AS o WHERE o.id <> workitem.id) WHERE id = (SELECT min(id) FROM workitem)"),
	rows("a workitem without keys", flawed, "DELETE FROM workitem_key WHERE workitem_id = (SELECT min(id) FROM workitem)"),
	rows("a falsified key of a workitem", flawed, "UPDATE workitem_key SET value = 'ELSE' WHERE workitem_id = (SELECT min(id) FROM workitem)"),
	rows("a workitem that cannot be read", flawed, "UPDATE workitem SET json = x'7B' WHERE state = 'SCHEDULED'"),
	rows("a workitem that is none", flawed, "UPDATE workitem SET json = x'7B7D' WHERE state = 'SCHEDULED'"),
	rows("a scheduled step of another patient", flawed, "UPDATE scheduled_step SET patient = 'ELSE' WHERE id = 1"),
	rows("a scheduled step of another start", flawed, "UPDATE scheduled_step SET start = '' WHERE id = 1"),
	rows("a scheduled step that was completed by nobody", flawed, "UPDATE scheduled_step SET performed = 'COMPLETED' WHERE id = 2"),
	rows("a scheduled step that cannot be read", flawed, "UPDATE scheduled_step SET json = x'00' WHERE id = 2"),
	rows("a scheduled step that is none", flawed, "UPDATE scheduled_step SET json = x'7B7D' WHERE id = 2"),
	rows("a performed step in a state that is none", flawed, "UPDATE performed_step SET status = 'NONSENSE'"),
	rows("a performed step for nothing", flawed, "DELETE FROM performed_for"),
	rows("a performed step for something else", flawed, "UPDATE performed_for SET step = 'ELSE'"),
	rows("a performed step that cannot be read", flawed, "UPDATE performed_step SET json = x''"),
}

// rows is damage that needs no backup to be mended.
func rows(name, found, statements string) damage {
	return damage{name, found, true, func(w *ward) { w.sql(statements) }}
}

// TestDoctorRecounts: a count that is wrong is counted again, and no index is made anew for it.
func TestDoctorRecounts(t *testing.T) {
	w := newWard(t)
	w.sql("UPDATE holding SET bytes = 0")
	if d, code := w.doctor("--fix"); code != 0 || len(d.Findings) != 1 || d.Findings[0].Mended != "counted again" {
		t.Errorf("exit code %d, %+v", code, d.Findings)
	}
	if kept, _ := filepath.Glob(filepath.Join(w.data, "set-aside")); len(kept) > 0 {
		t.Errorf("something was set aside: %v", kept)
	}
}

// TestDoctorRows: rows that cannot be mended are kept aside, the others have what they had.
func TestDoctorRows(t *testing.T) {
	w := newWard(t)
	w.sql("UPDATE scheduled_step SET json = x'00', patient = 'ELSE' WHERE id = 2; UPDATE scheduled_step SET patient = 'ELSE', performed = '' WHERE id = 1")
	if d, code := w.doctor("--fix"); code != 0 {
		t.Fatalf("exit code %d, %v", code, kinds(d))
	}
	kept, _ := filepath.Glob(filepath.Join(w.data, "set-aside", "*", "rows.json"))
	if len(kept) != 1 {
		t.Fatalf("rows are kept in %v", kept)
	}
	text, err := os.ReadFile(kept[0])
	if w.check(err); bytes.Count(text, []byte("\n")) != 1 || !bytes.Contains(text, []byte(`"table":"scheduled_step"`)) || !bytes.Contains(text, []byte(`"patient":"ELSE"`)) {
		t.Errorf("kept: %s", text)
	}
	from, err := openReading(t.Context(), w.data)
	w.check(err)
	defer from.close() //nolint:errcheck // it has only been read
	steps, n, err := from.index.Procedures().Search(t.Context(), match.Query{Limit: -1})
	if w.check(err); n != 1 || steps[0].Name().Step != "first" || steps[0].Performed != procedure.Started {
		t.Errorf("%d steps are left: %+v", n, steps)
	}
}
