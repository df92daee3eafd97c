package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Snapshot writes a copy of the index to a new file, as it is at one moment, while a server may be writing to it, and syncs it.
func Snapshot(ctx context.Context, path, to string) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	// SQLite fills an empty file that is there, with the permissions that it has.
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	db := sql.OpenDB(&connector{dsn: dsn(path, "mode=ro"), pragmas: common[:1]})
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

// BeginFeed gives the change feed of an index that nobody has open another epoch. A copy that takes the place of what it was made of lacks
// what was told since, and will give the same numbers to something else: no cursor may go on in it.
func BeginFeed(ctx context.Context, path string) (err error) {
	db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var there int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'state'").Scan(&there)
	if err == nil && there > 0 { // or it is older than the feed
		_, err = db.ExecContext(ctx, "UPDATE state SET epoch = lower(hex(randomblob(8)))")
	}
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}
