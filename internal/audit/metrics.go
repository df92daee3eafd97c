package audit

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what /metrics says of the record. Labels are kinds and outcomes.
type metrics struct {
	events   *prometheus.CounterVec // kind, outcome
	failures prometheus.Counter

	sent      prometheus.Counter
	sendFails prometheus.Counter
	behind    prometheus.Gauge // seconds since the oldest of them
	connected prometheus.Gauge
}

// newMetrics makes the metrics; waiting is how many events the receiver does not have.
func newMetrics(registry prometheus.Registerer, waiting func() float64) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "noctis", Subsystem: "audit", Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "noctis", Subsystem: "audit", Name: name, Help: help})
	}
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "noctis", Subsystem: "audit", Name: "events_total",
			Help: "Events in the audit log, by kind and outcome (0, 4, 8 and 12 as in PS3.15 A.5.2)."}, []string{"kind", "outcome"}),
		failures:  counter("failures_total", "Events that could not be written, and failures to bring them to the disk."),
		sent:      counter("syslog_sent_total", "Events sent to the syslog receiver."),
		sendFails: counter("syslog_failures_total", "Failures to reach the syslog receiver."),
		behind:    gauge("syslog_lag_seconds", "Age of the oldest event that the syslog receiver does not have."),
		connected: gauge("syslog_connected", "1 while there is a connection to the syslog receiver."),
	}
	if registry == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.events, m.failures, m.sent, m.sendFails, m.behind, m.connected,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "noctis", Subsystem: "audit", Name: "syslog_waiting_events",
			Help: "Events that were not sent to the syslog receiver."}, waiting)} {
		errs = append(errs, registry.Register(c))
	}
	return m, errors.Join(errs...)
}
