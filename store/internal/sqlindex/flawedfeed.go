package sqlindex

import (
	"context"
	"database/sql"

	"github.com/noctis-dicom/noctis/store"
)

// holes is the last number that the change feed should have and has not, or whose row is damaged; what has been trimmed, if there is none.
const holes = `SELECT max(trimmed, COALESCE((SELECT MAX(number) FROM change WHERE kind NOT BETWEEN 0 AND ?), 0), COALESCE((SELECT MAX(number) - 1 FROM
	(SELECT number, number - LAG(number, 1, 0) OVER (ORDER BY number) AS step FROM change) WHERE step > 1 AND number > trimmed + 1), 0),
	CASE WHEN change > COALESCE((SELECT MAX(number) FROM change), 0) THEN change ELSE 0 END) FROM state`

// lastKind is the highest number of a kind of change.
func lastKind() int { return len(store.ChangeKinds()) - 1 }

// FeedBroken reports whether the change feed lacks something between its ends, has what is none, or does not know where it is: who follows it would
// miss something and not be told.
func (x *Index) FeedBroken(ctx context.Context) (broken bool, err error) {
	var trimmed, last int64
	err = x.reader.QueryRowContext(ctx, x.rebind(`SELECT trimmed, epoch = '' OR trimmed > change OR settled > change OR settled < 0 OR
		EXISTS (SELECT 1 FROM change WHERE number <= trimmed), (`+holes+`) FROM state`), lastKind()).
		Scan(&trimmed, &broken, &last)
	if err == sql.ErrNoRows { // Check tells of that
		return false, nil
	}
	return broken || err == nil && last > trimmed, x.readError(ctx, err)
}

// feedPage is how many changes are kept aside by one transaction.
const feedPage = 5000

// MendFeed has the feed begin anew behind the last hole, under another name, so that nobody goes on as if nothing was missing. What came before the
// hole is given to aside.
func (x *Index) MendFeed(ctx context.Context, aside func(table string, rows []map[string]any) error) error {
	for left := 1; left > 0; {
		err := x.write(ctx, 1, func(s *session) (err error) {
			var last int64
			if err := s.row(holes, lastKind()).Scan(&last); err != nil {
				return err
			}
			const page = `number IN (SELECT number FROM change WHERE number <= ? ORDER BY number LIMIT ?)`
			rows, err := s.whole("change", page, []any{last, feedPage})
			if left = len(rows); err != nil {
				return err
			}
			if left > 0 {
				if err := aside("change", rows); err != nil {
					return err
				}
				return s.do(`DELETE FROM change WHERE `+page, last, feedPage)
			}
			s.state.trimmed, s.state.settled = min(last, s.state.change), max(0, min(s.state.settled, s.state.change))
			return s.do(`UPDATE state SET epoch = lower(hex(randomblob(8)))`)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
