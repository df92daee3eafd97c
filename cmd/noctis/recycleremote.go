package main

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// remoteBin is that of a server.
type remoteBin struct {
	base   string
	client *http.Client
}

func newRemoteBin(base string, c credentials) (*remoteBin, error) {
	r, err := newRemote(base, c)
	if err != nil {
		return nil, err
	}
	return &remoteBin{r.name() + "/recycle-bin", r.client}, nil
}

func (r *remoteBin) close() error { return nil }

func (r *remoteBin) list(ctx context.Context) (list []binStudy, err error) {
	return list, r.ask(ctx, http.MethodGet, "?limit=1000000", &list)
}

func (r *remoteBin) restore(ctx context.Context, what binTarget, replace bool) (result binRestored, err error) {
	path := what.path() + "/restore"
	if replace {
		path += "?replace"
	}
	return result, r.ask(ctx, http.MethodPost, path, &result)
}

func (r *remoteBin) purge(ctx context.Context, what binTarget, before time.Time) (result binPurged, err error) {
	path := what.path()
	if !before.IsZero() {
		path += "?before=" + url.QueryEscape(before.Format(time.RFC3339))
	}
	return result, r.ask(ctx, http.MethodDelete, path, &result)
}

// ask sends a request and reads the answer, which is one although the status is 409.
func (r *remoteBin) ask(ctx context.Context, method, path string, answer any) error {
	return askJSON(ctx, r.client, method, r.base+path, answer)
}
