//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/noctis-dicom/noctis/dicom"
)

// counts are the numbers beside the states.
const counts = `[...document.querySelectorAll('.states .count')].map(e => e.textContent).join(' ')`

// button is the one with a name in the row of a patient.
func button(patient, act string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#items .study')].find(e => e.innerText.includes(%q))?.querySelector('[data-act="%s"]')`, patient, act)
}

func (b *tab) press(patient, act string) {
	b.t.Helper()
	b.until(act+" is there", button(patient, act)+` != null`)
	b.eval(button(patient, act)+`.click()`, nil)
}

func (b *tab) state(name string) { b.click(`[data-state="` + name + `"]`) }

// TestWorklist: a study that is stored while the page is open appears on it; one reader claims and completes it, and another, in a
// browser of his own, sees that as it happens.
func TestWorklist(t *testing.T) {
	s := start(t)
	elsewhere := strings.Replace(s.url, "127.0.0.1", "localhost", 1) // another origin, so that it knows nothing of the other's claims
	one, two := open(t, s.url), open(t, elsewhere)
	one.visit(s.url + "/worklist.html")
	two.visit(elsewhere + "/worklist.html")
	for _, b := range []*tab{one, two} {
		b.until("nothing is to be read", counts+` === '0 0 0 0'`)
		b.until("it is live", `document.getElementById('live').classList.contains('on')`)
	}
	s.store(demoSet()...)
	for _, b := range []*tab{one, two} {
		b.until("four studies have come, without reload", `document.querySelectorAll('#items .study').length === 4 && `+counts+` === '4 0 0 0'`)
	}
	row := one.text(`[...document.querySelectorAll('#items .study')].find(e => e.innerText.includes('AURORA')).innerText`)
	for _, part := range []string{"DEMO, AURORA", "NOCTIS-001", "64 y", "CT chest with contrast", "Accession A1001", "CT", "26"} {
		if !strings.Contains(row, part) {
			t.Errorf("the row has no %q: %q", part, row)
		}
	}

	one.run(chromedp.SetValue("#reader", "Reader, Rita"))
	one.eval(`document.getElementById('reader').dispatchEvent(new Event('change'))`, nil)
	one.press("AURORA", "claim")
	for _, b := range []*tab{one, two} {
		b.until("it is in progress", counts+` === '3 1 0 0'`)
		b.state("IN PROGRESS")
		b.until("by whom", `document.querySelector('#items .when')?.innerText.includes('Reader, Rita')`)
	}
	two.until("the other reader cannot complete it", button("AURORA", "complete")+` == null`)
	one.press("AURORA", "complete")
	for _, b := range []*tab{one, two} {
		b.until("it is read", counts+` === '3 0 1 0'`)
		b.state("COMPLETED")
		b.until("who has read it", `document.querySelector('#items .when')?.innerText.includes('Reader, Rita')`)
	}

	worklistFilters(one)

	// Release and cancel.
	two.state("SCHEDULED")
	two.press("LUNA", "claim")
	two.until("claimed", counts+` === '2 1 1 0'`)
	two.state("IN PROGRESS")
	two.press("LUNA", "release")
	two.until("released", counts+` === '3 0 1 0'`)
	two.state("SCHEDULED")
	two.press("LUNA", "cancel")
	two.press("LUNA", "cancel")
	two.until("canceled", counts+` === '2 0 1 1'`)

	// Filters, and priority.
	two.eval(`{ const e = document.querySelector('[name=modality]'); e.value = 'cr'; e.dispatchEvent(new Event('input', { bubbles: true })) }`, nil)
	two.until("one modality", counts+` === '1 0 0 0' && document.querySelectorAll('#items .study').length === 1`)
	two.eval(`{ const e = `+button("YAMADA", "priority")+`; e.value = 'HIGH'; e.dispatchEvent(new Event('change')) }`, nil)
	two.until("high priority", `document.querySelector('select.priority').classList.contains('HIGH')`)
	two.click("#clear")
	two.until("what is urgent comes first", `document.querySelectorAll('#items .study').length === 2 && document.querySelector('#items .study').innerText.includes('YAMADA')`)

	// What comes for a study that has been read.
	late := demoSet()[0]
	late.DataSet = late.DataSet.Clone()
	late.DataSet.SetStrings(dicom.SOPInstanceUID, dicom.UI, "1.2.826.0.1.3680043.10.1")
	s.store(late)
	one.until("it says so", `document.querySelector('#items .late')?.textContent === '1 new'`)
	one.document("worklist.png")

	// Who wants it claims what he views.
	one.state("SCHEDULED")
	one.press("YAMADA", "view")
	one.until("viewing alone claims nothing", counts+` === '2 0 1 1'`)
	one.click("#claim-viewed")
	one.press("YAMADA", "view")
	two.until("it is claimed", counts+` === '1 1 1 1'`)
}

// worklistFilters tries each filter, with three to be read and one that has been read.
func worklistFilters(b *tab) {
	b.until("facilities are there to choose from", `document.querySelector('#facilities option')?.value === 'Synthetic Hospital'`)
	for _, c := range [][3]string{
		{"patient", "luna", "1 0 0 0"}, {"patient", "demo, aur", "0 0 1 0"}, {"patient", "NOCTIS-001", "0 0 1 0"}, {"reader", "rita", "0 0 1 0"},
		{"facility", "Synthetic", "3 0 1 0"}, {"facility", "Elsewhere", "0 0 0 0"}, {"priority", "MEDIUM", "3 0 1 0"}, {"priority", "HIGH", "0 0 0 0"},
		{"from", "2099-01-01", "0 0 0 0"}, {"to", "1999-01-01", "0 0 0 0"}, {"from", "1999-01-01", "3 0 1 0"}, {"modality", "ct", "0 0 1 0"},
	} {
		b.enter("search", map[string]string{c[0]: c[1]})
		b.until(c[0]+" "+c[1], counts+` === '`+c[2]+`'`)
		b.click("#clear")
		b.until("all are there", counts+` === '3 0 1 0'`)
	}
}
