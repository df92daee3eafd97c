package dicomweb

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/noctis-dicom/noctis/internal/giveway"
)

// framedBody tells a body that is malformed, or does not come, which is the client's fault, from one that could not be read. Package net/http
// has no error of its own for chunks that are none (RFC 9112 7.1); what else it can answer is known. A client that stands still is told that the server has
// waited for the request, and waits no longer (RFC 9110 15.5.9).
type framedBody struct{ io.ReadCloser }

func (b framedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, &problem{status: http.StatusRequestTimeout, limit: "stall", detail: "the rest of the request has not come in time", err: err}
	}
	var network net.Error
	if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) || errors.Is(err, http.ErrBodyReadAfterClose) {
		return n, err
	}
	return n, &problem{status: http.StatusBadRequest, detail: "the body is not what Transfer-Encoding says, or broke off", err: err}
}

// decodedBody is the body without its Content-Encoding (RFC 9110 8.4). gzip is all that clients of DICOMweb use.
func decodedBody(r *http.Request) (io.Reader, error) {
	switch coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ","))); coding {
	case "", "identity":
		return r.Body, nil
	case "gzip", "x-gzip":
		return &inflater{compressed: &countedBody{ReadCloser: r.Body}}, nil
	default:
		return nil, &problem{status: http.StatusUnsupportedMediaType,
			detail: "Content-Encoding " + excerpt(coding) + " is not supported; gzip is"}
	}
}

// A body may inflate to inflateFree bytes, and to inflateRatio times its length beyond that: a bomb is stopped long before it
// fills a disk. Images of one colour reach a ratio of about 1000, but a study of them is not met.
const (
	inflateFree  = 64 << 20
	inflateRatio = 100
)

// inflater reads gzip in bounds.
type inflater struct {
	compressed *countedBody
	gz         *gzip.Reader // nil until the first read, which is what makes a client with Expect: 100-continue send the body
	bytes      int64
	pacer      giveway.Pacer
}

func (f *inflater) Read(p []byte) (int, error) {
	if f.gz == nil {
		gz, err := gzip.NewReader(f.compressed)
		if err != nil {
			return 0, gzipError(err)
		}
		f.gz = gz
	}
	f.pacer.Pace()
	n, err := f.gz.Read(p)
	f.bytes += int64(n)
	if f.bytes > inflateFree+inflateRatio*f.compressed.bytes {
		return n, exceeds("body", "the request inflates to more than is allowed")
	}
	return n, gzipError(err)
}

// gzipError tells a body that is no gzip from one that could not be read.
func gzipError(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return &problem{status: http.StatusBadRequest, detail: "the body is not gzip, as Content-Encoding says", err: err}
	}
	if err == io.EOF {
		return io.EOF
	}
	return err
}
