package dicomweb

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/noctis-dicom/noctis/store"
)

// maxDataSet bounds the payload that is one data set.
const maxDataSet = 8 << 20

// ordinaryPayload is what a payload may take without asking for it: nearly all do.
const ordinaryPayload = 64 << 10

// readPayload reads a payload that is one data set. What is longer than an ordinary one comes out of the memory that uploads share, as it is
// read, and with what the data set of it may take (docs/adr/0023-memory-of-uploads.md), until the request has ended.
func (s *Server) readPayload(r *http.Request, body io.Reader) ([]byte, error) {
	text := make([]byte, 0, 4<<10)
	for {
		n, err := body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > maxDataSet:
			return nil, &http.MaxBytesError{Limit: maxDataSet}
		case errors.Is(err, io.EOF):
			return text, s.holdPayload(r, payloadCost(text))
		case err != nil:
			return nil, requestError(err)
		}
		if len(text) == cap(text) {
			longer := min(2*cap(text), maxDataSet+1)
			if err := s.holdPayload(r, longer); err != nil {
				return nil, err
			}
			text = append(make([]byte, 0, longer), text...)
		}
	}
}

func (s *Server) holdPayload(r *http.Request, n int) error {
	if n <= ordinaryPayload {
		return nil
	}
	err := s.store.Hold(r.Context(), &exchangeOf(r).held, int64(n))
	if errors.Is(err, store.ErrTooLong) {
		return &problem{status: http.StatusRequestEntityTooLarge, detail: "the data set of the payload would take more memory than one may (max-dataset)", err: err}
	}
	return err
}

// payloadCost is about what the data set of a text takes, in bytes: for each element and item in it, each value, and their texts. It is measured
// (TestPayloadCost).
func payloadCost(text []byte) int {
	return 2*len(text) + 160*(bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("<"))) + 40*bytes.Count(text, []byte(","))
}
