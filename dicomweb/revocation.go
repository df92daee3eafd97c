package dicomweb

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/noctis-dicom/noctis/internal/access"
)

// watchEvery is how often it is looked whether those whose requests are under way may still come in.
const watchEvery = time.Second

// vigil ends a request that is under way when its credentials no longer prove what they did: revoked, expired, logged out. Downloads,
// uploads, event streams and WebSockets end within a second. Most requests are over before it looks for the first time.
type vigil struct {
	authenticator access.Authenticator
	request       *http.Request
	control       *http.ResponseController
	who           access.Principal
	cancel        context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

// keepVigil returns the context of the request, and what has to be called at its end.
func keepVigil(a access.Authenticator, w http.ResponseWriter, r *http.Request, who access.Principal) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(access.With(r.Context(), who))
	v := &vigil{authenticator: a, request: r, control: http.NewResponseController(w), who: who, cancel: cancel}
	v.mu.Lock()
	v.timer = time.AfterFunc(watchEvery, v.look)
	v.mu.Unlock()
	return ctx, v.stop
}

func (v *vigil) look() {
	still := v.stillIn()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		return
	}
	if !still {
		v.cancel(access.ErrUnauthenticated)
		// Who is waiting for the client wakes up; again and again, because each step of a transfer gives itself more time.
		v.control.SetWriteDeadline(time.Now()) //nolint:errcheck // a writer without deadlines is a test's recorder
		v.control.SetReadDeadline(time.Now())  //nolint:errcheck // as before
	}
	v.timer.Reset(watchEvery)
}

// stillIn authenticates the request again: it has to come from the same principal, with the same roles and limits. When that fails for a reason of the server's own, it goes on.
func (v *vigil) stillIn() bool {
	again := v.request.WithContext(access.Watch(v.request.Context()))
	who, err := v.authenticator.Authenticate(again)
	if err != nil {
		return !isUnauthenticated(err) && !errors.Is(err, access.ErrElsewhere)
	}
	return reflect.DeepEqual(who, v.who)
}

func (v *vigil) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	v.timer.Stop()
	v.cancel(nil)
}
