package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/noctis-dicom/noctis/internal/access"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/worklist"
)

// tenants makes those of the server; look opens their archives.
func (c serveCommand) tenants(a *archive, s *sharing) (*tenants, error) {
	names, err := tenantsOf(c.Data)
	if err != nil {
		return nil, err
	}
	s.archives = size(1 + len(names))
	ts := &tenants{data: c.Data, log: s.log, of: map[string]*tenant{}, failing: map[string]string{}}
	ts.open = func(ctx context.Context, name string) (*tenant, error) { return c.openTenant(ctx, a.Store, name, s) }
	return ts, nil
}

// doors is the entrance of the server's own archive, and of those that are not there: the services answer for them, too, so that what is not
// there is asked for the same things, and refuses them in the same words.
type doors struct{ access.Authenticator }

type doorKey struct{}

// Authenticate returns the principal of a request.
func (d doors) Authenticate(r *http.Request) (access.Principal, error) {
	e, _ := r.Context().Value(doorKey{}).(access.Entrance)
	e.Authenticator = d.Authenticator
	return e.Authenticate(r)
}

// openTenant opens the archive of a tenant.
func (c serveCommand) openTenant(ctx context.Context, beside *store.Store, name string, s *sharing) (t *tenant, err error) {
	c = c.divided(s)
	c.Data = tenantFolder(c.Data, name)
	open := openArchive
	if c.UnsafeNoSync {
		open = openUnsynced
	}
	a, err := open(ctx, c.Data, beside.Beside())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	a.trail = s.trail
	a.index.Worklist().SetFacilities(c.Facility)
	a.commitments.Retention = c.CommitmentRetention
	if err := a.index.Worklist().Send(ctx, worklist.Restarted(true)); err != nil {
		return nil, err
	}
	log := s.log.With("tenant", name)
	registry := prometheus.NewRegistry()
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"tenant": name}, registry)
	scrubbing := newScrubbing(a, c.Data, int64(c.ScrubRate), log, labelled)
	if err := scrubbing.load(); err != nil {
		return nil, err
	}
	if a.webhooks, err = c.Webhooks.sender(ctx, a, name, log, labelled); err != nil {
		return nil, err
	}
	own := *s
	own.log = log
	services, err := c.services(a, access.Entrance{Authenticator: s.access, Tenant: name}, "/t/"+name, &own, labelled)
	if err != nil {
		return nil, err
	}
	return &tenant{handler: services, archive: a, metrics: registry, end: services.EndStreams, stop: c.attend(ctx, a, scrubbing, log)}, nil
}

// divided are the settings of an archive that shares memory and disk with others.
func (c serveCommand) divided(s *sharing) serveCommand {
	c.FrameCache, c.RenderCache, c.ScrubRate = c.FrameCache/s.archives, c.RenderCache/s.archives, c.ScrubRate/s.archives
	return c
}

// holding tells in metrics how much an archive holds, and may.
func holding(a *archive, registry prometheus.Registerer) error {
	gauge := func(name, help string, of func(store.Usage, store.Quota) int64) error {
		return registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "noctis", Name: name, Help: help}, func() float64 {
			u, err := a.Usage(context.Background())
			if err != nil {
				return -1
			}
			return float64(of(u, a.Quota()))
		}))
	}
	return errors.Join(
		gauge("held_bytes", "Bytes of stored files, recycle bin included; -1: they cannot be counted.", func(u store.Usage, _ store.Quota) int64 { return u.Bytes }),
		gauge("held_instances", "Stored instances, recycle bin included.", func(u store.Usage, _ store.Quota) int64 { return u.Instances }),
		gauge("quota_bytes", "Bytes that the archive may hold; 0: no quota.", func(_ store.Usage, q store.Quota) int64 { return q.Bytes }),
		gauge("quota_instances", "Instances that the archive may hold; 0: no quota.", func(_ store.Usage, q store.Quota) int64 { return q.Instances }),
	)
}
