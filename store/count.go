package store

import (
	"context"

	"github.com/noctis-dicom/noctis/dicom/match"
)

// Counter is an Index that can count matches without reading them.
type Counter interface {
	// Count returns how many matches q has. Offset, Limit and what is to be returned do not matter.
	Count(ctx context.Context, q match.Query) (int, error)
}

// Count returns how many matches q has, whatever its Offset and Limit (PS3.18 8.3.4.4.1: the matches that paging counts from).
func (s *Store) Count(ctx context.Context, q match.Query) (int, error) {
	if c, ok := s.index.(Counter); ok {
		return c.Count(ctx, q)
	}
	q.Offset, q.Limit, q.Include, q.IncludeAll = 0, -1, nil, false
	n := 0
	for _, err := range s.index.Search(ctx, q) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
