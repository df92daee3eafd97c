//go:build e2e

package e2e

import (
	"net/http"
	"testing"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// TestPageDeletesAndRestores deletes a study by hand, after a change of mind, and brings it back from the recycle bin.
func TestPageDeletesAndRestores(t *testing.T) {
	s := startDemo(t)
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("four studies are listed", rows+` === 4`)
	b.click(".study .toggle")
	b.until("the button is there", `document.querySelector('.detail:not([hidden]) .danger') !== null`)
	b.click(".detail:not([hidden]) .danger")
	b.until("the page asks", `document.getElementById('confirm').open && document.getElementById('confirm-text').textContent.includes('DEMO')`)
	b.click("#confirm [value=cancel]")
	b.until("nothing is deleted", `!document.getElementById('confirm').open && `+rows+` === 4`)
	if n := s.count("studies"); n != 4 {
		t.Fatalf("%d studies after Cancel", n)
	}
	b.click(".detail:not([hidden]) .danger")
	b.until("the page asks again", `document.getElementById('confirm').open`)
	b.click("#confirm [value=delete]")
	b.until("three studies are left", rows+` === 3`)
	b.click("#open-bin")
	b.until("the study is in the recycle bin", `document.querySelectorAll('#bin-list li').length === 1 && document.getElementById('bin-list').textContent.includes('DEMO')`)
	b.click("#bin-list button")
	b.until("it is back", rows+` === 4 && document.getElementById('bin-summary').textContent.includes('restored')`)
	b.until("the recycle bin is empty", `document.querySelectorAll('#bin-list li').length === 0`)
}

// TestPageRestoresNonPatients brings back what is of no study: the page lists its resource.
func TestPageRestoresNonPatients(t *testing.T) {
	s := startDemo(t)
	hanging := dicomtest.HangingProtocol("page", "CT")
	s.storeIn("hanging-protocols", hanging)
	address := s.url + "/dicom-web/hanging-protocols/" + string(hanging.DataSet.Ref().Instance)
	request, err := http.NewRequest(http.MethodDelete, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode >= 300 {
		t.Fatalf("it is deleted with %s", answer.Status)
	}
	b := open(t, s.url)
	b.visit(s.url + "/")
	b.until("four studies are listed", rows+` === 4`)
	b.click("#open-bin")
	b.until("the hanging protocol is in the recycle bin", `document.getElementById('bin-list').textContent.includes('hanging protocols')`)
	b.click("#bin-list button")
	b.until("it is back", `document.getElementById('bin-summary').textContent.includes('1 instance restored')`)
	if answer, err = http.Get(address); err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("after the restore it is answered with %s", answer.Status)
	}
}
