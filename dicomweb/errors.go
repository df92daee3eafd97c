package dicomweb

import (
	"fmt"
	"net/http"
)

// handler is a transaction. What it returns errors.go turns into a status and a problem document (RFC 9457); an error after the
// first byte of a response aborts the connection, so that no client takes a cut answer for a whole one.
type handler func(w http.ResponseWriter, r *http.Request) error

// problem is an error that knows its status code (PS3.18 8.5). Its detail is shown to the client.
type problem struct {
	status int
	detail string
	err    error // for the log
}

func (p *problem) Error() string { return p.detail }
func (p *problem) Unwrap() error { return p.err }

func badRequest(format string, a ...any) error {
	return &problem{status: http.StatusBadRequest, detail: fmt.Sprintf(format, a...)}
}
