package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"github.com/noctis-dicom/noctis/dicomweb"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/internal/giveway"
	"github.com/noctis-dicom/noctis/internal/limit"
	"github.com/noctis-dicom/noctis/worklist"
)

type serveCommand struct {
	Listen    string `default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Address to listen on (default ${default})."`
	Data      string `default:"./data" placeholder:"DIR" help:"Data folder: the index and the files (default ${default})."`
	PublicURL string `name:"public-url" placeholder:"URL" help:"Address of the server's root as clients see it, for the addresses in answers; default: as each request says."`
	Viewer    string `placeholder:"DIR" help:"Folder of the packaged OHIF viewer; default: \"viewer\" beside the program."`
	Demo      bool   `help:"Store the synthetic study set if the store is empty."`

	Access accessFlags `embed:""`
	TLS    tlsFlags    `embed:"" prefix:"tls-"`
	OIDC   oidcFlags   `embed:"" prefix:"oidc-"`

	TrustProxy     bool     `help:"Believe Forwarded and X-Forwarded-* of every peer, not only of this machine."`
	AllowedOrigins []string `default:"*" placeholder:"ORIGIN" help:"Origins that viewers in browsers may attach from (default: all)."`

	StrictAccept bool `help:"Refuse requests without Accept, and those for DICOM and rendered media types together, as PS3.18 8.7.5 wants it. Many clients send such requests."`

	KeepPreambles bool `help:"Send executable preambles of files as they are stored; else they are sent as zeros."`

	Facility map[string]string `placeholder:"STATION=FACILITY;…" help:"Where what a modality sends was made, by Station Name, for files without Institution Name; * for all others."`

	Rules     ruleFlags      `embed:""`
	Retention retentionFlags `embed:""`
	Audit     auditFlags     `embed:""`

	Webhooks webhookFlags `embed:""`

	CommitmentRetention time.Duration `default:"720h" help:"Time that results of storage commitment requests are kept (default ${default})."`

	Tracing tracingFlags `embed:""`

	MaxBody         size          `default:"64GiB" placeholder:"SIZE" help:"Most bytes of a request (default ${default})."`
	MaxPart         size          `default:"32GiB" placeholder:"SIZE" help:"Most bytes of an instance (default ${default})."`
	MaxParts        int           `default:"10000" help:"Most instances in a request (default ${default})."`
	MaxSpool        size          `default:"16GiB" placeholder:"SIZE" help:"Most bytes of metadata and bulk data that one request keeps in the data folder until it is complete (default ${default})."`
	MaxHeader       size          `default:"64KiB" placeholder:"SIZE" help:"Most bytes of a request's header (default ${default})."`
	MaxResults      int           `default:"10000" help:"Most results of one search (default ${default})."`
	Limits          limitFlags    `embed:""`
	FrameCache      size          `placeholder:"SIZE" help:"Memory for decoded frames (default: an eighth of --memory)."`
	RenderCache     size          `placeholder:"SIZE" help:"Memory for rendered pictures (default: an eighth of --memory)."`
	MaxDataSet      size          `name:"max-dataset" default:"128MiB" placeholder:"SIZE" help:"Memory that the data set of one instance may take, without pixel data (default ${default}, at most half of --memory)."`
	Memory          size          `kong:"-"` // that of commands
	HeaderTimeout   time.Duration `default:"10s" help:"Time for a request's header to arrive (default ${default})."`
	IdleTimeout     time.Duration `default:"2m" help:"Time a connection may be idle (default ${default})."`
	StallTimeout    time.Duration `default:"1m" help:"Time an upload or a download may stand still (default ${default})."`
	ShutdownTimeout time.Duration `default:"1m" help:"Time for requests in flight to finish at the end (default ${default})."`

	TrustFiles time.Duration `default:"24h" placeholder:"TIME" help:"Time for which a stored file that was compared with its SHA-256, and not written to since, is served without being compared again; 0: none is compared before it is served (default ${default})."`
	ScrubRate  size          `default:"8MiB" placeholder:"SIZE" help:"Bytes a second that are read again in the background, to find files that have rotted; 0: none (default ${default})."`

	UnsafeNoSync bool `hidden:"" help:"Acknowledge without any sync: the control of the fault harness, which must lose."`

	LogLevel  slog.Level `default:"INFO" placeholder:"LEVEL" help:"DEBUG, INFO, WARN or ERROR (default ${default})."`
	LogFormat string     `default:"text" enum:"text,json" help:"text or json (default ${default})."`

	settings string // the configuration file, "" for none
}

