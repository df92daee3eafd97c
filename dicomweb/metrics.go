package dicomweb

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/giveway"
	"github.com/noctis-dicom/noctis/store"
)

// metrics is what /metrics says of the DICOMweb services. Labels are route names, status classes and failure reasons, never
// UIDs or anything else that clients choose.
type metrics struct {
	requests      *prometheus.CounterVec   // route, class
	duration      *prometheus.HistogramVec // route
	requestBytes  *prometheus.CounterVec   // route
	responseBytes *prometheus.CounterVec   // route
	inFlight      prometheus.Gauge
	observed      sync.Map // of routeClass: *observed

	stored     prometheus.Counter
	duplicates prometheus.Counter
	failures   *prometheus.CounterVec // reason

	renderHits   prometheus.Counter
	renderMisses prometheus.Counter
	renderBytes  prometheus.Gauge // bytes that the cache of pictures holds

	frameHits   prometheus.Counter
	frameMisses prometheus.Counter
	framesAhead prometheus.Counter
	frameBytes  prometheus.Gauge // bytes that the cache of decoded frames holds
}

// newMetrics makes the metrics and registers them, if there is where.
func newMetrics(registry prometheus.Registerer, st *store.Store) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "noctis", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "noctis", Name: name, Help: help})
	}
	plain := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "noctis", Name: name, Help: help})
	}
	m := &metrics{
		requests: counter("http_requests_total", "Requests by route and class of status.", "route", "class"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "noctis", Name: "http_request_seconds", Help: "Time from a request's header to the end of its response.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9), // 1 ms to 65 s
		}, []string{"route"}),
		requestBytes:  counter("http_request_bytes_total", "Bytes of request bodies by route.", "route"),
		responseBytes: counter("http_response_bytes_total", "Bytes of response bodies by route.", "route"),
		inFlight:      gauge("http_requests_in_flight", "Requests being answered."),
		stored:        plain("stored_instances_total", "Instances stored."),
		duplicates:    plain("duplicate_instances_total", "Instances received whose very bytes were stored before."),
		failures:      counter("store_failures_total", "Instances refused, by Failure Reason (0008,1197).", "reason"),
		renderHits:    plain("render_cache_hits_total", "Rendered pictures that were kept, or being made for another request."),
		renderMisses:  plain("render_cache_misses_total", "Rendered pictures that had to be made."),
		renderBytes:   gauge("render_cache_bytes", "Bytes of rendered pictures kept."),
		frameHits:     plain("frame_cache_hits_total", "Decoded frames that were kept, or being decoded for another request."),
		frameMisses:   plain("frame_cache_misses_total", "Frames that had to be decoded."),
		framesAhead:   plain("frames_read_ahead_total", "Frames decoded before they were asked for."),
		frameBytes:    gauge("frame_cache_bytes", "Bytes of decoded frames kept."),
	}
	if registry == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.requestBytes, m.responseBytes, m.inFlight,
		m.stored, m.duplicates, m.failures, m.renderHits, m.renderMisses, m.renderBytes,
		m.frameHits, m.frameMisses, m.framesAhead, m.frameBytes} {
		errs = append(errs, registry.Register(c))
	}
	total := func(name, help string, of func(store.Totals) int64) {
		errs = append(errs, registry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "noctis", Name: name, Help: help},
			func() float64 { return float64(of(st.Totals())) })))
	}
	total("deleted_instances_total", "Instances deleted.", func(t store.Totals) int64 { return t.Deleted })
	total("replaced_instances_total", "Instances replaced by others with the same UID.", func(t store.Totals) int64 { return t.Replaced })
	total("restored_instances_total", "Instances restored from the recycle bin.", func(t store.Totals) int64 { return t.Restored })
	total("purged_instances_total", "Instances purged from the recycle bin.", func(t store.Totals) int64 { return t.Purged })
	return m, errors.Join(errs...)
}

// observed is where an exchange of a route and class of status is counted: finding it by its labels takes longer than counting.
type observed struct {
	requests, requestBytes, responseBytes prometheus.Counter
	duration                              prometheus.Observer
}

type routeClass struct {
	route string
	class int
}

// observe counts one exchange.
func (m *metrics) observe(route string, status int, took time.Duration, in, out int64) {
	key := routeClass{route, status / 100}
	known, found := m.observed.Load(key)
	if !found {
		known, _ = m.observed.LoadOrStore(key, &observed{
			requests:      m.requests.WithLabelValues(route, strconv.Itoa(key.class)+"xx"),
			requestBytes:  m.requestBytes.WithLabelValues(route),
			responseBytes: m.responseBytes.WithLabelValues(route),
			duration:      m.duration.WithLabelValues(route),
		})
	}
	o := known.(*observed)
	o.requests.Inc()
	o.duration.Observe(took.Seconds())
	o.requestBytes.Add(float64(in))
	o.responseBytes.Add(float64(out))
}

// failed counts one instance that was refused.
func (m *metrics) failed(reason uint16) {
	m.failures.WithLabelValues(fmt.Sprintf("%04X", reason)).Inc()
}

// countedBody counts what a handler reads of a request's body, and lets others go on meanwhile.
type countedBody struct {
	io.ReadCloser
	bytes int64
	pacer giveway.Pacer
}

func (b *countedBody) Read(p []byte) (int, error) {
	b.pacer.Pace()
	n, err := b.ReadCloser.Read(p)
	b.bytes += int64(n)
	return n, err
}
