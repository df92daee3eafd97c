package store

import (
	"context"
	"iter"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// Search yields the matches of q, each as a data set of the query's level, in the order of Index.Search.
func (s *Store) Search(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	return s.index.Search(ctx, q)
}

// Count returns how many matches q has, whatever its Offset and Limit (PS3.18 8.3.4.4.1).
func (s *Store) Count(ctx context.Context, q match.Query) (int, error) { return s.index.Count(ctx, q) }

// Entries yields the entries below r, in the order of Index.Entries.
func (s *Store) Entries(ctx context.Context, r dicom.Ref) iter.Seq2[*Entry, error] {
	return s.index.Entries(ctx, r)
}

// Metadata yields the metadata below r, in the order of Index.Entries.
func (s *Store) Metadata(ctx context.Context, r dicom.Ref) iter.Seq2[Metadata, error] {
	return s.index.Metadata(ctx, r)
}
