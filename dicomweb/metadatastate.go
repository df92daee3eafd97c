package dicomweb

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// state is what the metadata of a study, series or instance is made of. That of a series grows with each instance that is stored behind
// its last one, and its body with it, before the instance is acknowledged: who asks in the next moment waits for nothing
// (docs/adr/0030-metadata-that-grows.md).
type state struct {
	generation uint64 // of the study
	digest     string // of its instances
	modified   time.Time
	last       match.Position // of a series: of its last instance, as far as it says where that stands in the series
}

// with is the state with one more instance behind the last.
func (st state) with(e *store.Entry) state {
	st.digest = digestWith(st.digest, e.Blob)
	if e.Stored.After(st.modified) {
		st.modified = e.Stored
	}
	return st
}

// digestWith is the digest of instances with one more behind them.
func digestWith(digest string, blob store.BlobID) string { return entityTag(digest, string(blob[:])) }

// stateKey names what lies below a reference for whoever asks.
func stateKey(ctx context.Context, ref dicom.Ref) string {
	return string(ref.Study) + " " + string(ref.Series) + " " + string(ref.Instance) + " " + ref.Resource + " " + match.LimitsOf(ctx).Text()
}

// stateOf returns the state below ref, from memory as long as nothing was stored: 404 if there is nothing.
func (s *Server) stateOf(ctx context.Context, ref dicom.Ref) (state, error) {
	st, key := state{generation: s.metadataGeneration(ref)}, stateKey(ctx, ref) // before the look, or it might be newer than what is found
	if known, found := s.metadata.states.get(key); found && known.generation == st.generation {
		return known, nil
	}
	entries, err := s.entries(ctx, ref)
	if err != nil {
		return state{}, err
	}
	for _, e := range entries {
		st = st.with(e)
	}
	if ref.Series != "" && ref.Instance == "" {
		ds, err := s.dataSet(ctx, entries[len(entries)-1])
		if err != nil {
			return state{}, err
		}
		st.last = positionInSeries(ds)
	}
	s.keepState(key, st)
	return st, nil
}

// metadataGeneration is that of the store which a state depends on.
func (s *Server) metadataGeneration(ref dicom.Ref) uint64 {
	if ref.Study == "" {
		return s.store.Generation()
	}
	return s.store.StudyGeneration(ref.Study)
}

// keepState keeps a state, unless a newer one is kept.
func (s *Server) keepState(key string, st state) {
	if known, found := s.metadata.states.get(key); !found || known.generation < st.generation {
		s.metadata.states.put(key, st, int64(len(st.digest))+200)
	}
}

// positionInSeries is the part of an instance's position that tells it from the others of its series.
func positionInSeries(ds *dicom.DataSet) match.Position {
	p := store.PositionOf(match.Instance, ds)
	return match.Position{InstanceNumber: p.InstanceNumber, Ref: dicom.Ref{Instance: p.Ref.Instance}}
}

// grow has the metadata of series grow by what was stored. The store calls it before it acknowledges that, one call after the other.
func (s *Server) grow(ctx context.Context, g store.Growth) {
	series := map[dicom.Ref][]*store.Entry{}
	for _, e := range g.Added {
		if e.Ref.Resource != "" || e.DataSet == nil || len(e.Metadata) > largestGrowth {
			return
		}
		ref := dicom.Ref{Study: e.Ref.Study, Series: e.Ref.Series}
		series[ref] = append(series[ref], e)
	}
	for ref, added := range series {
		s.growSeries(ctx, g, ref, added)
	}
}

// largestGrowth is the longest body and the longest metadata of an instance that grow on the way in: what is longer is made when the
// series has come to rest.
const largestGrowth = 1 << 20

// growSeries has one series grow. What cannot be is made as a whole by whoever asks, or when the series has come to rest.
func (s *Server) growSeries(ctx context.Context, g store.Growth, ref dicom.Ref, added []*store.Entry) {
	key := stateKey(context.Background(), ref) // of those who see everything
	old, found := s.metadata.states.get(key)
	switch {
	case found && old.generation == g.After-1:
	case !found && g.Before == g.After-1 && s.isNewSeries(ctx, ref, len(added)):
		old = state{}
	case !found:
		s.keepState(key, state{}) // which is never current, and tells that the series is not new
		return
	default:
		return
	}
	slices.SortFunc(added, func(a, b *store.Entry) int { return positionInSeries(a.DataSet).Compare(positionInSeries(b.DataSet)) })
	grown := old
	for i, e := range added {
		at := positionInSeries(e.DataSet)
		if (i > 0 || old.digest != "") && at.Compare(grown.last) <= 0 {
			return
		}
		grown = grown.with(e)
		grown.last = at
	}
	grown.generation = g.After
	s.growBody(ctx, ref, old, grown, added)
	s.keepState(key, grown)
}

// isNewSeries reports whether a series has no more instances than those.
func (s *Server) isNewSeries(ctx context.Context, ref dicom.Ref, instances int) bool {
	n, err := s.store.Count(match.Within(context.WithoutCancel(ctx), match.Limits{}), match.Query{Level: match.Instance, Scope: ref})
	return err == nil && n == instances
}

// growBody has the body in gzip grow that the client who stored will be sent.
func (s *Server) growBody(ctx context.Context, ref dicom.Ref, old, grown state, added []*store.Entry) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok || s.options.MetadataCache < 0 {
		return
	}
	out := metadataWriter{ref: ref, base: x.root + BasePath}
	var all iter.Seq2[store.Metadata, error] = func(yield func(store.Metadata, error) bool) {
		for _, e := range added {
			if !yield(store.Metadata{Ref: e.Ref, Blob: e.Blob, JSON: e.Metadata}, nil) {
				return
			}
		}
	}
	var list bytes.Buffer
	if out.json(&list, all) != nil {
		return
	}
	s.metadata.grow(out.key(metadataOffers[0], old), out.key(metadataOffers[0], grown), old.digest == "", list.Bytes())
}
