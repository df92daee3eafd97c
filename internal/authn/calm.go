package authn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// calm asks for one address, which all requests have to be for, no more often than every providerRests, whatever tokens with keys that
// nobody has make of it, and answers with the last good answer while there is no other: an outage of the provider costs nobody whose
// key is known.
type calm struct {
	next http.RoundTripper
	now  func() time.Time

	mu    sync.Mutex
	asked time.Time
	good  []byte // the last answer
	err   error  // of the last request, if there never was a good answer
}

// keysMost is the most bytes of a set of keys.
const keysMost = 1 << 20

// RoundTrip answers a request.
func (c *calm) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked.IsZero() || c.now().Sub(c.asked) >= providerRests {
		body, err := c.ask(r)
		c.asked = c.now()
		if c.err = err; err == nil {
			c.good = body
		}
	}
	if c.good == nil {
		return nil, c.err
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(c.good)), ContentLength: int64(len(c.good)), Request: r}, nil
}

func (c *calm) ask(r *http.Request) ([]byte, error) {
	answer, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, keysMost+1))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answered %s", answer.Status)
	case len(body) > keysMost:
		return nil, errors.New("its set of keys is too large")
	}
	return body, nil
}
