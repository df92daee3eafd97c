//go:build e2e

package e2e

import "testing"

// TestPageChecksForViewers asks of a study whether viewers can show it, and for the last examination of the store.
func TestPageChecksForViewers(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("four studies are listed", rows+` === 4`)
	b.click(".study .toggle")
	b.until("the button is there", `document.querySelector('.detail:not([hidden]) .check') !== null && document.querySelector('.detail:not([hidden]) .series .thumbnail img')?.complete`)
	b.click(".detail:not([hidden]) .check")
	b.until("the study is said to be ready", `document.querySelector('.detail:not([hidden])').textContent.includes('Viewers can show all of it.')`)
	b.click("#open-doctor")
	b.until("there was no examination", `document.getElementById('doctor').open && document.getElementById('doctor-summary').textContent.includes('not been examined')`)
}
