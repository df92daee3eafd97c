package store

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// orderedPage is how many ordered results are read at once.
const orderedPage = 100

// searchOrdered looks at every match, keeps of each its name and what orders it, as many as Offset and Limit want, and then reads
// those that are wanted.
func (s *Store) searchOrdered(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	return func(yield func(*dicom.DataSet, error) bool) {
		refs, err := s.rank(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		for part := range slices.Chunk(refs, orderedPage) {
			found, err := s.named(ctx, q, part)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, ref := range part {
				if ds := found[ref]; ds != nil && !yield(ds, nil) {
					return
				}
			}
		}
	}
}

// rank returns the names of the results from Offset on, up to Limit of them.
func (s *Store) rank(ctx context.Context, q match.Query) ([]dicom.Ref, error) {
	if q.Limit == 0 {
		return nil, nil
	}
	of := q
	of.Order, of.Offset, of.Limit = nil, 0, -1
	of.Include = slices.Clone(q.Include)
	for _, o := range q.Order {
		of.Include = append(of.Include, match.Path{o.Tag})
	}
	best := ranking{query: q}
	for ds, err := range s.Search(ctx, of) {
		if err != nil {
			return nil, err
		}
		heap.Push(&best, ranked{refAt(q.Level, ds), q.SortKey(ds), best.seen})
		best.seen++
		if q.Limit > 0 && best.Len() > q.Offset+q.Limit {
			heap.Pop(&best)
		}
	}
	slices.SortFunc(best.results, best.compare)
	var refs []dicom.Ref
	for i, r := range best.results {
		if i >= q.Offset {
			refs = append(refs, r.ref)
		}
	}
	return refs, nil
}

// named reads results of q by their names.
func (s *Store) named(ctx context.Context, q match.Query, refs []dicom.Ref) (map[dicom.Ref]*dicom.DataSet, error) {
	var uids match.UIDList
	tag := [...]dicom.Tag{dicom.StudyInstanceUID, dicom.SeriesInstanceUID, dicom.SOPInstanceUID}[q.Level]
	for _, ref := range refs {
		uids.UIDs = append(uids.UIDs, [...]dicom.UID{ref.Study, ref.Series, ref.Instance}[q.Level])
	}
	q.Order, q.Offset, q.Limit = nil, 0, -1
	q.Keys = append(slices.Clone(q.Keys), match.Key{Path: match.Path{tag}, Condition: uids})
	found := map[dicom.Ref]*dicom.DataSet{}
	for ds, err := range s.Search(ctx, q) {
		if err != nil {
			return nil, err
		}
		found[refAt(q.Level, ds)] = ds
	}
	return found, nil
}

// ranked is a result before it is read.
type ranked struct {
	ref  dicom.Ref
	key  match.SortKey
	seen int // its place in the order of Index.Search
}

// ranking is a heap whose first element is the last result.
type ranking struct {
	query   match.Query
	results []ranked
	seen    int
}

func (r *ranking) compare(a, b ranked) int {
	return cmp.Or(r.query.Compare(a.key, b.key), cmp.Compare(a.seen, b.seen))
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (r *ranking) Len() int           { return len(r.results) }
func (r *ranking) Less(i, j int) bool { return r.compare(r.results[i], r.results[j]) > 0 }
func (r *ranking) Swap(i, j int)      { r.results[i], r.results[j] = r.results[j], r.results[i] }
func (r *ranking) Push(x any)         { r.results = append(r.results, x.(ranked)) }
func (r *ranking) Pop() any {
	last := r.results[len(r.results)-1]
	r.results = r.results[:len(r.results)-1]
	return last
}
