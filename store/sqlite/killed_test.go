//go:build unix

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// mortal opens connections of a process that dies before its nth statement, or before or after a commit, all of them counted.
type mortal struct {
	connector
	left int
}

type mortalConn struct {
	*sqlite3.SQLiteConn
	of *mortal
}

func (m *mortal) step() {
	if m.left == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // it is the end
		select {}
	}
	m.left--
}

func (m *mortal) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := m.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &mortalConn{conn.(*sqlite3.SQLiteConn), m}, nil
}

func (c *mortalConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.of.step()
	return c.SQLiteConn.ExecContext(ctx, query, args)
}

func (c *mortalConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.SQLiteConn.BeginTx(ctx, o)
	return mortalTx{tx, c.of}, err
}

type mortalTx struct {
	driver.Tx
	of *mortal
}

func (t mortalTx) Commit() error {
	t.of.step()
	defer t.of.step()
	return t.Tx.Commit()
}

// identity is the random name that a migration gives to a file.
var identity = regexp.MustCompile(`"[0-9a-f]{16}"`)

// contents is a file as text: its schema, every row, and the version, without the times at which it was migrated.
func contents(t *testing.T, path string) string {
	t.Helper()
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: reading})
	defer db.Close()
	lines := func(query string) (all []string) {
		rows, err := db.Query(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			all = append(all, identity.ReplaceAllString(fmt.Sprintf("%q", values), "(random)"))
		}
		slices.Sort(all)
		return all
	}
	all := lines("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
	tables, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		query := "SELECT * FROM " + name
		if name == "schema_version" {
			query = "SELECT version_id, is_applied FROM schema_version"
		}
		all = append(append(all, "-- "+name), lines(query)...)
	}
	return strings.Join(all, "\n")
}

// rows are put into a file when it has the schema of a version, so that later migrations have something to change.
var rows = map[int64]string{1: `
INSERT INTO study (id, uid, study_date, attributes) VALUES (1, '1.2.1', '20200101', CAST('{"00100010":{"vr":"PN","Value":[{"Alphabetic":"DOE^JANE"}]}}' AS BLOB));
INSERT INTO study_key VALUES (1048592, 'doe^jane', 1), (1048608, 'id', 1);
INSERT INTO series (id, study_id, uid) VALUES (1, 1, '1.3.1'), (2, 1, '1.3.2');
INSERT INTO instance VALUES (1, 1, '1.4.1', 1, '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', x'01', 10, 1, x'', x'7B7D'),
	(2, 2, '1.4.2', 1, '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', x'02', 20, 2, x'', x'7B7D');
INSERT INTO instance_metadata VALUES (1, x''), (2, x'');`}

// TestMigrationThatIsKilled kills a process at each statement of each migration, of a file that has rows: what it leaves is what was before, or
// what the migration makes, and the next start brings it to the newest schema.
func TestMigrationThatIsKilled(t *testing.T) {
	if path := os.Getenv("NOCTIS_TEST_MIGRATE"); path != "" {
		migrateAndDie(t, path)
		return
	}
	if testing.Short() {
		t.Skip("kills a hundred processes")
	}
	folder := t.TempDir()
	at := func(version int64) string { return filepath.Join(folder, fmt.Sprint(version, ".db")) }
	versions := allVersions(t, folder)
	if err := os.WriteFile(at(0), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	whole, made := map[int64]string{0: ""}, map[int64]string{} // with the rows that are put into it, and before
	last := int64(0)
	for _, v := range versions {
		copyFile(t, at(last), at(v))
		migrateTo(t, at(v), v)
		made[v] = contents(t, at(v))
		insertRows(t, at(v), v)
		whole[v] = contents(t, at(v))
		last = v
	}
	newest := versions[len(versions)-1]
	kills := 0
	for i, v := range versions {
		before := int64(0)
		if i > 0 {
			before = versions[i-1]
		}
		for n := 0; ; n++ {
			path := filepath.Join(folder, "killed.db")
			copyFile(t, at(before), path)
			child := exec.Command(os.Args[0], "-test.run=^TestMigrationThatIsKilled$")
			child.Env = append(os.Environ(), "NOCTIS_TEST_MIGRATE="+path, fmt.Sprint("NOCTIS_TEST_VERSION=", v), fmt.Sprint("NOCTIS_TEST_STEPS=", n))
			out, err := child.CombinedOutput()
			if err == nil {
				break // it came to its end before
			}
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("migration %d: %v: %s", v, err, out)
			}
			kills++
			left := contents(t, path)
			if before == 0 && !strings.Contains(left, "-- instance") {
				left = "" // nothing but the table of versions
			}
			if left != whole[before] && left != made[v] {
				t.Errorf("migration %d killed at step %d leaves neither the old nor the new", v, n)
			}
			migrateTo(t, path, newest)
			if i > 0 && contents(t, path) != whole[newest] {
				t.Errorf("migration %d killed at step %d: the next start does not make of it what it should be", v, n)
			}
			if err := Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kills < 3*len(versions) {
		t.Errorf("only %d kills", kills)
	}
	t.Logf("%d kills in %d migrations", kills, len(versions))
}

// migrateAndDie is the process that is killed.
func migrateAndDie(t *testing.T, path string) {
	var steps int
	var version int64
	fmt.Sscan(os.Getenv("NOCTIS_TEST_STEPS"), &steps)     //nolint:errcheck // of the process that began this one
	fmt.Sscan(os.Getenv("NOCTIS_TEST_VERSION"), &version) //nolint:errcheck // the same
	db := sql.OpenDB(&mortal{connector{dsn: dsn(path, "_txlock=immediate"), pragmas: writing}, steps})
	defer db.Close()
	provider, err := newProvider(db)
	if err == nil {
		_, err = provider.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func migrateTo(t *testing.T, path string, version int64) {
	t.Helper()
	db := sql.OpenDB(&connector{dsn: dsn(path, "_txlock=immediate"), pragmas: writing})
	defer db.Close()
	provider, err := newProvider(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

func insertRows(t *testing.T, path string, version int64) {
	t.Helper()
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	defer db.Close()
	if _, err := db.Exec(rows[version]); err != nil {
		t.Fatal(err)
	}
}

func allVersions(t *testing.T, folder string) (all []int64) {
	t.Helper()
	db := sql.OpenDB(&connector{dsn: dsn(filepath.Join(folder, "empty.db"), ""), pragmas: writing})
	defer db.Close()
	provider, err := newProvider(db)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range provider.ListSources() {
		all = append(all, s.Version)
	}
	return all
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := Remove(to); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
