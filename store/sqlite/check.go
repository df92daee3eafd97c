package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
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
	want, err := newSchema()
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

// newSchema is the schema of a new index.
var newSchema = sync.OnceValues(func() (map[string]string, error) {
	fresh := sql.OpenDB(&connector{dsn: "file::memory:", pragmas: []string{"PRAGMA temp_store = MEMORY"}})
	defer fresh.Close()
	fresh.SetMaxOpenConns(1)
	if err := migrate(context.Background(), fresh); err != nil {
		return nil, err
	}
	return schemaOf(context.Background(), fresh)
})

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