// Help is shown by --help.
func (serveCommand) Help() string {
	return `Everything lies in one data folder; nothing else has to run. Flags are also read from the environment (NOCTIS_LISTEN,
NOCTIS_PUBLIC_URL, …) and from a YAML file (--config).

Examples:
  noctis serve
  noctis serve --listen 127.0.0.1:8042 --data /var/lib/noctis --public-url https://pacs.example.org
  NOCTIS_LOG_FORMAT=json noctis serve --config /etc/noctis.yaml`
}

// Run serves until ctx ends, and then until the requests in flight have.
func (c serveCommand) Run(ctx context.Context, t terminal) (err error) {
	log := c.logger(t.err)
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	entrance, err := c.entrance()
	if err != nil {
		return err
	}
	if err := c.permit(entrance, listener.Addr()); err != nil {
		return err
	}
	giveway.Often()
	c.shareMemory()
	options, err := c.storeOptions()
	if err != nil {
		return err
	}
	open := openArchive
	if c.UnsafeNoSync {
		log.Warn("--unsafe-no-sync: nothing is durable; a power cut loses what was acknowledged")
		open = openUnsynced
	}
	archive, err := open(ctx, c.Data, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if err := c.keepSettings(); err != nil {
		log.Warn("the configuration file is not copied into the data folder, and no backup will have it", "err", err)
	}
	registry := prometheus.NewRegistry()
	if archive.trail, err = c.Audit.begin(c.Data, log, registry); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.trail.Close()) }()
	defer beside(context.WithoutCancel(ctx), archive.trail.Run)() // until the last request is answered
	archive.index.Worklist().SetFacilities(c.Facility)
	if c.Demo {
		if err := c.storeDemo(ctx, archive, t); err != nil {
			return err
		}
	}
	if err := archive.index.Worklist().Send(ctx, worklist.Restarted(true)); err != nil {
		return err
	}
	ready := &readiness{archive: archive}
	scrubbing := newScrubbing(archive, c.Data, int64(c.ScrubRate), log, registry)
	if err := scrubbing.load(); err != nil {
		return err
	}
	archive.commitments.Retention = c.CommitmentRetention
	if archive.webhooks, err = c.Webhooks.sender(ctx, archive, "", log, registry); err != nil {
		return err
	}
	var sendTraces func()
	if archive.tracer, sendTraces, err = c.Tracing.open(ctx, log); err != nil {
		return err
	}
	defer sendTraces()
	handler, err := c.handler(archive, entrance, ready, log, registry)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: c.HeaderTimeout,
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    int(c.MaxHeader) + headerSlack, // more than that is refused before anybody could count it
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Protocols:         c.protocols(),
		// A request outlives the signal: it is finished, not cut off.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	c.announce(t.out, listener.Addr(), entrance)
	archive.tenants.look(ctx)
	defer archive.tenants.Close()
	defer beside(ctx, archive.tenants.run)()
	defer entrance.runBeside(ctx, log)()
	defer c.attend(ctx, archive, scrubbing, log)()
	serve, stop, err := c.TLS.serving(server, listener, log)
	if err != nil {
		return err
	}
	defer stop()
	served := make(chan error, 1)
	go func() { served <- serve() }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ready.stop()
	log.Info("shutting down", "finishing_for_at_most", c.ShutdownTimeout)
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		return fmt.Errorf("requests in flight were cut off after %v: %w", c.ShutdownTimeout, errors.Join(err, server.Close()))
	}
	return nil
}

