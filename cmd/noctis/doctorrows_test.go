package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
	"github.com/noctis-dicom/noctis/worklist"
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
	rows("a performed step of nothing", flawed, "INSERT INTO performed_for VALUES ('1.2.3', 'ELSE', 77)"),
	rows("a workitem that is performed, and is not begun", flawed, "UPDATE workitem SET lock = '1.2.3' WHERE state = 'SCHEDULED'"),
	rows("a workitem of another study", flawed, "UPDATE workitem SET study = '1.2.3' WHERE state = 'IN PROGRESS'"),
	rows("two workitems that have changed their studies", flawed, "UPDATE workitem SET study = 'x' || study; UPDATE workitem SET study = (SELECT substr(study, 2) FROM workitem AS o WHERE o.id <> workitem.id) WHERE id = (SELECT min(id) FROM workitem)"),
	rows("a workitem off the list", noWorkitem, "UPDATE workitem SET resting = 1 WHERE state = 'IN PROGRESS'"),
	rows("a workitem that is called gone", flawed, "INSERT INTO workitem_gone SELECT uid FROM workitem"),
	rows("keys of no workitem", flawed, "INSERT INTO workitem_key VALUES ('x', 'y', 77)"),
	rows("a subscription to no workitem", flawed, "INSERT INTO workitem_subscription VALUES (77, 1, 0)"),
	rows("a subscription of nobody", flawed, "DELETE FROM event_queue; DELETE FROM subscriber"),
	rows("a subscription to nothing", flawed, "UPDATE list_subscription SET resource = '1.2.3'"),
	rows("a filter that is none", flawed, "UPDATE list_subscription SET filter = 'ELSE' WHERE filter <> ''"),
	rows("an event that cannot be read", flawed, "UPDATE event_report SET json = x'7B' WHERE id = 1"),
	rows("an event that has gone", flawed, "DELETE FROM event_report"),
	rows("events for nobody", flawed, "INSERT INTO event_queue VALUES (77, 1)"),
	rows("a commitment request that cannot be read", flawed, "UPDATE commitment SET content = x'00' WHERE state = 0"),
	rows("a commitment request for nothing", flawed, "UPDATE commitment SET content = (SELECT content FROM commitment WHERE state = 1) WHERE state = 0"),
	rows("a commitment result that cannot be read", flawed, "UPDATE commitment SET content = x'' WHERE state = 1"),
	rows("a commitment in a state that is none", flawed, "UPDATE commitment SET state = 7 WHERE state = 1"),
	rows("a webhook ahead of what has happened", flawed, "UPDATE webhook SET number = 7777"),
	rows("a dead letter that is none", flawed, "UPDATE dead_letter SET body = x''"),
	rows("a change that has gone", feed, "DELETE FROM change WHERE number = 3"),
	rows("the first change has gone", feed, "DELETE FROM change WHERE number = 1"),
	rows("the last change has gone", feed, "DELETE FROM change WHERE number = (SELECT max(number) FROM change)"),
	rows("no changes", feed, "DELETE FROM change"),
	rows("a change of no kind", feed, "UPDATE change SET kind = 77 WHERE number = 4"),
	rows("a feed without a name", feed, "UPDATE state SET epoch = ''"),
	rows("a feed that ends before it begins", feed, "UPDATE state SET trimmed = 7777"),
	rows("a feed that begins too late", feed, "UPDATE state SET trimmed = 3"),
	rows("a feed that has settled what never was", feed, "UPDATE state SET settled = 7777"),
	rows("a value that is not indexed", lacking, "DELETE FROM extra_key WHERE entity_id = 1"),
	rows("another value in the index", lacking, "UPDATE extra_key SET value = 'ELSE'"),
	rows("an index of what has none", lacking, "UPDATE extra_index SET path = '7FE00010' WHERE path = '00280010'"),
	rows("an index of what cannot be read", lacking, "UPDATE extra_index SET path = 'PatientID.7' WHERE path = '00280010'"),
	rows("a private index of nobody's", lacking, "UPDATE extra_index SET path = '00231001' WHERE path = '00280010'"),
	rows("an index of the wrong level", lacking, "UPDATE extra_index SET level = 0"),
	rows("a removed instance that cannot be read", string(store.EntryBroken), "UPDATE removed SET metadata = x'00'"),
	rows("a removed instance of no kind", string(store.EntryBroken), "UPDATE removed SET kind = 77"),
	rows("a removed instance without metadata", string(store.EntryDiffers), "UPDATE removed SET metadata = x''"),
	rows("the layout of a removed instance", string(store.EntryBroken), "UPDATE removed SET layout = x'00'"),
	rows("a removed instance of another study", string(store.EntryDiffers), "UPDATE removed SET study = '1.2.3'"),
	rows("other metadata", string(store.EntryDiffers), "UPDATE instance_metadata SET json = (SELECT json FROM instance_metadata WHERE instance_id = 2) WHERE instance_id = 3"),
	rows("the summary of an instance", differs, "UPDATE instance SET summary = x'7B7D' WHERE id = 3"),
	rows("the number of an instance", differs, "UPDATE instance SET number = 77 WHERE id = 3"),
	rows("an instance in another series", string(store.EntryDiffers), "UPDATE instance SET series_id = 2 WHERE id = 3"),
	rows("a study of another UID", string(store.EntryDiffers), "UPDATE study SET uid = '1.2.3' WHERE id = 1"),
	rows("the classes of a study", differs, "UPDATE study SET sop_classes = '1.2.3' WHERE id = 1"),
	rows("the modalities of a study", differs, "UPDATE study SET modalities = 'XA' WHERE id = 1"),
	rows("whom a study names", differs, "UPDATE study SET holders = '{}' WHERE id = 1"),
	rows("the sources of a study", differs, "UPDATE study SET sources = x'7B7D' WHERE id = 1"),
}

