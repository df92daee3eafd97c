package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/store/internal/sqlindex"
)

// worklistTables are what no file can give back, in the order in which they refer to each other.
var worklistTables = []string{"workitem", "workitem_key", "workitem_gone", "subscriber", "list_subscription", "workitem_subscription",
	"event_report", "event_queue", "worklist_begun", "commitment", "scheduled_step", "performed_step", "performed_for", "webhook", "dead_letter", "extra_index"}

func carried(table string) bool { return slices.Contains(worklistTables, table) }

// CarryWorklist copies the worklist of an old index, of this version or an earlier one, into a fresh one, which takes its place afterwards: what
// was read and who waits for what is in no file. Both are closed. What the fresh index made of itself for a study gives way to what the old one
// knew; a study that the old one did not know keeps its new workitem. It is one transaction. Of a damaged old index every row comes that can be
// read; lost are the tables of which some could not be.
func CarryWorklist(ctx context.Context, fresh, old string) (lost []string, err error) {
	db := sql.OpenDB(&connector{dsn: dsn(fresh, "_txlock=immediate"), pragmas: writing})
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil { // it is set for each connection, outside of a transaction
		return nil, fmt.Errorf("index: %w", err)
	}
	// What lies in a write-ahead log that is not that of the file hides it: the file alone is tried then.
	for _, how := range []string{"mode=ro", "mode=ro&immutable=1"} {
		var carried bool
		if lost, carried, err = carryFrom(ctx, conn, dsn(old, how)); carried || ctx.Err() != nil {
			return lost, err
		}
	}
	return nil, cmp.Or(err, errNoWorklist)
}

var errNoWorklist = errors.New("index: the file has none")

// carryFrom copies the worklist of a database, and reports whether it has one. It is read by a connection of its own: where one has met a damaged page,
// SQLite takes sound ones of other files for damaged, too.
func carryFrom(ctx context.Context, conn *sql.Conn, dsn string) (lost []string, carried bool, err error) {
	old := sql.OpenDB(&connector{dsn: dsn, pragmas: looking})
	defer old.Close()
	var there int
	if err := old.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'workitem'").Scan(&there); err != nil || there == 0 {
		return nil, false, err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, false, err
	}
	defer tx.Rollback()
	if err := doAll(ctx, tx, "CREATE TEMP TABLE kept AS SELECT * FROM main.workitem",
		"CREATE TEMP TABLE kept_key AS SELECT * FROM main.workitem_key WHERE workitem_id IN (SELECT id FROM kept)"); err != nil {
		return nil, false, err
	}
	for _, name := range worklistTables {
		whole, err := carryTable(ctx, tx, old, name)
		if err != nil {
			return nil, false, fmt.Errorf("index: the worklist: %s: %w", name, err)
		}
		if !whole {
			lost = append(lost, name)
		}
	}
	if err := doAll(ctx, tx, merge()...); err != nil {
		return nil, false, err
	}
	return lost, true, tx.Commit()
}

func doAll(ctx context.Context, tx *sql.Tx, statements ...string) error {
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("index: the worklist: %w", err)
		}
	}
	return nil
}

// merge are the statements that make one worklist of what was carried and what the fresh index had: its workitems of other studies come behind.
func merge() (statements []string) {
	for _, r := range sqlindex.References { // of a damaged old index
		statements = append(statements, "DELETE FROM main."+r.Table+" WHERE "+r.Dangling())
	}
	const most = "(SELECT COALESCE(MAX(id), 0) FROM main.workitem)"
	return append(statements,
		"UPDATE main.extra_index SET done = 0, complete = 0", // its rows are to be made again
		`DELETE FROM kept WHERE study <> '' AND study IN (SELECT study FROM main.workitem) OR uid IN (SELECT uid FROM main.workitem)
			OR uid IN (SELECT uid FROM main.workitem_gone)`,
		"DELETE FROM kept_key WHERE workitem_id NOT IN (SELECT id FROM kept)",
		"INSERT INTO main.workitem_key SELECT path, value, workitem_id + "+most+" FROM kept_key",
		"UPDATE kept SET id = id + "+most, "INSERT INTO main.workitem SELECT * FROM kept",
		"DROP TABLE kept", "DROP TABLE kept_key")
}

// carriedTable is a table that is copied: what of the old index its columns are of, and the order of its rows backwards where they have no numbers.
type carriedTable struct {
	name, from, backwards string
	columns               int
	insert                *sql.Stmt
}

