package dicomweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/internal/limit"
	"github.com/noctis-dicom/noctis/store"
)

// handler is a transaction. What it returns errors.go turns into a status and a problem document (RFC 9457); an error after the
// first byte of a response aborts the connection, so that no client takes a cut answer for a whole one.
type handler func(w http.ResponseWriter, r *http.Request) error

// problem is an error that knows its status code (PS3.18 8.5). Its detail is shown to the client.
type problem struct {
	status     int
	detail     string
	err        error         // for the log
	retryAfter time.Duration // 0: nothing is said
	limit      string        // of the limit that was exceeded, for the metrics; "": none was
	warnings   []string      // texts of the Warning headers that the standard wants beside the status
}

func (p *problem) Error() string {
	if p.err != nil {
		return p.detail + ": " + p.err.Error()
	}
	return p.detail
}

func (p *problem) Unwrap() error { return p.err }

func badRequest(format string, a ...any) error {
	return &problem{status: http.StatusBadRequest, detail: fmt.Sprintf(format, a...)}
}

func notFound(format string, a ...any) error {
	return &problem{status: http.StatusNotFound, detail: fmt.Sprintf(format, a...)}
}

// exceeds refuses what is larger than a limit, which is named for the metrics.
func exceeds(limit, format string, a ...any) error {
	return &problem{status: http.StatusRequestEntityTooLarge, limit: limit, detail: fmt.Sprintf(format, a...)}
}

// statusClientClosed is what the log and the metrics say of a request whose client went away; nobody receives it.
const statusClientClosed = 499

// problemOf finds the status of an error.
func problemOf(err error) *problem {
	var known *problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, store.ErrGone):
		return &problem{status: http.StatusGone, detail: "what was stored here has been deleted", err: err}
	case errors.Is(err, store.ErrNotFound):
		return &problem{status: http.StatusNotFound, detail: "there is no such study, series, instance, frame or value here", err: err}
	case errors.As(err, &tooLarge):
		return &problem{status: http.StatusRequestEntityTooLarge, limit: "body",
			detail: fmt.Sprintf("the request is longer than the %d bytes that are allowed", tooLarge.Limit)}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, store.ErrUnwritable):
		return &problem{status: http.StatusServiceUnavailable, detail: "the server cannot open its files now", err: err, retryAfter: 10 * time.Second}
	case errors.Is(err, access.ErrUnavailable):
		return &problem{status: http.StatusServiceUnavailable, detail: access.ErrUnavailable.Error(), err: err, retryAfter: 10 * time.Second}
	case errors.Is(err, context.Canceled):
		return &problem{status: statusClientClosed, detail: "the client went away", err: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, limit: "stall", detail: "the client stood still for too long", err: err,
			retryAfter: 10 * time.Second}
	case errors.Is(err, store.ErrBusy):
		return &problem{status: http.StatusServiceUnavailable, detail: "too many large data sets at once: this one has waited in vain for memory",
			err: err, limit: "memory", retryAfter: 10 * time.Second}
	case errors.Is(err, limit.ErrBusy):
		return &problem{status: http.StatusServiceUnavailable, detail: "the server is busy: what was asked for has waited in vain for its turn",
			err: err, retryAfter: busyAgain}
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, detail: "the server did not manage it in time", err: err,
			retryAfter: 10 * time.Second}
	}
	return &problem{status: http.StatusInternalServerError, detail: "the server failed; its log says why, under this request id", err: err}
}

// answer runs a handler and answers for its error.
func (s *Server) answer(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// fail sends the problem document of an error, or aborts the connection if the response has begun.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	p := problemOf(err)
	if p.status == http.StatusInternalServerError && r.Context().Err() != nil {
		p = &problem{status: statusClientClosed, detail: "the client went away", err: err}
	}
	x.err = err
	if x.began() {
		s.count(p)
		x.aborted = p.status
		panic(http.ErrAbortHandler)
	}
	s.count(p)
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	length := w.Header().Get("Content-Range")
	takeBack(w.Header())
	if p.status == http.StatusRequestedRangeNotSatisfiable && length != "" {
		w.Header().Set("Content-Range", length) // what there would be (RFC 9110 15.5.17)
	}
	for _, text := range p.warnings {
		warn(w.Header(), s.baseURL(r), text)
	}
	writeProblem(w, x.id, p.status, p.detail)
}

// describing are the headers of a response that was not to be.
var describing = []string{"ETag", "Last-Modified", "Content-Range", "Content-Location", "Content-Encoding", "Warning"}

// takeBack removes them.
func takeBack(h http.Header) {
	for _, name := range describing {
		h.Del(name)
	}
}

// writeProblem sends a Status Report (PS3.18 8.6.3) as a problem document.
func writeProblem(w http.ResponseWriter, id string, status int, detail string) {
	title := http.StatusText(status)
	if status == statusClientClosed {
		title = "Client Closed Request"
	}
	body, err := json.Marshal(struct {
		Title    string `json:"title"`
		Status   int    `json:"status"`
		Detail   string `json:"detail,omitempty"`
		Instance string `json:"instance,omitempty"`
	}{title, status, detail, "urn:request:" + id})
	if err != nil { // four strings and a number: it cannot be
		body = []byte(`{}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}
