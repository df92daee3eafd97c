package webhook

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/store"
)

// Status is how a webhook does.
type Status struct {
	Name   string
	URL    string // without its query; "": it is not in the settings any more, and has dead letters
	Events []store.ChangeKind
	At     store.Cursor // it has dealt with the feed up to there
	Behind int64        // changes behind that, wanted or not

	Delivered     int64     // since the start
	Failing       int       // attempts since something was taken
	Taken, Failed time.Time // the last success and failure since the start, zero if there was none
	Reason        string    // of the last failure
	Dead          int       // dead letters
}

// Status returns how the webhooks do, in the order of the settings.
func (s *Sender) Status(ctx context.Context) ([]Status, error) {
	latest, err := s.feed.LatestChange(ctx)
	if err != nil {
		return nil, err
	}
	dead, err := s.repository.Count(ctx)
	if err != nil {
		return nil, err
	}
	var all []Status
	for _, r := range s.receivers {
		all = append(all, r.status(latest, dead[r.Name]))
		delete(dead, r.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(dead)) {
		all = append(all, Status{Name: name, Dead: dead[name]})
	}
	return all, nil
}

func (r *receiver) status(latest store.Cursor, dead int) Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Status{
		Name: r.Name, URL: r.Shown(), Events: r.Events, At: r.at, Behind: max(0, latest.Number-r.at.Number), Delivered: r.delivered, Failing: r.failing,
		Taken: r.taken, Failed: r.failed, Reason: r.reason, Dead: dead,
	}
}

// metrics of the sender, by webhook.
type metrics struct{ attempts, dead *prometheus.CounterVec }

func newMetrics() *metrics {
	return &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "noctis_webhook_attempts_total", Help: "Attempts to send an event, by webhook and result (taken, failed).",
		}, []string{"webhook", "result"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "noctis_webhook_given_up_total", Help: "Events that became dead letters, by webhook.",
		}, []string{"webhook"}),
	}
}

func (m *metrics) register(registry prometheus.Registerer, s *Sender) error {
	if registry == nil || len(s.receivers) == 0 {
		return nil
	}
	collectors := []prometheus.Collector{m.attempts, m.dead}
	for _, r := range s.receivers {
		collectors = append(collectors, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "noctis_webhook_behind", Help: "Changes that a webhook has yet to deal with.", ConstLabels: prometheus.Labels{"webhook": r.Name},
		}, func() float64 {
			latest, err := s.feed.LatestChange(context.Background())
			if err != nil {
				return -1
			}
			return float64(r.status(latest, 0).Behind)
		}))
	}
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}
