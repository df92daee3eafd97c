package sqlindex

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// worklistTables are what Adopt copies, those that others refer to first.
var worklistTables = []string{"workitem", "workitem_key", "workitem_gone", "subscriber", "list_subscription", "workitem_subscription",
	"event_report", "event_queue"}

// Adopt makes the worklist that of another index of the same instances, which is older: who has read what is not in the files. What was
// here before goes. A workitem of a study that is not stored rests if it is COMPLETED, and is gone if not; a study that had none gets
// one.
func (w *Worklist) Adopt(ctx context.Context, from *Worklist) error {
	if err := from.flush(ctx); err != nil {
		return err
	}
	err := w.update(ctx, func(s *session) error {
		for i := range worklistTables {
			if err := s.do(`DELETE FROM ` + worklistTables[len(worklistTables)-1-i]); err != nil {
				return err
			}
		}
		for _, table := range worklistTables {
			if err := s.copyTable(from.x.reader, table); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		const stray = ` WHERE study <> '' AND NOT EXISTS (SELECT 1 FROM study WHERE study.uid = workitem.study)`
		for _, statement := range []string{
			`UPDATE workitem SET resting = 0 WHERE resting = 1`,
			`UPDATE workitem SET resting = 1` + stray + ` AND state = 'COMPLETED'`,
			`INSERT INTO workitem_gone (uid) SELECT uid FROM workitem` + stray + ` AND resting = 0`,
			`DELETE FROM workitem` + stray + ` AND resting = 0`,
		} {
			if err := s.do(statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = w.Mend(ctx)
	return err
}

// copyTable copies the rows of a table, whose columns are the same here.
func (s *session) copyTable(from *sql.DB, table string) error {
	rows, err := from.QueryContext(s.ctx, `SELECT * FROM `+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	insert, err := s.tx.PrepareContext(s.ctx, s.index.rebind(
		`INSERT INTO `+table+` (`+strings.Join(columns, ", ")+`) VALUES (`+placeholders(len(columns))+`)`))
	if err != nil {
		return err
	}
	defer insert.Close()
	values := make([]any, len(columns))
	to := make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		if _, err := insert.ExecContext(s.ctx, values...); err != nil {
			return err
		}
	}
	return rows.Err()
}