// attend does for an archive what has to be done while it is served. stop ends it and returns when it has ended.
func (c serveCommand) attend(ctx context.Context, a *archive, scrubbing *scrubbing, log *slog.Logger) (stop func()) {
	all := []func(){
		recoverBeside(ctx, a, log),
		scrubbing.begin(ctx),
		c.Retention.tidyBeside(ctx, a, log),
		c.Retention.settleBeside(ctx, a, log),
		beside(ctx, func(ctx context.Context) { a.commitments.Run(ctx, log) }),
		beside(ctx, a.webhooks.Run),
	}
	return func() {
		for _, stop := range slices.Backward(all) {
			stop()
		}
	}
}

// headerSlack is by how much a header may be too long to be refused with a reason.
const headerSlack = 64 << 10

// garbagePercent is how much garbage, of what is in use, may lie about before it is collected, as long as --memory has room for it. In use are some
// megabytes as a rule, and with Go's 100 percent requests that are refused had the garbage collected a hundred times a second, each time
// with all others at a standstill.
const garbagePercent = 800

// shareMemory divides what --memory allows (docs/adr/0023-memory-of-uploads.md). What garbage and SQLite may take is said already.
func (c *serveCommand) shareMemory() {
	if c.Memory <= 0 {
		c.Limits.MaxListeners = max(0, c.Limits.MaxListeners)
		return
	}
	if c.Limits.MaxListeners < 0 {
		c.Limits.MaxListeners = int(c.Memory / listenerMemory)
	}
	// Decodes give way to other requests, which for that need processors (of Go) that decodes do not hold.
	c.Limits.MaxDecodes = cmp.Or(c.Limits.MaxDecodes, runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + c.Limits.MaxDecodes)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	c.FrameCache = cmp.Or(c.FrameCache, c.Memory/8)
	c.RenderCache = cmp.Or(c.RenderCache, c.Memory/8)
	c.MaxDataSet = min(c.MaxDataSet, c.Memory/2)
}

// protocols are HTTP/1.1 and HTTP/2; that without TLS, too, for proxies and clients that know that the server has it: frames of a stack are
// asked for by the hundred.
func (c serveCommand) protocols() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(c.TLS.Cert != "")
	p.SetUnencryptedHTTP2(c.TLS.Cert == "")
	return &p
}

// recoverBeside takes in what a crash left behind, while the server serves already: walking a large store takes longer than its
// clients want to wait. stop ends it and returns when it has ended.
func recoverBeside(ctx context.Context, a *archive, log *slog.Logger) (stop func()) {
	return beside(ctx, func(ctx context.Context) {
		found, err := a.Recover(ctx)
		for _, bad := range found.SetAside {
			log.Warn("a stored file belongs to no instance; it is left alone", "blob", bad.Blob.String(), "why", bad.Err)
		}
		if found.Adopted+found.Temporary+found.Purged > 0 {
			log.Info("recovered after a crash", "instances_taken_in", found.Adopted, "broken_uploads_removed", found.Temporary,
				"purged_files_removed", found.Purged)
		}
		if err != nil && ctx.Err() == nil {
			log.Error("recovery after a crash failed", "error", err)
		}
	})
}

