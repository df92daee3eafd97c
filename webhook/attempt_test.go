package webhook

import (
	"net/http"
	"testing"
	"time"
)

// TestRetryAfter: a receiver says how long it wants to be left alone, within bounds.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-5": 0, "99999999999": time.Hour, "999999999999999999999": 0, "soon": 0,
		"Thu, 01 Jan 2026 00:01:00 GMT": time.Minute, "Thu, 01 Jan 2025 00:01:00 GMT": 0,
	} {
		answer := &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {text}}}
		if got := RetryAfter(answer, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := RetryAfter(&http.Response{StatusCode: 500, Header: http.Header{"Retry-After": {"120"}}}, now); got != 0 {
		t.Errorf("500: %v", got)
	}
	if p := pause(1000); p < longestPause/2 || p > longestPause {
		t.Errorf("after 1000 failures: %v", p)
	}
}
