package limit

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Limits are those of a server, for all of its archives together. The zero value has none.
type Limits struct {
	Rate    *Rate // of each who is known
	Open    *Rate // of each address, where nobody has to be
	Unknown *Rate // of each address from which somebody asks who has not proved who he is, where that is asked
	Uploads *Gate
	Decodes *Gate
	// Listeners are those who stay to hear what changes.
	Listeners *Gate
	// LongMetadata is for instances that are made of long metadata, one at a time; nil: a gate with a patience of its own.
	LongMetadata *Gate
	refusals     *prometheus.CounterVec // limit
}

// Observe has the refusals counted in a registry.
func (l *Limits) Observe(registry prometheus.Registerer) error {
	l.refusals = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "noctis", Name: "refused_requests_total",
		Help: "Requests refused because they exceeded a limit, by its name."}, []string{"limit"})
	return registry.Register(l.refusals)
}

// Refused counts a request that was refused by a limit.
func (l *Limits) Refused(limit string) {
	if l.refusals != nil {
		l.refusals.WithLabelValues(limit).Inc()
	}
}

type payerKey struct{}

// WithPayer says in a context whose share what is done in it takes.
func WithPayer(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, payerKey{}, who)
}

// Payer says whose share is taken; "" if nobody knows.
func Payer(ctx context.Context) string {
	who, _ := ctx.Value(payerKey{}).(string)
	return who
}