// beside runs something until stop is called, which waits for its end.
func beside(ctx context.Context, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// handler puts the services, the page and the viewer under one root.
func (c serveCommand) handler(a *archive, e *entrance, ready *readiness, log *slog.Logger, registry *prometheus.Registry) (http.Handler, error) {
	ready.register(registry)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	limits, err := c.Limits.limits(registry)
	if err != nil {
		return nil, err
	}
	shared := &sharing{access: e, limits: limits, trail: a.trail, tracer: a.tracer, log: log}
	if a.tenants, err = c.tenants(a, shared); err != nil {
		return nil, err
	}
	services, err := c.divided(shared).services(a, doors{e}, "", shared, registry)
	if err != nil {
		return nil, err
	}
	a.tenants.own = services
	ready.ending = func() { services.EndStreams(); a.tenants.endStreams() }
	e.sessions.Root, e.links.Root = services.RootURL, services.RootURL
	e.sessions.Client = services.ClientOf
	pages := recordPages(a.trail, e, services.ClientOf, c.pages(e, ready, log, prometheus.Gatherers{registry, a.tenants}, a.tenants))
	a.tenants.pages = recordPages(a.trail, e, services.ClientOf, a.tenants.pages)
	root := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// DICOMweb paths go past ServeMux, which would answer an upload to "//studies" with a redirect that loses it.
		switch {
		case isService(r.URL.Path):
			services.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/t/"):
			a.tenants.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
	return stallGuard(hardened(e.links.Carry(root), services.OverTLS), c.StallTimeout), nil
}

// sharing is what the archives of a server have in common.
type sharing struct {
	access *entrance
	limits *limit.Limits
	trail  *audit.Trail
	tracer trace.Tracer
	log    *slog.Logger

	archives size // among which memory is divided
}

// services are those of an archive, whose data folder is that of c; prefix is the path before them.
func (c serveCommand) services(a *archive, who access.Authenticator, prefix string, s *sharing, registry prometheus.Registerer) (*dicomweb.Server, error) {
	secret, err := anonymizeSecret(c.Data)
	if err == nil {
		err = holding(a, registry)
	}
	if err != nil {
		return nil, err
	}
	return dicomweb.New(a.Store, dicomweb.Options{
		PublicURL: c.PublicURL, TrustProxy: c.TrustProxy, Prefix: prefix, AllowedOrigins: c.AllowedOrigins,
		StrictAccept: c.StrictAccept, KeepPreambles: c.KeepPreambles,
		MaxBody: int64(c.MaxBody), MaxPart: int64(c.MaxPart), MaxParts: c.MaxParts, MaxResults: c.MaxResults,
		MaxSpool: int64(c.MaxSpool), SpoolFolder: c.Data,
		Limits: s.limits, MaxDecodeTime: c.Limits.MaxDecodeTime, MaxHeader: int(c.MaxHeader), RenderCache: int64(c.RenderCache), FrameCache: int64(c.FrameCache),
		MetadataCache:   int64(cmp.Or(c.Memory/8, 64<<20) / s.archives),
		AnonymizeSecret: secret, RecycleRetention: c.Retention.RecycleRetention,
		Worklist: a.index.Worklist(), Commitment: a.commitments, Procedures: a.index.Procedures(), Webhooks: a.webhooks,
		Authenticator: who, Links: s.access.links, MaxLink: c.Access.MaxLink, Audit: s.trail, Tracer: s.tracer, Log: s.log, Registry: registry,
	})
}

func (c serveCommand) storeDemo(ctx context.Context, a *archive, t terminal) error {
	empty, err := a.isEmpty(ctx)
	if err != nil || !empty {
		return err
	}
	n, err := storeDemo(ctx, local{a, c.Data})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "stored %d synthetic instances, because the store was empty\n", n)
	return nil
}

func (c serveCommand) viewerFolder() string {
	if c.Viewer != "" {
		return c.Viewer
	}
	program, err := os.Executable()
	if err != nil {
		return "viewer"
	}
	return filepath.Join(filepath.Dir(program), "viewer")
}

// announce prints where everything is.
func (c serveCommand) announce(w io.Writer, address net.Addr, e *entrance) {
	root := strings.TrimRight(c.PublicURL, "/")
	if root == "" {
		root = "http://" + address.String()
		if c.TLS.Cert != "" {
			root = "https://" + address.String()
		}
	}
	who := "whoever reaches it may do everything (noctis user add, noctis key add)"
	if on, err := e.On(); on || err != nil {
		who = "for those who prove who they are"
	}
	fmt.Fprintf(w, "Noctis %s\n  page      %s/\n  DICOMweb  %s%s\n  viewer    %s/viewer/\n  metrics   %s/metrics\n  access    %s\n",
		version, root, root, dicomweb.BasePath, root, root, who)
}

func (c serveCommand) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