// carryTable copies a table, and reports whether all of it could be read.
func carryTable(ctx context.Context, tx *sql.Tx, old *sql.DB, name string) (whole bool, err error) {
	has := map[string]bool{}
	if err := eachColumn(ctx, old, name, func(column string, _ bool) { has[column] = true }); err != nil || len(has) == 0 {
		return err == nil, err // an index from before there was such a table
	}
	var columns, from, backwards []string
	err = eachColumn(ctx, tx, name, func(column string, orders bool) {
		switch {
		case has[column]:
			columns, from = append(columns, column), append(from, column)
		case name == "extra_index" && column == "path": // before migration 30
			columns, from = append(columns, column), append(from, "printf('%08X', attribute)")
		}
		if orders {
			backwards = append(backwards, column+" DESC")
		}
	})
	if err == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM main."+name) // #nosec G202 -- a name of ours
	}
	if err != nil {
		return false, err
	}
	t := carriedTable{name: name, from: strings.Join(from, ", "), backwards: strings.Join(backwards, ", "), columns: len(columns)}
	t.insert, err = tx.PrepareContext(ctx, fmt.Sprintf("INSERT OR IGNORE INTO main.%s (%s) VALUES (?%s)", name, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))) // #nosec G201 -- names of ours
	if err != nil {
		return false, err
	}
	defer t.insert.Close()
	if t.backwards != "" {
		return t.copyEnds(ctx, old)
	}
	return t.copyNumbered(ctx, old)
}

// eachColumn tells the columns of a table, those of its primary key first; orders: by that its rows are ordered, which have no numbers.
func eachColumn(ctx context.Context, of interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, table string, column func(name string, orders bool)) error {
	rows, err := of.QueryContext(ctx, `SELECT c.name, c.pk > 0 AND l.wr FROM pragma_table_info(?1) AS c JOIN pragma_table_list(?1) AS l ON l.schema = 'main'
		ORDER BY c.pk, c.cid`, table)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var orders bool
		if err := rows.Scan(&name, &orders); err != nil {
			return err
		}
		column(name, orders)
	}
	return rows.Err()
}

// copyEnds copies the rows before the first damaged page, and those behind the last.
func (t carriedTable) copyEnds(ctx context.Context, old *sql.DB) (whole bool, err error) {
	query := "SELECT 0, " + t.from + " FROM " + t.name
	if _, _, err = t.copyRows(ctx, old, query); err == nil || !broken(err) {
		return err == nil, err
	}
	if _, _, err = t.copyRows(ctx, old, query+" ORDER BY "+t.backwards); broken(err) {
		err = nil
	}
	return false, err
}

// patience is how many numbers in a row are tried each for itself where rows cannot be read; a page has fewer rows. Then the steps double.
const patience = 4096

// copyNumbered copies the rows that can be read, those behind a damaged page too: they are found by their numbers. NOT INDEXED: what is damaged may be
// an index.
func (t carriedTable) copyNumbered(ctx context.Context, old *sql.DB) (whole bool, err error) {
	query := "SELECT rowid, " + t.from + " FROM " + t.name + " NOT INDEXED WHERE rowid "
	whole = true
	for next, failed := int64(0), 0; failed < patience+48; {
		last, n, err := t.copyRows(ctx, old, query+">= ? ORDER BY rowid", next)
		if n > 0 && failed > patience { // the last step was a long one: some rows may lie behind where it began
			if _, _, err := t.copyRows(ctx, old, query+"< ? ORDER BY rowid DESC", next); err != nil && !broken(err) {
				return false, err
			}
		}
		if err == nil || !broken(err) {
			return whole, err
		}
		if whole = false; n > 0 {
			next, failed = last, 0
		}
		failed++
		next += 1 << max(0, failed-patience)
	}
	return false, nil
}

// copyRows copies rows until one cannot be read, and returns the number of the last one and how many came. Rows that no index can have are left out.
func (t carriedTable) copyRows(ctx context.Context, old *sql.DB, query string, args ...any) (last int64, n int, err error) {
	rows, err := old.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	values := make([]any, t.columns)
	to := []any{&last}
	for i := range values {
		to = append(to, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return last, n, err
		}
		if _, err := t.insert.ExecContext(ctx, values...); err != nil && !refused(err) {
			return last, n, err
		}
		n++
	}
	return last, n, rows.Err()
}
