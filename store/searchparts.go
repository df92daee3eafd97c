package store

import (
	"context"
	"iter"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// searchByParts yields the studies or series that have a part which satisfies all keys: a series or, where an attribute of instances or a
// private one is asked for, an instance. Its private attributes, where they are asked for, are theirs.
func (s *Store) searchByParts(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	private := slices.ContainsFunc(q.Keys, func(k match.Key) bool { return len(k.Path) > 0 && k.Path[0].IsPrivate() })
	return func(yield func(*dicom.DataSet, error) bool) {
		for part, err := range s.searchIndex(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			entity, err := s.entity(ctx, q.Level, refAt(q.Level, part))
			if err != nil {
				yield(nil, err)
				return
			}
			if entity == nil { // deleted meanwhile
				continue
			}
			for e := range part.All() {
				if private && e.Tag.IsPrivate() {
					entity.Set(e)
				}
			}
			if !yield(entity, nil) {
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
