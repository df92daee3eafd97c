package dicomweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/store"
)

// Bounds of one request to the change feed.
const (
	changesDefault  = 1000
	changesMost     = 10_000
	changesMostWait = time.Minute
	streamKeepAlive = 15 * time.Second       // proxies end what is silent for long
	streamRest      = 100 * time.Millisecond // between two looks, so that many who follow busy hours cost little
)

// retrieveChanges is the change feed, an extension: what happened to instances, studies and workitems behind a cursor, in the order of
// the commits, as a page of JSON or as server-sent events (HTML Living Standard 9.2), which go on until the client leaves.
func (s *Server) retrieveChanges(w http.ResponseWriter, r *http.Request) error {
	// Request
	q, err := s.parseChanges(r)
	if err != nil {
		return err
	}
	chosen, err := acceptOf(r).choose(offer{mediaType: "application/json"}, offer{mediaType: "text/event-stream"})
	if err != nil {
		return err
	}
	// Behavior and Response
	if chosen.mediaType == "text/event-stream" {
		return s.streamChanges(w, r, q)
	}
	return s.sendChanges(w, r, q)
}

// changesQuery is a request to the change feed.
type changesQuery struct {
	after store.Cursor
	limit int
	wait  time.Duration // for the first change
}

func (s *Server) parseChanges(r *http.Request) (changesQuery, error) {
	q := changesQuery{limit: changesDefault}
	query, err := queryOf(r)
	if err != nil {
		return q, err
	}
	after := query.Get("after")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		after = id // a browser that connects again says where it was
	}
	if after == "latest" {
		q.after, err = s.store.LatestChange(r.Context())
		if err != nil {
			return q, err
		}
	} else if q.after, err = store.ParseCursor(after); err != nil {
		return q, badRequest("after is %s: %v; it is \"latest\", or the cursor of a change", excerpt(after), err)
	}
	if text := query.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 1 || q.limit > changesMost {
			return q, badRequest("limit is %s; it can be 1 to %d", excerpt(text), changesMost)
		}
	}
	if text := query.Get("wait"); text != "" {
		seconds, err := strconv.Atoi(text)
		if q.wait = time.Duration(seconds) * time.Second; err != nil || seconds < 0 || q.wait > changesMostWait {
			return q, badRequest("wait is %s; it can be 0 to %d seconds", excerpt(text), int(changesMostWait.Seconds()))
		}
	}
	return q, nil
}

// page reads up to limit changes, and where to go on, when it is its turn.
func (s *Server) page(ctx context.Context, q changesQuery) (changes []store.Change, next store.Cursor, more bool, err error) {
	err = look(ctx, s.feed, func(ctx context.Context) (err error) {
		changes, next, more, err = s.pageNow(ctx, q)
		return err
	})
	return changes, next, more, err
}

func (s *Server) pageNow(ctx context.Context, q changesQuery) (changes []store.Change, next store.Cursor, more bool, err error) {
	latest, err := s.store.LatestChange(ctx) // before the look at the feed: what comes in between is in the page
	if err != nil {
		return nil, next, false, err
	}
	if next = q.after; next == (store.Cursor{}) {
		next = latest
	}
	for c, err := range s.store.Changes(ctx, q.after) {
		if err != nil {
			return nil, next, false, staleError(err)
		}
		if len(changes) == q.limit {
			return changes, next, true, nil
		}
		changes, next = append(changes, c), c.Cursor
	}
	if latest.Number > next.Number {
		next = latest // what lies between is not for who asks, and is not looked at again
	}
	return changes, next, false, nil
}

func staleError(err error) error {
	if errors.Is(err, store.ErrStale) {
		return &problem{status: http.StatusGone, err: err, detail: "the change feed cannot go on from this cursor: the index has been rebuilt, " +
			"or the changes behind it are no longer kept. Begin anew, without a cursor or with a search"}
	}
	return err
}

func (s *Server) sendChanges(w http.ResponseWriter, r *http.Request, q changesQuery) error {
	if q.wait > 0 {
		leave, err := s.listen(r)
		if err != nil {
			return err
		}
		defer leave()
		ctx, cancel := context.WithTimeout(r.Context(), q.wait)
		defer cancel()
		if err := s.await(ctx, q.after); err != nil && ctx.Err() == nil && !errors.Is(err, errEnding) {
			return err
		}
	}
	changes, next, more, err := s.page(r.Context(), q)
	if err != nil {
		return err
	}
	if changes == nil {
		changes = []store.Change{}
	}
	return respondJSON(w, r, http.StatusOK, struct {
		Changes []store.Change `json:"changes"`
		Next    string         `json:"next"`
		More    bool           `json:"more"`
	}{changes, next.String(), more})
}

// errEnding: the server is about to end.
var errEnding = errors.New("the server is ending")

// await returns when there is something behind the cursor.
func (s *Server) await(ctx context.Context, after store.Cursor) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.streams, func() { cancel(errEnding) })()
	if err := s.store.Wait(ctx, after); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return nil
}

// streamChanges sends changes as they come. Each event has the cursor as its id, so that a client that comes back with Last-Event-ID
// misses nothing.
func (s *Server) streamChanges(w http.ResponseWriter, r *http.Request, q changesQuery) error {
	leave, err := s.listen(r)
	if err != nil {
		return err
	}
	defer leave()
	changes, next, _, err := s.page(r.Context(), q)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	var out strings.Builder
	if len(changes) == 0 {
		fmt.Fprintf(&out, "id: %s\n\n", next) // where a client that saw no event comes back to
	}
	for {
		for _, c := range changes {
			data, err := json.Marshal(c)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "id: %s\nevent: %s\ndata: %s\n\n", c.Cursor, c.Kind, data)
		}
		if _, err := w.Write([]byte(out.String())); err != nil {
			return nil // the client has left
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return nil
		}
		out.Reset()
		q.after = next
		select {
		case <-time.After(streamRest):
		case <-r.Context().Done():
			return nil
		case <-s.streams.Done():
			return nil
		}
		ctx, cancel := context.WithTimeout(r.Context(), streamKeepAlive)
		err := s.await(ctx, next)
		cancel()
		switch {
		case r.Context().Err() != nil, errors.Is(err, errEnding):
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			out.WriteString(":\n\n")
			changes = nil
			continue
		case err != nil:
			return err
		}
		if changes, next, _, err = s.page(r.Context(), q); err != nil {
			return err
		}
	}
}

// EndStreams ends what would go on for as long as its client wants, so that the server can shut down.
func (s *Server) EndStreams() { s.endStreams() }
