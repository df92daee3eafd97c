package main

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// stallGuard ends requests whose client stands still: one that sends or takes no byte for the given time loses its connection, so
// that slow clients cannot hold connections, files and memory for ever. How long a transfer takes as a whole does not
// matter, as an instance may have gigabytes.
func stallGuard(next http.Handler, most time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		guarded := &guardedWriter{w, control, most}
		guarded.extend()
		if r.Body != nil && r.Body != http.NoBody {
			control.SetReadDeadline(time.Now().Add(most)) //nolint:errcheck // as in extend
			// In a copy: by the body of its own request the server knows what it needs not wait for before it sends an early answer.
			copied := *r
			copied.Body = &guardedBody{r.Body, control, most}
			r = &copied
		}
		next.ServeHTTP(guarded, r)
		control.SetWriteDeadline(time.Now().Add(2 * most)) //nolint:errcheck // as in extend; the server may wait for the rest of a short body before it answers
	})
}

type guardedBody struct {
	io.ReadCloser
	control *http.ResponseController
	most    time.Duration
}

// Read allows itself most time. At the end of the body the deadline goes: the server then waits for the client to hang up, which is
// no standstill. It stays when it has passed: before it answers, the server reads what is left of a short body, and would wait for it.
func (b *guardedBody) Read(p []byte) (int, error) {
	if err := b.control.SetReadDeadline(time.Now().Add(b.most)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.control.SetReadDeadline(time.Time{}) //nolint:errcheck // the body has ended anyway
	}
	return n, err
}

type guardedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	most    time.Duration
}

// Unwrap lets http.ResponseController find the writer below.
func (w *guardedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *guardedWriter) extend() {
	w.control.SetWriteDeadline(time.Now().Add(w.most)) //nolint:errcheck // a writer without deadlines is a test's recorder
}

func (w *guardedWriter) WriteHeader(status int) {
	w.extend()
	w.ResponseWriter.WriteHeader(status)
}

func (w *guardedWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p)
}
