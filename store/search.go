package store

import (
	"context"
	"iter"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Search yields the matches of q, each as a data set of the query's level: in q.Order, and where that leaves it open in the order
// of Index.Search. Where keys are of attributes below the level, or private, studies and series are found by their parts
// (match.Query.Searched).
func (s *Store) Search(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	q.Parts = q.Decisive()
	switch {
	case len(q.Order) > 0:
		return s.searchOrdered(ctx, q)
	case q.Searched() > q.Level:
		return s.searchByParts(ctx, q)
	}
	return s.searchIndex(ctx, q)
}

// Count returns how many matches q has behind q.After, whatever its Offset and Limit (PS3.18 8.3.4.4.1).
func (s *Store) Count(ctx context.Context, q match.Query) (int, error) {
	q.Parts = q.Decisive()
	ctx, done := s.admitting(ctx, searchedCost)
	defer done()
	return s.index.Count(ctx, q)
}

// Entries yields the entries below r, in the order of Index.Search.
func (s *Store) Entries(ctx context.Context, r dicom.Ref) iter.Seq2[*Entry, error] {
	return s.index.Entries(ctx, r)
}

// PositionOf returns the place of a result of the level in the order of Index.Search.
func PositionOf(l match.Level, ds *dicom.DataSet) match.Position {
	p := match.Position{Ref: refAt(l, ds)}
	p.Date, p.Time = SortTime(ds)
	if l >= match.Series {
		p.SeriesNumber = SortNumber(ds, dicom.SeriesNumber)
	}
	if l >= match.Instance {
		p.InstanceNumber = SortNumber(ds, dicom.InstanceNumber)
	}
	return p
}

// refAt names the entity of the level that the data set is of, or of which it is a part.
func refAt(l match.Level, ds *dicom.DataSet) dicom.Ref {
	ref := ds.Ref()
	if l < match.Instance {
		ref.Instance = ""
	}
	if l < match.Series {
		ref.Series = ""
	}
	return ref
}
