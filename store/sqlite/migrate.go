package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Errors of a file whose schema this program cannot work with.
var (
	ErrNewer   = errors.New("use the newer version of Noctis that made it")
	ErrOlder   = errors.New("the server of this version brings it up to date when it starts")
	ErrForeign = errors.New("the file is no index, but a database of something else")
)

// migrate applies the migrations that the database has not seen, each in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	if err := checkSchema(ctx, db); err != nil && !errors.Is(err, ErrOlder) {
		return err
	}
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// checkSchema compares the schema of a database with that of this program: nil, ErrNewer, ErrOlder or ErrForeign, wrapped. It changes nothing.
func checkSchema(ctx context.Context, db *sql.DB) error {
	var current, tables int64
	err := db.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM sqlite_schema), (SELECT COUNT(*) FROM sqlite_schema WHERE name = ?)", versionTable).Scan(&tables, &current)
	switch {
	case err != nil:
		return err
	case current == 0 && tables > 0:
		return ErrForeign
	case current > 0:
		err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&current)
	}
	provider, failed := newProvider(db)
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	sources := provider.ListSources()
	switch target := sources[len(sources)-1].Version; {
	case current > target:
		return fmt.Errorf("its schema has version %d, and this program knows none after %d: %w", current, target, ErrNewer)
	case current < target:
		return fmt.Errorf("its schema has version %d, and this program works with %d: %w", current, target, ErrOlder)
	}
	return nil
}

// versionTable is where goose keeps what has been applied.
const versionTable = "schema_version"

func newProvider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, dir,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()), goose.WithTableName(versionTable))
}
