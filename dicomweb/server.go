// Package dicomweb speaks DICOMweb: PS3.18 over net/http. Each transaction is one file whose handler has the three steps in
// which the standard writes it: Request, Behavior, Response.
//
// routes.go is the table of resources; store.go, search.go, retrieve.go, delete.go, recyclebin.go, changes.go, metadata.go, frames.go, bulkdata.go, rendered.go,
// thumbnail.go and wadouri.go are the transactions, those of the worklist are workitems.go, workitemstate.go, workitemsearch.go,
// subscriptions.go and notifications.go, that of storage commitment is commitment.go, those of
// modalities are scheduledsteps.go and performedsteps.go; mediatype.go, accept.go, multipart.go, query.go, rendering.go and forwarded.go
// parse what a client sends into types, so that nothing below sees a request; errors.go alone turns errors into status codes.
// Around every request lies middleware.go: its id, its line in the log, its metrics, CORS (cors.go) and the limits.
package dicomweb

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/noctis-dicom/noctis/commitment"
	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/deidentify"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/internal/authn"
	"github.com/noctis-dicom/noctis/internal/limit"
	"github.com/noctis-dicom/noctis/procedure"
	"github.com/noctis-dicom/noctis/render"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/webhook"
	"github.com/noctis-dicom/noctis/worklist"
)

// BasePath is where the DICOMweb services lie below the server's root.
const BasePath = "/dicom-web"

// Options of a Server. The zero value is safe.
type Options struct {
	// PublicURL is the address of the server's root as clients see it ("https://pacs.example/noctis"), used in every URI that
	// is sent. Empty: taken from each request, with Forwarded and X-Forwarded-* where TrustProxy is set or the peer is loopback.
	PublicURL  string
	TrustProxy bool
	// Prefix is the path of this server below that root, without a slash at its end ("/t/north"). Requests come without it.
	Prefix string
	// AllowedOrigins are the origins that browsers may attach from (CORS); default "*", without credentials.
	AllowedOrigins []string
	// StrictAccept answers 406 to requests without Accept, and 400 to lists of DICOM and rendered media types, as PS3.18 8.7.5 has it.
	// Viewers send both.
	StrictAccept bool
	// KeepPreambles sends executable preambles (PS3.10 7.1) as they are stored, and not as zeros.
	KeepPreambles bool
	// MaxBody is the most bytes of a request body, MaxPart of one instance in it; 0: 64 GiB and 32 GiB.
	MaxBody, MaxPart int64
	// MaxParts is the most parts of a request; 0: 10,000.
	MaxParts int
	// MaxSpool is the most bytes that a request of metadata and bulk data may keep on disk until its last part has come; 0: 16 GiB.
	MaxSpool int64
	// SpoolFolder is where; "" is the system's folder for temporary files, which may lie in memory.
	SpoolFolder string
	// MaxResults is the most results of one search; 0: 10,000. A search that has more says so (PS3.18 8.3.4.4).
	MaxResults int
	// RenderCache is the most bytes of rendered pictures kept; 0: 64 MiB; negative: none.
	RenderCache int64
	// MetadataCache is the most bytes of compressed metadata kept; 0: 64 MiB; negative: none.
	MetadataCache int64
	// FrameCache is the most bytes of decoded frames kept; 0: 64 MiB; negative: none, and nothing is read ahead.
	FrameCache int64
	// MaxDecodes bounds the frames decoded at the same time where Limits do not; 0: number of processors.
	MaxDecodes int
	// MaxFramePixels bounds the samples of a frame that is decoded; 0: 256 million.
	MaxFramePixels int64
	// MaxDecodeTime bounds the time in which a frame is decoded; 0: 2 minutes.
	MaxDecodeTime time.Duration
	// RecycleRetention is how long deleted instances stay in the recycle bin, for those who look into it; 0: nobody knows.
	RecycleRetention time.Duration
	// AnonymizeSecret makes the new UIDs of anonymize=yes (PS3.18 9.4.1.2.1): the same ones as long as it is the same. Empty: random,
	// until the process ends.
	AnonymizeSecret []byte

	// Limits are those that all servers of a process share; nil: MaxDecodes alone.
	Limits *limit.Limits
	// MaxHeader is the most bytes of a request's header; 0: as many as came.
	MaxHeader int

	// Authenticator finds out who a request comes from; nil: everybody may do everything.
	Authenticator access.Authenticator
	// Audit records every request; nil: nothing does.
	Audit *audit.Trail

	// Links are the signed links; nil: there are none. MaxLink is how long one can live that a client asks for; 0: 30 days.
	Links   *authn.Links
	MaxLink time.Duration

	// Worklist keeps the workitems; nil: there is no worklist service.
	Worklist worklist.Repository
	// Commitment answers storage commitment requests; nil: there is no such service. Somebody has to Run it.
	Commitment *commitment.Service
	// Procedures keeps the steps of modalities; nil: there is neither modality worklist nor performed steps.
	Procedures procedure.Repository
	// Webhooks tells others what happens, and is shown to administrators; nil: there is none. Somebody has to Run it.
	Webhooks *webhook.Sender

	Tracer   trace.Tracer          // of OpenTelemetry; nil: there are no traces
	Log      *slog.Logger          // nil: slog.Default
	Registry prometheus.Registerer // nil: metrics are kept, but not registered
}

