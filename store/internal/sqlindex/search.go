package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// How many rows are read at once and then yielded: whole data sets can be large.
const (
	chunkRows  = 128
	chunkWhole = 16
)

// errEnough ends a query that has all it needs.
var errEnough = errors.New("enough")

// Search implements store.Index. First it decides which entities match, in one statement; then it reads them by their ids.
func (x *Index) Search(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	if q.Scope.Resource != "" {
		return x.searchNonPatient(ctx, q)
	}
	return func(yield func(*dicom.DataSet, error) bool) {
		ids, err := x.matches(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		b := &builder{level: q.Searched(), full: wantsWhole(q), begun: true, pack: x.pack}
		b.rest = func(ctx context.Context, id int64) (text []byte, err error) { return x.whole(ctx, storedMetadata, id) }
		chunk := chunkRows
		if b.full {
			chunk = chunkWhole
		}
		query := "SELECT " + b.columns() + tables(b.level, b.full, false) + " AND " + b.level.String() + ".id"
		byID(ctx, x, ids, chunk, query, b.scanRow, func(r resultRow, err error) bool {
			if err == nil {
				var ds *dicom.DataSet
				if ds, err = b.dataSet(ctx, r); err == nil {
					return yield(ds, nil)
				}
			}
			if errors.Is(err, sql.ErrNoRows) { // removed meanwhile
				return true
			}
			yield(nil, err)
			return false
		})
	}
}

// wantsWhole reports whether the results must be whole data sets: what a query matches by or includes is returned.
func wantsWhole(q match.Query) bool {
	paths := q.Include
	for _, k := range q.Keys {
		paths = append(paths[:len(paths):len(paths)], k.Path)
	}
	return wantsAll(q.Searched(), paths...) || q.IncludeAll && q.Level == match.Instance
}

// matches returns the ids of what matches, in order, from Offset on, up to Limit of them.
func (x *Index) matches(ctx context.Context, q match.Query) ([]int64, error) {
	if q.Limit == 0 {
		return nil, ctx.Err()
	}
	f, extras, err := x.filter(ctx, q)
	if err != nil {
		return nil, err
	}
	ids, err := x.matching(ctx, q, f)
	if err == nil && f.extra && !x.unchanged(ctx, extras) {
		return x.matching(ctx, q, filter(q, nil))
	}
	return ids, err
}

// filter turns the query into SQL. It returns the attributes with which it did so, too, if they were used.
func (x *Index) filter(ctx context.Context, q match.Query) (clause, []ExtraKey, error) {
	extras, err := x.ExtraKeys(ctx)
	if err != nil {
		return clause{}, nil, err
	}
	extras = usable(extras)
	return filter(q, extras), extras, nil
}

// unchanged reports whether no index of these has been removed since they were read: another process may do that, and the rows go
// only after that.
func (x *Index) unchanged(ctx context.Context, extras []ExtraKey) bool {
	now, err := x.ExtraKeys(ctx)
	return err == nil && !slices.ContainsFunc(extras, func(e ExtraKey) bool { return !slices.ContainsFunc(now, func(n ExtraKey) bool { return n.id == e.id }) })
}

func (x *Index) matching(ctx context.Context, q match.Query, f clause) ([]int64, error) {
	f, err := x.within(ctx, f, q.Offset, q.Limit)
	if err != nil {
		return nil, err
	}
	if err := x.plan(ctx, &f, q.Limit > 0); err != nil {
		return nil, err
	}
	if f.exact && q.Searched() > q.Level {
		return x.firstParts(ctx, q, f)
	}
	if f.exact {
		query := "SELECT " + q.Level.String() + ".id" + tables(q.Level, false, !f.narrow) + f.and() + order(q.Level)
		if q.Limit > 0 {
			query += " LIMIT ?"
			f.args = append(f.args, q.Limit)
			if q.Offset > 0 {
				query += " OFFSET ?"
				f.args = append(f.args, q.Offset)
			}
		}
		ids, err := x.ids(ctx, query, f.args)
		if q.Limit < 0 {
			ids = ids[min(max(q.Offset, 0), len(ids)):]
		}
		return ids, err
	}
	return x.judge(ctx, q, f)
}

// few is how many studies are looked up one by one and then put in order, rather than met on the way through all of them.
const few = 500

// plan decides how a search by study_key goes. Databases look selected studies up and sort them, which is right for few of them. Of
// many, a search with a limit needs only the first, which the index of the order has: it is walked until there are enough, and each study
// that is met is looked up by itself, so that nobody collects the many.
func (x *Index) plan(ctx context.Context, f *clause, limited bool) error {
	if f.narrow {
		return nil
	}
	for _, s := range f.keyed {
		isFew, err := x.isFewer(ctx, s, few)
		if err != nil {
			return err
		}
		if isFew {
			f.narrow = true
			return nil
		}
	}
	if limited {
		for _, s := range f.keyed {
			f.sql = strings.Replace(f.sql, byKey+s.sql+")", "EXISTS (SELECT 1 FROM ("+s.sql+") AS selected WHERE study_id = study.id)", 1)
		}
	}
	f.sql = strings.ReplaceAll(f.sql, byKey, "+"+byKey) // the sign keeps the database from looking up by it
	return nil
}

// isFewer reports whether a selection has fewer ids than that.
func (x *Index) isFewer(ctx context.Context, s selection, most int) (bool, error) {
	var n int
	err := x.each(ctx, "SELECT COUNT(*) FROM ("+s.sql+" LIMIT ?)", append(slices.Clone(s.args), most), func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n < most, err
}

// Count implements store.Index.
func (x *Index) Count(ctx context.Context, q match.Query) (int, error) {
	if q.Scope.Resource != "" {
		q.Offset, q.Limit, q.IncludeAll, q.Include = 0, -1, false, nil
		n := 0
		for _, err := range x.searchNonPatient(ctx, q) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	}
	f, _, err := x.filter(ctx, q)
	if err != nil {
		return 0, err
	}
	if !f.exact {
		q.Offset, q.Limit = 0, -1
		ids, err := x.matches(ctx, q)
		return len(ids), err
	}
	if f, err = x.within(ctx, f, 0, counted); err != nil {
		return 0, err
	}
	var n int
	if f.whole && q.Searched() == match.Study {
		query := "SELECT COUNT(DISTINCT study_id) FROM (" + f.keyed[0].sql + ")"
		if f.once {
			query = "SELECT COUNT(*) FROM (" + f.keyed[0].sql + ")"
		}
		err := x.each(ctx, query, f.args, func(rows *sql.Rows) error { return rows.Scan(&n) })
		return n, err
	}
	what := "*"
	if q.Searched() > q.Level {
		what = "DISTINCT " + q.Level.String() + ".id"
	}
	err = x.each(ctx, "SELECT COUNT("+what+")"+tables(q.Searched(), false, false)+f.and(), f.args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// judge lets the oracle look at every candidate.
func (x *Index) judge(ctx context.Context, q match.Query, f clause) ([]int64, error) {
	var paths []match.Path
	for _, k := range q.Keys {
		paths = append(paths, k.Path)
	}
	b := &builder{level: q.Searched(), full: wantsAll(q.Searched(), paths...), pack: x.pack}
	query := "SELECT " + b.columns() + tables(b.level, b.full, !f.narrow) + f.and() + order(b.level)
	found := pageOf(q)
	return found.read(ctx, x, query, f.args, func(rows *sql.Rows) error {
		id, row, err := b.scanRow(rows)
		if err != nil {
			return err
		}
		entity := [...]int64{match.Study: b.studyID, match.Series: b.seriesID, match.Instance: id}[q.Level]
		if found.has(entity) {
			return nil
		}
		ds, err := b.dataSet(ctx, row)
		if err != nil || !q.Match(ds) {
			return err
		}
		return found.add(entity, id)
	})
}

// firstParts finds the first part of each entity that has one.
func (x *Index) firstParts(ctx context.Context, q match.Query, f clause) ([]int64, error) {
	query := "SELECT " + q.Level.String() + ".id, " + q.Searched().String() + ".id" + tables(q.Searched(), false, !f.narrow) + f.and() + order(q.Searched())
	found := pageOf(q)
	return found.read(ctx, x, query, f.args, func(rows *sql.Rows) error {
		var entity, id int64
		if err := rows.Scan(&entity, &id); err != nil {
			return err
		}
		if found.has(entity) {
			return nil
		}
		return found.add(entity, id)
	})
}

// page collects what matches while rows stream by, from Offset on, up to Limit. Rows of one entity follow each other.
type page struct {
	skip, limit int
	ids         []int64
	last        int64 // the entity that was found last; they begin at 1
}

func pageOf(q match.Query) *page { return &page{skip: q.Offset, limit: q.Limit} }

// has reports whether the entity has been found, by another part.
func (p *page) has(entity int64) bool { return p.last == entity }

func (p *page) add(entity, id int64) error {
	p.last = entity
	if p.skip > 0 {
		p.skip--
		return nil
	}
	if p.ids = append(p.ids, id); len(p.ids) == p.limit {
		return errEnough
	}
	return nil
}

func (p *page) read(ctx context.Context, x *Index, query string, args []any, row func(*sql.Rows) error) ([]int64, error) {
	err := x.each(ctx, query, args, row)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return p.ids, err
}

func (x *Index) ids(ctx context.Context, query string, args []any) ([]int64, error) {
	var ids []int64
	err := x.each(ctx, query, args, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	})
	return ids, err
}
