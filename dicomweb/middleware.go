package dicomweb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/audit"
	"github.com/noctis-dicom/noctis/store"
)

// exchange is one request and its response, as the log and the metrics see them. It is the http.ResponseWriter that handlers
// write to, and the context of the request: what the layers around a handler find out about it is put there without copying the request
// each time.
type exchange struct {
	http.ResponseWriter
	context.Context
	id      string   // request id
	root    string   // the server's public root, without a slash at its end
	path    string   // of the request, percent-encoded and tidy
	slashes int      // in it
	vars    pathVars // percent-encoded
	route   string   // name of the route, "none" until one is found
	status  int      // 0 until the response begins
	bytes   int64    // of the response's body
	head    bool     // the body is not sent
	strict  bool     // Options.StrictAccept
	err     error    // why it failed
	aborted int      // the status that it should have had, where the connection was aborted

	who       access.Principal // who asks, as far as it is known
	elsewhere bool             // the archive is that of a tenant to whom he does not belong
	kind      audit.Kind       // what the route does, "" until one is found
	subjects  []noted          // what handlers noted for the audit
	held      store.Holding    // the memory of data sets, until the request has ended
	before    func(status int) // records what is answered; nil: it has been
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a request; one that leads nowhere if the request came around the middleware.
func exchangeOf(r *http.Request) *exchange {
	if x, ok := r.Context().(*exchange); ok {
		return x
	}
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// Value has the exchange found in contexts that are made from it.
func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	return x.Context.Value(key)
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader notes the status, and has the request recorded before anything of the answer leaves. Informational statuses are not the
// answer, but that of a connection that becomes another.
func (x *exchange) WriteHeader(status int) {
	if x.before != nil && (status >= 200 || status == http.StatusSwitchingProtocols) {
		x.before(status)
	}
	if x.status == 0 && status >= 200 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes; those of an answer to HEAD go nowhere.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if x.head {
		return len(b), nil
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// ReadFrom sends what r has in large pieces; io.Copy asks it.
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	out := newSendBuffer(x)
	defer out.giveBack()
	return out.readFrom(r)
}

// noSniffing is the value of X-Content-Type-Options. Values of headers that are always the same lie ready: one is never changed, only
// replaced.
var noSniffing = []string{"nosniff"}

func (x *exchange) began() bool { return x.status != 0 }

// requestID takes the client's id if it is short and plain, so that it can be found in both logs, else makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	ok := len(id) > 0 && len(id) <= 64
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.'
	}
	if !ok {
		var random [12]byte
		rand.Read(random[:])
		var text [2 * len(random)]byte
		hex.Encode(text[:], random[:]) // no letters of which a name could be made by chance
		id = string(text[:])
	}
	return id
}

// exchange is the outermost layer: it gives the request its id, counts and logs it once, and answers for panics.
func (s *Server) exchange(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		x := &exchange{ResponseWriter: w, id: requestID(r), route: "none", head: r.Method == http.MethodHead}
		ctx, span := s.beginSpan(r)
		x.Context = ctx
		r = r.WithContext(x)
		w.Header()["X-Request-Id"] = []string{x.id}
		w.Header()["X-Content-Type-Options"] = noSniffing
		var body countedBody
		if r.Body != nil && r.Body != http.NoBody {
			body.ReadCloser = r.Body
			r.Body = &body
		}
		if s.options.Audit != nil {
			x.before = func(status int) {
				x.before = nil
				if err := s.record(r, x, status); err != nil {
					panic(errUnrecorded{err})
				}
			}
		}
		s.metrics.inFlight.Inc()
		defer func() {
			s.metrics.inFlight.Dec()
			abort := s.recovered(x, r, recover())
			s.recordEnd(r, x)
			x.held.Release()
			took := time.Since(began)
			status := x.outcome()
			s.metrics.observe(x.route, status, took, body.bytes, x.bytes)
			endSpan(span, r, x.route, status, body.bytes, x.bytes)
			s.logExchange(r, x, status, took)
			if abort {
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(x, r)
	})
}

// outcome is the status that the log and the metrics report.
func (x *exchange) outcome() int {
	switch {
	case x.aborted != 0:
		return x.aborted
	case x.status == 0:
		return http.StatusOK // net/http sends it where a handler wrote nothing
	}
	return x.status
}

// recovered answers for a panic; it reports whether the connection is to be aborted.
func (s *Server) recovered(x *exchange, r *http.Request, p any) bool {
	if p == nil {
		return false
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		if x.aborted == 0 {
			x.aborted = statusClientClosed
		}
		return true
	}
	if err := unrecorded(p); err != nil {
		x.err = problemUnrecorded(err)
		takeBack(x.Header())
		known := problemOf(x.err)
		writeProblem(x, x.id, known.status, known.detail)
		return false
	}
	x.err = fmt.Errorf("panic: %v", p)
	s.log.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("id", x.id), slog.String("route", x.route), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	if x.began() {
		x.aborted = http.StatusInternalServerError
		return true
	}
	takeBack(x.Header())
	s.recordPanic(r, x)
	writeProblem(x, x.id, http.StatusInternalServerError, "the server failed; its log says why, under this request id")
	return false
}

// logExchange writes the one line that a request gets. Neither the query nor the path is in it, for both may carry patient data;
// the error is made of tags, offsets and UIDs.
func (s *Server) logExchange(r *http.Request, x *exchange, status int, took time.Duration) {
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("id", x.id),
		slog.String("method", methodOf(r)),
		slog.String("route", x.route),
		slog.Int("status", status),
		slog.Int64("bytes", x.bytes),
		slog.Duration("took", took),
	}
	if err := loggable(x.err); err != nil && status != statusClientClosed {
		attrs = append(attrs, slog.Any("err", err))
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// loggable is what the log may say of an error: not the detail of a problem, which may quote the client's query, but its cause.
func loggable(err error) error {
	var p *problem
	if errors.As(err, &p) && (p.err != nil || p.status < 500) {
		return p.err
	}
	return err
}

// guard bounds the body and refuses a request whose Host is not one.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		root, err := s.RootURL(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		x := exchangeOf(r)
		x.root, x.strict = root, s.options.StrictAccept
		if most := s.options.MaxHeader; most > 0 && headerSize(r) > most {
			s.fail(w, r, &problem{status: http.StatusRequestHeaderFieldsTooLarge, limit: "header",
				detail: fmt.Sprintf("the header of the request is longer than the %d bytes that are allowed", most)})
			return
		}
		if r.ContentLength > s.options.MaxBody {
			w.Header().Set("Connection", "close") // rather than read what will not be used
			s.fail(w, r, &http.MaxBytesError{Limit: s.options.MaxBody})
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(x.ResponseWriter, framedBody{r.Body}, s.options.MaxBody)
		}
		next.ServeHTTP(w, r)
	})
}

// baseURL is the absolute base URI of the DICOMweb services as the client of the request sees it (PS3.18 8.2), without a slash
// at its end.
func (s *Server) baseURL(r *http.Request) string { return exchangeOf(r).root + BasePath }
