//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// scheduled is the text of the row of a patient, scheduledRows the number of rows.
func scheduled(patient string) string {
	return fmt.Sprintf(`([...document.querySelectorAll('#steps .study')].find(e => e.innerText.includes(%q))?.innerText ?? '')`, patient)
}

const scheduledRows = `document.querySelectorAll('#steps .study').length`

func stepButton(patient, act string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#steps .study')].find(e => e.innerText.includes(%q)).querySelector('[data-act="%s"]').click()`, patient, act)
}

// enter writes into fields of a form, as typing does.
func (b *tab) enter(form string, fields map[string]string) {
	b.t.Helper()
	for name, value := range fields {
		b.eval(fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event('input', { bubbles: true })) })(document.getElementById(%q).elements[%q])`, value, form, name), nil)
	}
}

func (s *server) post(t *testing.T, path, text string) {
	t.Helper()
	r, err := http.Post(s.url+"/dicom-web"+path, "application/dicom+json", bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode >= 300 {
		t.Fatal(path, r.Status)
	}
}

// TestSchedule: a step is made, found, changed and deleted in the page, which keeps what its form does not show; what others do is seen.
func TestSchedule(t *testing.T) {
	s := start(t)
	b := open(t, s.url)
	b.visit(s.url + "/schedule.html")
	b.until("nothing is scheduled", visible("nothing"))
	b.until("the search begins today", `document.querySelector('[name=from]').value.length === 10`)

	b.click("#new")
	b.until("the form is open, with the focus in it", `document.getElementById('editor').open && document.getElementById('editor').contains(document.activeElement)`)
	b.click("#save")
	b.until("what is missing is marked", `document.getElementById('editor').open && document.querySelectorAll('#step.tried :invalid').length >= 6`)
	b.enter("step", map[string]string{"name": "Doe, Jane", "id": "P1", "born": "1970-02-03", "date": "2030-01-02", "time": "09:30", "modality": "ct",
		"station": "CT1", "description": "Head", "accession": "A1", "priority": "STAT", "step": "S1"})
	b.click("#save")
	b.until("it is listed", scheduledRows+` === 1`)
	row := strings.Join(strings.Fields(b.text(scheduled("Doe, Jane"))), " ")
	for _, part := range []string{"09:30", "P1 · 59 y", "Head", "Accession A1", "CT", "CT1", "Scheduled"} {
		if !strings.Contains(row, part) {
			t.Errorf("the row has no %q: %q", part, row)
		}
	}

	// A step with more than the form shows, in ideographs too, keeps it.
	s.post(t, "/modality-scheduled-procedure-steps", `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Yamada^Tarou","Ideographic":"山田^太郎"}]},"00100020":{"vr":"LO","Value":["P2"]},"0020000D":{"vr":"UI","Value":["1.2.3"]},
		"00104000":{"vr":"LT","Value":["kept"]},"00400100":{"vr":"SQ","Value":[{"00080060":{"vr":"CS","Value":["MR"]},"00400001":{"vr":"AE","Value":["MR1"]},
		"00400002":{"vr":"DA","Value":["20300103"]},"00400003":{"vr":"TM","Value":["101530.5"]},"00400007":{"vr":"LO","Value":["Knee"]},"00400009":{"vr":"SH","Value":["S 2"]}}]}}`)
	b.until("what others schedule is seen, without a reload", scheduledRows+` === 2`)
	b.eval(stepButton("Yamada", "edit"), nil)
	b.until("the form has it", `document.getElementById('editor').open && document.getElementById('step').elements.name.value === 'Yamada, Tarou' && document.getElementById('step').elements.study.disabled`)
	b.enter("step", map[string]string{"location": "Room 4", "state": "ARRIVED"})
	b.document("schedule.png")
	b.click("#save")
	b.until("it has changed", scheduled("Yamada")+`.includes('Room 4') && `+scheduled("Yamada")+`.includes('Arrived')`)
	b.eval(`fetch('dicom-web/modality-scheduled-procedure-steps/1.2.3/S%202', { headers: { Accept: 'application/dicom+json' } }).then(r => r.text()).then(t => { window.kept = t })`, nil)
	for _, part := range []string{"山田^太郎", "kept", "101530.5", "Room 4"} {
		b.until("the step has "+part, fmt.Sprintf(`window.kept?.includes(%q)`, part))
	}

	// Filters.
	for name, c := range map[string][2]string{
		"patient": {"yama", "Yamada"}, "modality": {"CT", "Doe"}, "station": {"MR1", "Yamada"}, "to": {"2030-01-02", "Doe"}, "from": {"2030-01-03", "Yamada"},
	} {
		b.click("#clear")
		b.until("all are there", scheduledRows+` === 2`)
		b.enter("search", map[string]string{name: c[0]})
		b.until(name+" finds one", scheduledRows+` === 1 && `+scheduled(c[1])+` !== ''`)
	}
	b.click("#clear")

	// A performed step begins one.
	s.post(t, "/modality-performed-procedure-steps/1.5.1", `{"00080060":{"vr":"CS","Value":["MR"]},"00400241":{"vr":"AE","Value":["MR1"]},"00400244":{"vr":"DA","Value":["20300103"]},
		"00400245":{"vr":"TM","Value":["1016"]},"00400252":{"vr":"CS","Value":["IN PROGRESS"]},"00400253":{"vr":"SH","Value":["PPS1"]},
		"00400270":{"vr":"SQ","Value":[{"0020000D":{"vr":"UI","Value":["1.2.3"]},"00400009":{"vr":"SH","Value":["S 2"]}}]}}`)
	b.until("it is seen to have begun", scheduled("Yamada")+`.includes('Started')`)
	b.enter("search", map[string]string{"state": "STARTED"})
	b.until("what has begun is found", scheduledRows+` === 1 && `+scheduled("Yamada")+`.includes('Started')`)
	b.enter("search", map[string]string{"state": "*"})
	b.until("all are found", scheduledRows+` === 2`)

	// What the server refuses stays in the form, with the reason; deleting asks once more.
	b.click("#new")
	b.enter("step", map[string]string{"name": "Doe, Jane", "id": "P1", "date": "2030-01-02", "time": "09:30", "modality": "CT", "station": "CT1", "study": "1.2.3", "step": "S 2"})
	b.allow("409", "the step is there already")
	b.click("#save")
	b.until("the reason is told", visible("refused")+` && document.getElementById('editor').open`)
	b.click("#cancel")
	b.eval(stepButton("Doe, Jane", "delete"), nil)
	b.until("nothing is deleted yet", scheduledRows+` === 2 && document.querySelector('.sure') !== null`)
	b.eval(stepButton("Doe, Jane", "delete"), nil)
	b.until("it is gone", scheduledRows+` === 1 && `+scheduled("Doe, Jane")+` === ''`)
}
