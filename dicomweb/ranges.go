package dicomweb

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"time"
)

// serveContent sends what lies in one piece, or the ranges of it that are asked for (PS3.18 8.6.1.1, RFC 9110 14). What it refuses,
// a range that is not there or a condition that does not hold, is an error with a payload like all others.
func serveContent(w http.ResponseWriter, r *http.Request, modified time.Time, body io.ReadSeeker) error {
	settleRange(r)
	g := &refusals{ResponseWriter: w}
	http.ServeContent(g, r, "", modified, body)
	if g.status == 0 {
		return nil
	}
	detail := map[int]string{
		http.StatusRequestedRangeNotSatisfiable: "no range that is asked for is there, or Range cannot be read: Content-Range has the length",
		http.StatusPreconditionFailed:           preconditionFailed.detail,
	}[g.status]
	return &problem{status: g.status, detail: cmp.Or(detail, "what is stored here cannot be read")}
}

// settleRange writes Range as net/http reads it right: a unit that is not known counts for nothing (RFC 9110 14.2), and neither does the
// whole header but for GET; the name of bytes has any case; numbers may have any length; and no bytes at the end are none (RFC 9110 14.1.2).
func settleRange(r *http.Request) {
	said := r.Header.Values("Range")
	if len(said) == 0 {
		return
	}
	unit, set, _ := strings.Cut(strings.Join(said, ","), "=")
	if r.Method != http.MethodGet || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		r.Header.Del("Range")
		return
	}
	const beyond = "999999999999999999" // any file
	number := func(digits string) string {
		if digits = strings.TrimSpace(digits); len(strings.TrimLeft(digits, "0")) > len(beyond) && strings.Trim(digits, "0123456789") == "" {
			return beyond
		}
		return digits
	}
	ranges := strings.Split(set, ",")
	for i, one := range ranges {
		first, last, isRange := strings.Cut(one, "-")
		first, last = number(first), number(last)
		switch {
		case isRange && first == "" && last != "" && strings.Trim(last, "0") == "":
			ranges[i] = beyond + "-"
		case isRange:
			ranges[i] = first + "-" + last
		}
	}
	r.Header.Set("Range", "bytes="+strings.Join(ranges, ","))
}

// refusals keeps back the answers of http.ServeContent that are errors.
type refusals struct {
	http.ResponseWriter
	status int // of the error, 0: there is none
}

// WriteHeader sends the status if it is no error.
func (g *refusals) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		g.status = status
		return
	}
	g.ResponseWriter.WriteHeader(status)
}

// Write sends what is no text of an error.
func (g *refusals) Write(b []byte) (int, error) {
	if g.status != 0 {
		return len(b), nil
	}
	return g.ResponseWriter.Write(b)
}

// ReadFrom leaves the pieces to exchange.
func (g *refusals) ReadFrom(r io.Reader) (int64, error) {
	if g.status != 0 {
		return io.Copy(io.Discard, r)
	}
	return io.Copy(g.ResponseWriter, r)
}
