//go:build e2e

package e2e

import (
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// The page and OHIF of a tenant, who comes while the server runs, show his archive and no other.
func TestPageAndViewerOfATenant(t *testing.T) {
	s := start(t)
	if out, err := exec.Command(program(t), "tenant", "add", "north", "--data", s.data).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	north := *s
	north.url += "/t/north"
	served := false
	for deadline := time.Now().Add(20 * time.Second); !served && time.Now().Before(deadline); time.Sleep(pause) {
		if answer, err := http.Get(north.url + "/dicom-web/studies"); err == nil {
			answer.Body.Close()
			served = answer.StatusCode == http.StatusNoContent
		}
	}
	north.store(demoSet()...)
	o := ohif{open(t, s.url)}
	o.visit(s.url + "/")
	o.until("the page of the server has come, and lists nothing", `document.readyState === 'complete' && `+rows+` === 0`)
	o.visit(north.url) // without its slash
	o.until("four studies are listed", rows+` === 4`)
	o.until("their pictures have come", pictures+` > 0`)
	o.click(".study .view a")
	o.until("OHIF is that of the tenant", `location.pathname.startsWith('/t/north/viewer/')`)
	o.visit(viewerAddress(north.url, demoSet()[0]))
	o.opened()
	o.shows("the first image", 512, 512, expected(demoSet()[0], 40, 400), tolerance)
}
