package dicomweb

import (
	"context"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// What a trace says is what the log says: names of routes, sizes and statuses, and nothing that a client has sent but the trace that it
// belongs to (W3C Trace Context).

// beginSpan begins the span of a request, in the trace of whoever sent it, and returns the context with it. Without a Tracer there is none.
func (s *Server) beginSpan(r *http.Request) (context.Context, trace.Span) {
	if s.options.Tracer == nil {
		return r.Context(), nil
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	// The state beside it is text of the sender's, and would be sent on.
	ctx = trace.ContextWithRemoteSpanContext(ctx, trace.SpanContextFromContext(ctx).WithTraceState(trace.TraceState{}))
	return s.options.Tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
}

// methods are those that are named in spans and in the log: others are what a client likes to write.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}

// methodOf is the method of a request, if it is a known one.
func methodOf(r *http.Request) string {
	if !slices.Contains(methods, r.Method) {
		return "_OTHER"
	}
	return r.Method
}

// endSpan ends the span of a request. Its name is known only now.
func endSpan(span trace.Span, r *http.Request, route string, status int, in, out int64) {
	if span == nil {
		return
	}
	method := methodOf(r)
	span.SetName(method + " " + route)
	span.SetAttributes(
		attribute.String("http.request.method", method),
		attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status),
		attribute.Int64("http.request.body.size", in),
		attribute.Int64("http.response.body.size", out),
	)
	if status >= 500 {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()
}

// within runs a step of a request in a span of its own, if the request has one.
func within(ctx context.Context, name string, step func() error) error {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return step()
	}
	_, span := parent.TracerProvider().Tracer(tracerName).Start(ctx, name)
	defer span.End()
	err := step()
	if err != nil {
		span.SetStatus(codes.Error, "") // the log says why
	}
	return err
}

// tracerName is by whom the spans are made.
const tracerName = "github.com/noctis-dicom/noctis/dicomweb"
