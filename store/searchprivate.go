package store

import (
	"context"
	"iter"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// asksInstances reports whether only the instances of a study or series can answer: nobody says of a private attribute where
// it belongs, so studies and series do not gather them.
func asksInstances(q match.Query) bool {
	return q.Level < match.Instance && slices.ContainsFunc(q.Keys, func(k match.Key) bool {
		return len(k.Path) > 0 && k.Path[0].IsPrivate()
	})
}

// searchByInstances yields the studies or series that have an instance which satisfies all keys; its private attributes are
// theirs. Every candidate instance is looked at.
func (s *Store) searchByInstances(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		skip, left := q.Offset, q.Limit
		if left == 0 {
			return
		}
		for instance, err := range s.distinct(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			if skip > 0 {
				skip--
				continue
			}
			entity, err := s.entity(ctx, q.Level, refAt(q.Level, instance))
			if err != nil {
				yield(nil, err)
				return
			}
			if entity == nil { // deleted meanwhile
				continue
			}
			for e := range instance.All() {
				if e.Tag.IsPrivate() {
					entity.Set(e)
				}
			}
			if left--; !yield(entity, nil) || left == 0 {
				return
			}
		}
	}
}

// distinct yields the first instance that satisfies all keys of each study or series that has one. Instances come in the order of
// their studies and series, so those of one follow each other.
func (s *Store) distinct(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	of := q
	of.Level, of.Offset, of.Limit, of.Order, of.After = match.Instance, 0, -1, nil, nil
	return func(yield func(*dicom.DataSet, error) bool) {
		last := dicom.Ref{}
		for ds, err := range s.searchIndex(ctx, of) {
			if err != nil {
				yield(nil, err)
				return
			}
			ref := refAt(q.Level, ds)
			if ref == last || q.After != nil && PositionOf(q.Level, ds).Compare(*q.After) <= 0 {
				continue
			}
			if last = ref; !yield(ds, nil) {
				return
			}
		}
	}
}

// entity returns the study or series, nil if it is not there.
func (s *Store) entity(ctx context.Context, l match.Level, ref dicom.Ref) (*dicom.DataSet, error) {
	for ds, err := range s.searchIndex(ctx, match.Query{Level: l, Scope: ref, Limit: 1}) {
		return ds, err
	}
	return nil, nil
}
