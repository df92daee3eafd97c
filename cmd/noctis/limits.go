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
	MaxRate        float64       `default:"-1" placeholder:"N" help:"Most DICOMweb requests a second of each who is known, or else of each address; ten seconds' worth may come at once; 0: no limit (default: 1000 of each who is known)."`
	MaxRateUnknown float64       `default:"20" placeholder:"N" help:"Most requests a second of each address from which somebody asks who does not prove who he is, where that has to be proved; 0: no limit (default ${default})."`
	MaxUploads     int           `default:"64" help:"Store requests that are read at the same time; 0: no limit (default ${default})."`
	MaxUploadsEach int           `placeholder:"N" help:"Store requests of one principal that are read at the same time (default: as many as of all)."`
	MaxDecodes     int           `help:"Frames decoded at the same time (default: number of processors)."`
	MaxDecodesEach int           `placeholder:"N" help:"Frames decoded at the same time for one principal (default: as many as for all)."`
	MaxDecodeTime  time.Duration `default:"2m" help:"Time that a frame may take to be decoded; then 503 (default ${default})."`
	MaxListeners   int           `default:"-1" placeholder:"N" help:"Event streams, WebSockets and waiting requests for changes at the same time; then 503; 0: no limit (default: one for each 128 KiB of --memory)."`
	MaxWait        time.Duration `default:"30s" help:"Time that an upload or a decode waits for its turn; then 503 (default ${default})."`
}

// burst is how many seconds' worth of requests may come at once: a viewer asks for a whole series.
const burst = 10

// usualRate is far more than a viewer asks for that goes through a series, and less than what a script that has run wild would keep a server from doing for
// others. Where nobody has to prove who he is, many come from one address, and there is none.
const usualRate = 1000

// listenerMemory is what the server may take for one who listens: two or three stacks, and the buffers of a connection.
const listenerMemory = 128 << 10

// limits are those of the server, and counted in its registry.
func (f limitFlags) limits(registry prometheus.Registerer) (*limit.Limits, error) {
	known, open := f.MaxRate, f.MaxRate
	if f.MaxRate < 0 {
		known, open = usualRate, 0
	}
	l := &limit.Limits{
		Rate:         limit.NewRate(known, int(burst*known)),
		Open:         limit.NewRate(open, int(burst*open)),
		Unknown:      limit.NewRate(f.MaxRateUnknown, int(burst*f.MaxRateUnknown)),
		Uploads:      limit.NewGate(f.MaxUploads, f.MaxUploadsEach, f.MaxWait),
		Decodes:      limit.NewGate(cmp.Or(f.MaxDecodes, runtime.GOMAXPROCS(0)), f.MaxDecodesEach, f.MaxWait),
		Listeners:    limit.NewGate(f.MaxListeners, 0, 0),
		LongMetadata: limit.NewGate(1, 0, f.MaxWait),
	}
	return l, l.Observe(registry)
}
