package memsteps_test

import (
	"testing"

	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/procedure/memsteps"
	"github.com/noctis-dicom/noctis/procedure/proceduretest"
)

func TestRepository(t *testing.T) {
	proceduretest.Repository(t, func(*testing.T) proceduretest.Open {
		r := memsteps.New()
		return func(*testing.T) procedure.Repository { return r }
	})
}
