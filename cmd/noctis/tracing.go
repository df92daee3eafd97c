package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"go.opentelemetry.io/otel"
	spans "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracingFlags say where traces go.
type tracingFlags struct {
	OTLPEndpoint string  `name:"otlp-endpoint" placeholder:"URL" help:"Collector to which traces of requests are sent by OTLP over HTTP (http://127.0.0.1:4318); default: none are made."`
	OTLPSample   float64 `name:"otlp-sample" default:"1" placeholder:"SHARE" help:"Share of the requests of which there is a trace; those that come in a sampled trace always have one (default ${default})."`
}

// open makes what makes traces; nil without a collector. close sends what is left, for at most some seconds.
func (f tracingFlags) open(ctx context.Context, log *slog.Logger) (tracer trace.Tracer, close func(), err error) {
	if f.OTLPEndpoint == "" {
		return nil, func() {}, nil
	}
	u, err := url.Parse(f.OTLPEndpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, nil, fmt.Errorf("--otlp-endpoint %s: want http:// or https:// and a host", f.OTLPEndpoint)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.JoinPath("v1/traces").String()))
	if err != nil {
		return nil, nil, fmt.Errorf("--otlp-endpoint: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces cannot be sent", "error", err) }))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(f.OTLPSample))),
		sdktrace.WithResource(resource.NewSchemaless(spans.String("service.name", "noctis"), spans.String("service.version", version))),
	)
	return provider.Tracer("github.com/noctis-dicom/noctis/dicomweb"), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.Warn("the last traces could not be sent", "error", err)
		}
	}, nil
}
