package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Bounds of one attempt.
const (
	connectWithin = 5 * time.Second
	maxAnswer     = 64 << 10 // of an answer that nobody reads: so much is taken, so that its connection can be used again
	maxRetryAfter = time.Hour
)

// errForbidden: the address is not public.
var errForbidden = errors.New("forbidden address")

// failure is why an attempt has failed. It holds nothing of the answer's body and nothing of the query of the URL.
type failure struct {
	reason     string
	refused    bool          // it is this message that the receiver does not want
	retryAfter time.Duration // as the receiver wishes, 0 if it does not say
}

func (f *failure) Error() string { return f.reason }

// refusals are answers that say that the message is at fault and not the receiver.
var refusals = []int{http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

// newClient returns a client that reaches only what the webhook may reach: no proxy stands in between, and no redirect is followed.
func newClient(w *Webhook, within time.Duration, resolver *net.Resolver) *http.Client {
	dialer := &net.Dialer{Timeout: connectWithin, Control: w.control, Resolver: resolver}
	return &http.Client{
		Timeout:       within,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: connectWithin,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer, DisableCompression: true,
		},
	}
}

// attempt sends a message once. The error is that of ctx, or a *failure.
func attempt(ctx context.Context, client *http.Client, w *Webhook, m Message, now time.Time) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(m.Body))
	if err != nil {
		return &failure{reason: "its URL cannot be used"}
	}
	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Noctis")
	h.Set("Webhook-Id", m.ID)
	h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("Webhook-Signature", sign(w.Secrets, m, now))
	answer, err := client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &failure{reason: "no answer: " + withoutURL(err)}
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) //nolint:errcheck // the status says it all
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return &failure{
		reason: fmt.Sprintf("the receiver answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)), refused: slices.Contains(refusals, answer.StatusCode),
		retryAfter: RetryAfter(answer, now),
	}
}

func withoutURL(err error) string {
	var of *url.Error
	if errors.As(err, &of) {
		if of.Timeout() {
			return "it took too long"
		}
		err = of.Err
	}
	return err.Error()
}

// RetryAfter is how long a server that is busy (429, 503) wants to be left alone (RFC 9110 10.2.3).
func RetryAfter(answer *http.Response, now time.Time) time.Duration {
	if answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return max(0, min(time.Duration(min(seconds, 1<<30))*time.Second, maxRetryAfter))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(at.Sub(now), maxRetryAfter))
	}
	return 0
}
