package giveway

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestGivesWayWhenItsShareIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		p.Pace()
		began := p.since
		time.Sleep(share)
		if p.Pace(); p.since != began {
			t.Error("it gave way within its share")
		}
		time.Sleep(1 * time.Nanosecond)
		if p.Pace(); p.since == began {
			t.Error("it goes on for ever")
		}
	})
}
