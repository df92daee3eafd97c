package store

import (
	"context"
	"errors"
	"iter"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Whoever has limits (match.Limits) sees what lies within them: the index keeps to them where it is asked for studies, series and
// instances. Here is the rest: what he may store, and which changes he is told of.

// ReasonNotAuthorized (PS3.7 C.5.20): whoever stores may not store this. It says nothing of what else is stored.
const ReasonNotAuthorized uint16 = 0x0124

// mayStore reports whether the limits of the context allow the instance to be stored: it has to satisfy them itself, or to name nobody
// else and come into a study that does. If its UID is taken, what is stored under it must be within them too, or the answer would tell.
func (s *Store) mayStore(ctx context.Context, e *Entry) (bool, error) {
	l := match.LimitsOf(ctx)
	if l.Everything() {
		return true, nil
	}
	named := match.NamedBy(e.DataSet)
	if e.Ref.Study == "" || !l.AllowInto(e.Ref.Study, named) {
		return false, nil
	}
	known := false
	for _, r := range []dicom.Ref{{Instance: e.Ref.Instance}, {Study: e.Ref.Study}} {
		seen, err := s.has(ctx, r)
		if err != nil {
			return false, err
		}
		if known, err = s.has(match.Within(ctx, match.Limits{}), r); err != nil || known != seen {
			return false, err
		}
	}
	var of match.Holders
	of.Add(named)
	return known || l.Allow(e.Ref.Study, of), nil
}

// has reports whether something is stored below r.
func (s *Store) has(ctx context.Context, r dicom.Ref) (bool, error) {
	if r.Series == "" && r.Instance == "" {
		n, err := s.index.Count(ctx, match.Query{Level: match.Study, Scope: r})
		return n > 0, err
	}
	for _, err := range s.index.Entries(ctx, r) {
		return err == nil, err
	}
	return false, nil
}

// Changes yields the changes behind the cursor in the order in which they were committed, each of which every reader sees by then:
// those that were there when it began, and perhaps later ones. Nothing between two of them is left out, but what lies outside of the limits
// of the context now: so is the deletion of all of a study, what happens to workitems that are not of a study, and to steps, because a step can
// name another patient than the study that it is for. The error is ErrStale, wrapped, if the feed cannot go on from the cursor.
func (s *Store) Changes(ctx context.Context, after Cursor) iter.Seq2[Change, error] {
	if match.LimitsOf(ctx).Everything() {
		return s.index.Changes(ctx, after)
	}
	return func(yield func(Change, error) bool) {
		seen := map[dicom.UID]bool{}
		for c, err := range s.index.Changes(ctx, after) {
			within, known := seen[c.Ref.Study]
			if err == nil && !known && c.Ref.Study != "" {
				within, err = s.has(ctx, dicom.Ref{Study: c.Ref.Study})
				seen[c.Ref.Study] = within
			}
			if err != nil {
				yield(Change{}, err)
				return
			}
			if within && !c.Kind.OfStep() && !yield(c, nil) {
				return
			}
		}
	}
}

// Wait returns when Changes has something to say behind the cursor, be it ErrStale, or when ctx ends.
func (s *Store) Wait(ctx context.Context, after Cursor) error {
	for {
		changed := s.index.Changed() // before the looks, or what comes in between would be missed
		latest, err := s.index.LatestChange(ctx)
		if err != nil {
			return err
		}
		for _, err := range s.Changes(ctx, after) {
			if errors.Is(err, ErrStale) {
				return nil
			}
			return err
		}
		after = latest // what came before is none of his: it is not looked at again
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