// decodePatience is how long a frame waits to be decoded.
const decodePatience = 30 * time.Second

// withDefaults fills the zero fields in.
func (o Options) withDefaults() Options {
	o.MaxBody = cmp.Or(o.MaxBody, 64<<30)
	o.MaxPart = cmp.Or(o.MaxPart, 32<<30)
	o.MaxParts = cmp.Or(o.MaxParts, 10_000)
	o.MaxSpool = cmp.Or(o.MaxSpool, 16<<30)
	o.MaxResults = cmp.Or(o.MaxResults, 10_000)
	o.RenderCache = cmp.Or(o.RenderCache, 64<<20)
	o.MetadataCache = cmp.Or(o.MetadataCache, 64<<20)
	o.FrameCache = cmp.Or(o.FrameCache, 64<<20)
	o.MaxDecodes = cmp.Or(o.MaxDecodes, runtime.GOMAXPROCS(0))
	o.MaxFramePixels = cmp.Or(o.MaxFramePixels, 256_000_000)
	o.MaxDecodeTime = cmp.Or(o.MaxDecodeTime, 2*time.Minute)
	o.Log = cmp.Or(o.Log, slog.Default())
	o.Limits = cmp.Or(o.Limits, &limit.Limits{})
	if o.Limits.Decodes == nil {
		o.Limits.Decodes = limit.NewGate(o.MaxDecodes, 0, decodePatience)
	}
	if len(o.AnonymizeSecret) == 0 {
		o.AnonymizeSecret = make([]byte, 32)
		rand.Read(o.AnonymizeSecret)
	}
	if len(o.AllowedOrigins) == 0 {
		o.AllowedOrigins = []string{"*"}
	}
	return o
}

// Server is the origin server of PS3.18. It is an http.Handler, safe for concurrent use.
type Server struct {
	store    *store.Store
	options  Options
	public   string // Options.PublicURL without a slash at its end
	log      *slog.Logger
	metrics  *metrics
	limits   *limit.Limits
	pictures *pictures
	dataSets *boundedCache[*dicom.DataSet] // by blob

	longMetadata *limit.Gate // for one, see turn
	frames       *frameCache
	stacks       *boundedCache[[]*store.Entry] // of series, by generation and reference
	samples      *boundedCache[*sample]        // of series, by generation, reference and SOP class
	windows      *onceCache[*render.Range]     // automatic ones, by sample
	layouts      *boundedCache[*store.Entry]   // by generation and reference
	subjects     *boundedCache[audit.Subject]  // of studies, by generation and reference
	metadata     *metadataCache
	worklist     *worklist.List // nil: there is none
	readying     readying
	profile      *deidentify.Profile
	cors         *cors
	handler      http.Handler

	streams    context.Context // of answers that go on for as long as their clients want
	endStreams context.CancelFunc
	feed       *limit.Gate // for those who look into the change feed
	events     *limit.Gate // for subscribers who look for their events

	background sync.WaitGroup // of what is done ahead of requests
	verifying  sync.Mutex     // the audit log
}

// New makes a server of what st holds. The error is that of an option.
func New(st *store.Store, o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{store: st, options: o, log: o.Log, limits: o.Limits}
	s.streams, s.endStreams = context.WithCancel(context.Background())
	s.feed, s.events = limit.NewGate(looksAtOnce, 0, looksPatience), limit.NewGate(looksAtOnce, 0, looksPatience)
	if o.Worklist != nil {
		s.worklist = worklist.New(worklist.Limited{Repository: o.Worklist, Seen: func(ctx context.Context, study dicom.UID) (bool, error) {
			n, err := st.Count(ctx, match.Query{Level: match.Study, Scope: dicom.Ref{Study: study}})
			return n > 0, err
		}})
	}
	if o.Procedures != nil {
		s.options.Procedures = procedure.Limited{Repository: o.Procedures}
	}
	var err error
	if s.public, err = parsePublicURL(o.PublicURL); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(o.Registry, st); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s.pictures = newPictures(o.RenderCache, o.Limits.Decodes, s.metrics)
	s.dataSets = newBoundedCache[*dicom.DataSet](dataSetCache)
	s.frames = newFrameCache(o.FrameCache, s.metrics)
	s.stacks = newBoundedCache[[]*store.Entry](stateCache)
	s.samples = newBoundedCache[*sample](stateCache)
	s.windows = newOnceCache[*render.Range](stateCache)
	s.layouts = newBoundedCache[*store.Entry](entryCache)
	s.subjects = newBoundedCache[audit.Subject](stateCache)
	s.readying.came = map[dicom.Ref]chan struct{}{}
	s.metadata = newMetadataCache(o.MetadataCache)
	s.longMetadata = cmp.Or(o.Limits.LongMetadata, limit.NewGate(1, 0, longMetadataWait))
	s.profile = deidentify.New(o.AnonymizeSecret)
	s.cors = newCORS(o.AllowedOrigins)
	st.Watch(s.grow)
	s.handler = s.exchange(s.cors.wrap(s.guard(s.authenticate(s.limited(s.router())))))
	return s, nil
}

// ServeHTTP serves the DICOMweb resources, below BasePath and, for WADO-URI, at "/wado".
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
