package main

import (
	"cmp"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/limit"
)

// limitFlags say how much may be asked for at a time.
type limitFlags struct {
	MaxRate        float64       `placeholder:"N" help:"Most DICOMweb requests a second of each who is known, or else of each address; ten seconds' worth may come at once (default: no limit)."`
	MaxRateUnknown float64       `default:"20" placeholder:"N" help:"Most requests a second of each address from which somebody asks who does not prove who he is, where that has to be proved; 0: no limit (default ${default})."`
	MaxUploads     int           `default:"64" help:"Store requests that are read at the same time; 0: no limit (default ${default})."`
	MaxUploadsEach int           `placeholder:"N" help:"Store requests of one principal that are read at the same time (default: as many as of all)."`
	MaxDecodes     int           `help:"Frames decoded at the same time (default: number of processors)."`
	MaxDecodesEach int           `placeholder:"N" help:"Frames decoded at the same time for one principal (default: as many as for all)."`
	MaxWait        time.Duration `default:"30s" help:"Time that an upload or a decode waits for its turn; then 503 (default ${default})."`
}

// burst is how many seconds' worth of requests may come at once: a viewer asks for a whole series.
const burst = 10

// limits are those of the server, and counted in its registry.
func (f limitFlags) limits(registry prometheus.Registerer) (*limit.Limits, error) {
	l := &limit.Limits{
		Rate:    limit.NewRate(f.MaxRate, int(burst*f.MaxRate)),
		Unknown: limit.NewRate(f.MaxRateUnknown, int(burst*f.MaxRateUnknown)),
		Uploads: limit.NewGate(f.MaxUploads, f.MaxUploadsEach, f.MaxWait),
		Decodes: limit.NewGate(cmp.Or(f.MaxDecodes, runtime.GOMAXPROCS(0)), f.MaxDecodesEach, f.MaxWait),
	}
	return l, l.Observe(registry)
}
