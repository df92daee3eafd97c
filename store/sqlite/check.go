package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/noctis-dicom/noctis/store/internal/sqlindex"
)

// Check lets SQLite examine the file of an index that nobody writes to: its pages, its indices, its references; and compares its tables, indices and
// triggers with those of a new one. It returns what it found, nothing if all is well. The file is not changed.
func Check(ctx context.Context, path string) ([]string, error) {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil, errors.Join(err, errEmpty(err))
	}
	db := sql.OpenDB(&connector{dsn: dsn(path, "mode=ro"), pragmas: looking})
	defer db.Close()
	var found []string
	for _, query := range []string{
		"SELECT integrity_check, '', 1 FROM pragma_integrity_check LIMIT 20",
		`SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2`,
	} {
		rows, err := db.QueryContext(ctx, query)
		if err != nil {
			return append(found, err.Error()), ctx.Err()
		}
		for rows.Next() {
			var what, parent string
			var n int
			if err := rows.Scan(&what, &parent, &n); err != nil {
				found = append(found, err.Error())
				break
			}
			switch {
			case parent != "" && carried(what): // Worklist.Flaws tells of it, and mends it
			case parent != "":
				found = append(found, fmt.Sprintf("%d rows of %s refer to rows of %s that are not there", n, what, parent))
			case what != "ok":
				found = append(found, strings.ReplaceAll(what, "\n", " "))
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			found = append(found, err.Error())
		}
	}
	if len(found) == 0 && checkSchema(ctx, db) == nil {
		different, err := compareSchema(ctx, db)
		if found = different; err != nil {
			found = append(found, err.Error())
		}
	}
	return found, ctx.Err()
}

// compareSchema says what of a new index is not in the database, or is otherwise, and what is in it and in no new one.
func compareSchema(ctx context.Context, db *sql.DB) (different []string, err error) {
	fresh := sql.OpenDB(&connector{dsn: "file::memory:", pragmas: []string{"PRAGMA temp_store = MEMORY"}})
	defer fresh.Close()
	fresh.SetMaxOpenConns(1)
	if err := migrate(ctx, fresh); err != nil {
		return nil, err
	}
	want, err := schemaOf(ctx, fresh)
	if err != nil {
		return nil, err
	}
	got, err := schemaOf(ctx, db)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if text, there := got[name]; !there {
			different = append(different, name+" is missing")
		} else if text != want[name] {
			different = append(different, name+" is another one")
		}
		delete(got, name)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		different = append(different, name+" is none of an index")
	}
	return different, nil
}

// schemaOf are the statements that make what is in a database, by kind and name.
func schemaOf(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, "SELECT type || ' ' || name, COALESCE(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		all[name] = text
	}
	return all, rows.Err()
}

func errEmpty(err error) error {
	if err != nil {
		return nil
	}
	return errors.New("the index is an empty file")
}

// worklistTables are what no file can give back, in the order in which they refer to each other. laterTables an old index may not have.
var worklistTables = []string{"workitem", "workitem_key", "workitem_gone", "subscriber", "list_subscription", "workitem_subscription",
	"event_report", "event_queue", "worklist_begun"}

var laterTables = []string{"commitment", "scheduled_step", "performed_step", "performed_for", "webhook", "dead_letter", "extra_index"}

func carried(table string) bool {
	return slices.Contains(worklistTables, table) || slices.Contains(laterTables, table)
}

// CarryWorklist copies the worklist of an old index into a fresh one, which takes its place afterwards: what was read and who waits
// for what is in no file. Both are closed. What the fresh index made of itself for a study gives way to what the old one knew; a
// study that the old one did not know keeps its new workitem. It is one transaction.
func CarryWorklist(ctx context.Context, fresh, old string) (err error) {
	db := sql.OpenDB(&connector{dsn: dsn(fresh, "_txlock=immediate"), pragmas: writing})
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil { // it is set for each connection, outside of a transaction
		return fmt.Errorf("index: %w", err)
	}
	// What lies in a write-ahead log that is not that of the file hides it: the file alone is tried then.
	for _, how := range []string{"mode=ro", "mode=ro&immutable=1"} {
		var carried bool
		if carried, err = carryFrom(ctx, conn, dsn(old, how)); carried || ctx.Err() != nil {
			return err
		}
	}
	return cmp.Or(err, errNoWorklist)
}

var errNoWorklist = errors.New("index: the file has none")

// carryFrom copies the worklist of a database, and reports whether it has one.
func carryFrom(ctx context.Context, conn *sql.Conn, old string) (carried bool, err error) {
	if _, err := conn.ExecContext(ctx, "ATTACH ? AS old", old); err != nil {
		return false, fmt.Errorf("index: %w", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "DETACH old") //nolint:errcheck // the connection is closed soon
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	var there int
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM old.sqlite_schema WHERE name = 'workitem'").Scan(&there); err != nil || there == 0 {
		return false, err
	}
	tables := slices.Clone(worklistTables)
	for _, t := range laterTables {
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM old.sqlite_schema WHERE name = ?", t).Scan(&there); err != nil {
			return false, fmt.Errorf("index: %w", err)
		}
		if there > 0 {
			tables = append(tables, t)
		}
	}
	columns := map[string]string{}
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM pragma_table_info('extra_index', 'old') WHERE name = 'attribute'").Scan(&there); err != nil {
		return false, fmt.Errorf("index: %w", err)
	} else if there > 0 { // before migration 30
		columns["extra_index"] = "id, printf('%08X', attribute), '', level, done, complete"
	}
	for _, statement := range carry(tables, columns) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return false, fmt.Errorf("index: the worklist: %w", err)
		}
	}
	return true, tx.Commit()
}

// carry are the statements of CarryWorklist that copy the tables, these columns of them where an old index has others. The fresh workitems of studies that the old index has none for are moved behind its ids.
func carry(tables []string, columns map[string]string) []string {
	const most = "(SELECT COALESCE(MAX(id), 0) FROM old.workitem)"
	statements := []string{
		"DELETE FROM main.workitem WHERE study IN (SELECT study FROM old.workitem) OR uid IN (SELECT uid FROM old.workitem)",
		"CREATE TEMP TABLE kept AS SELECT * FROM main.workitem",
		"CREATE TEMP TABLE kept_key AS SELECT * FROM main.workitem_key WHERE workitem_id IN (SELECT id FROM kept)",
		"DELETE FROM main.workitem",
	}
	for _, table := range tables {
		// Row by row, for which WHERE sees: SQLite would copy the pages of the indices, too, which may be what is damaged.
		statements = append(statements, fmt.Sprintf("DELETE FROM main.%[1]s", table),
			fmt.Sprintf("INSERT OR IGNORE INTO main.%[1]s SELECT %[2]s FROM old.%[1]s NOT INDEXED WHERE true", table, cmp.Or(columns[table], "*")))
	}
	for _, r := range sqlindex.References { // of a damaged old index
		statements = append(statements, "DELETE FROM main."+r.Table+" WHERE "+r.Dangling())
	}
	if slices.Contains(tables, "extra_index") {
		statements = append(statements, "UPDATE main.extra_index SET done = 0, complete = 0") // its rows are to be made again
	}
	return append(statements,
		"UPDATE kept SET id = id + "+most, "INSERT INTO main.workitem SELECT * FROM kept",
		"INSERT INTO main.workitem_key SELECT path, value, workitem_id + "+most+" FROM kept_key",
		"DROP TABLE kept", "DROP TABLE kept_key")
}
