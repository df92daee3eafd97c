package sqlindex

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// worklistTables are what Adopt copies, those that others refer to first.
var worklistTables = []string{"workitem", "workitem_key", "workitem_gone", "subscriber", "list_subscription", "workitem_subscription",
	"event_report", "event_queue", "commitment", "scheduled_step", "performed_step",
	"performed_for", "webhook", "dead_letter"}

// lost are workitems of studies that are neither stored nor in the recycle bin.
const lost = ` FROM workitem WHERE resting = 1 AND NOT EXISTS (SELECT 1 FROM removed WHERE removed.study = workitem.study AND purged = 0)`

// Adopt makes the worklist that of another index of the same instances, which is older: who has read what is not in the files. What was
// here before goes. The workitem of a study that is in the recycle bin rests; a study that had none gets one.
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
		for _, statement := range []string{
			`UPDATE workitem SET resting = study <> '' AND NOT EXISTS (SELECT 1 FROM study WHERE study.uid = workitem.study)`,
			`INSERT INTO workitem_gone (uid) SELECT uid` + lost,
			`DELETE` + lost,
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
	rows, err := from.QueryContext(s.ctx, `SELECT * FROM `+table) // #nosec G202 -- the names of tables are ours
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