// entrust gives the ward what no file has: subscriptions and their events, storage commitments, a webhook with a dead letter, an index made by hand.
func (w *ward) entrust(a *archive) {
	w.t.Helper()
	ctx, list := w.t.Context(), a.index.Worklist()
	for _, sub := range []worklist.Subscription{{AE: "ALL", Resource: worklist.Global}, {AE: "SOME", Resource: worklist.Filtered, Filter: "WorklistLabel=Reading"}} {
		w.check(list.Subscribe(ctx, sub))
	}
	w.check(list.Send(ctx, worklist.Restarted(true)))
	item, request, result := &dicom.DataSet{}, &dicom.DataSet{}, &dicom.DataSet{}
	item.SetStrings(dicom.ReferencedSOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.2")
	item.SetStrings(dicom.ReferencedSOPInstanceUID, dicom.UI, "1.2.3")
	request.SetItems(dicom.ReferencedSOPSequence, item)
	result.SetItems(dicom.FailedSOPSequence, item)
	w.check(a.index.Commitments().Add(ctx, "2.25.1", request, nil, time.Now()))
	w.check(a.index.Commitments().Add(ctx, "2.25.2", request, result, time.Now()))
	at, err := a.index.LatestChange(ctx)
	w.check(err)
	_, err = a.index.Webhooks().Move(ctx, "ai", at, []webhook.Letter{{Message: webhook.Message{ID: "m", Body: []byte("{}")}}})
	w.check(err)
	for _, t := range []dicom.Tag{dicom.PatientSex, dicom.SeriesNumber, dicom.Rows} {
		w.check(a.index.AddExtraKey(ctx, match.Attribute{Path: match.Path{t}}, func(int, int) {}))
	}
}

// rows is damage that needs no backup to be mended.
func rows(name, found, statements string) damage {
	return damage{name, found, true, func(w *ward) { w.sql(statements) }}
}

// TestDoctorReleases: a workitem whose Transaction UID is lost can be claimed again, and its row is kept as it was; a second treatment finds nothing.
func TestDoctorReleases(t *testing.T) {
	healthy := newWard(t)
	for _, lock := range []string{"", "ELSE"} {
		w := healthy.copied(t)
		w.sql("UPDATE workitem SET lock = ? WHERE state = 'IN PROGRESS'", lock)
		if d, code := w.doctor(); code != 1 || !hasKind(d, flawed) {
			t.Errorf("lock %q: exit code %d, %v", lock, code, kinds(d))
		}
		if d, code := w.doctor("--fix"); code != 0 {
			t.Errorf("lock %q: --fix: exit code %d, %v", lock, code, kinds(d))
		}
		if kept, _ := filepath.Glob(filepath.Join(w.data, "set-aside", "*", "rows.json")); len(kept) != 1 {
			t.Errorf("lock %q: rows are kept in %v", lock, kept)
		}
		if d, code := w.doctor("--fix"); code != 0 || len(d.Findings) > 0 {
			t.Errorf("lock %q: --fix again: exit code %d, %v", lock, code, kinds(d))
		}
		a, err := openArchive(t.Context(), w.data, store.Options{})
		w.check(err)
		for it, err := range a.index.Worklist().Search(t.Context(), match.Query{Limit: -1}) {
			w.check(err)
			code, err := worklist.New(a.index.Worklist()).ChangeState(t.Context(), it.UID(), worklist.InProgress, dicomtest.UID("another lock"))
			if err != nil || code != worklist.Success {
				t.Errorf("lock %q: a workitem cannot be claimed: %v, %v", lock, code, err)
			}
		}
		w.check(a.Close())
	}
}

// TestDoctorRemembers: what was found damaged is looked at again, though only a sample is read; what stands has advice, and a report without findings has
// an empty list of them.
func TestDoctorRemembers(t *testing.T) {
	w := newWard(t)
	shallow := func(args ...string) string {
		var out, errs bytes.Buffer
		run(t.Context(), append([]string{"doctor", "--data", w.data}, args...), &out, &errs)
		return out.String() + errs.String()
	}
	if said := shallow("--json"); !strings.Contains(said, `"findings": []`) {
		t.Errorf("of a sound folder: %s", said)
	}
	w.rot(1)
	if d, code := w.doctor(); code != 1 || d.Findings[0].Help == "" {
		t.Fatalf("exit code %d, %v", code, kinds(d))
	}
	if said := shallow(); !strings.Contains(said, "file damaged") || strings.Count(said, "--fix --backup DIR takes it from a backup") != 1 {
		t.Errorf("the next time: %s", said)
	}
	w.check(os.Remove(diagnosisFile(w.data)))
	w.write(filepath.Join(w.data, damagedFile), []byte(idOf(t, w.blob(1)).String()+"\n"))
	if said := shallow("--fix"); !strings.Contains(said, "the damaged file of blob") {
		t.Errorf("by the list of the server: %s", said)
	}
}

// TestDoctorWithoutFiles: an index without its files says that a disk is not there, perhaps, and nothing is changed.
func TestDoctorWithoutFiles(t *testing.T) {
	w := newWard(t)
	w.check(os.Rename(blobFolder(w.data), w.data+".elsewhere"))
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"doctor", "--fix", "--data", w.data}, &out, &errs)
	if _, err := os.Stat(blobFolder(w.data)); code == 0 || !strings.Contains(errs.String(), "mount the disk of its folder blobs") || err == nil {
		t.Errorf("exit code %d, %v: %s%s", code, err, out.Bytes(), errs.Bytes())
	}
}

// TestDoctorAdvises: there is advice for every kind of finding.
func TestDoctorAdvises(t *testing.T) {
	for _, d := range slices.Concat(damages, rowDamages) {
		if advice[d.found] == "" {
			t.Errorf("%s: no advice", d.found)
		}
	}
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
