// Package sqlite keeps the index in a SQLite file: one connection that writes, and several that read beside it (WAL). A commit
// is durable when it returns (synchronous=FULL). The SQL is in sqlindex; here are the connections and the migrations.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"

	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store/internal/sqlindex"
)

// Index is a store.Index in a SQLite file.
type Index struct {
	*sqlindex.Index
	path string
}

// Path is the path of the file.
func (x *Index) Path() string { return x.path }

// ExtraKey is an attribute that has been indexed while the index was in use.
type ExtraKey = sqlindex.ExtraKey

// Flaw is a row of what no file has that contradicts itself; FlawedExtra an attribute by whose index not all is found.
type (
	Flaw        = sqlindex.Flaw
	FlawedExtra = sqlindex.FlawedExtra
)

// pragmas are run on each connection. Writers and readers have their own caches, of KiB.
var (
	common = []string{
		"PRAGMA busy_timeout = 10000",
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA foreign_keys = ON",
		"PRAGMA temp_store = MEMORY",
	}
	looking = []string{"PRAGMA busy_timeout = 10000", "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -8192", "PRAGMA query_only = ON"}
	writing = append(common[:len(common):len(common)], "PRAGMA cache_size = -32768", "PRAGMA wal_autocheckpoint = 4000", "PRAGMA journal_size_limit = 67108864")
	reading = append(common[:len(common):len(common)], "PRAGMA cache_size = -8192", "PRAGMA query_only = ON")
)

// keeping has each reader keep the statements that it was asked last, compiled: to compile a search takes as long as to run it.
const keeping = "_stmt_cache_size=32"

// memory is what SQLite may take, in bytes.
var memory atomic.Int64

func init() { memory.Store(128 << 20) }

// SetMemoryLimit bounds what all connections of the process that are opened from now on take together, in bytes: beyond it their caches
// grow no more. The default is 128 MiB. It is safe for concurrent use.
func SetMemoryLimit(bytes int64) { memory.Store(bytes) }

// Open opens the file, makes it where it does not exist, and brings its schema up to date. A file whose schema is newer than
// this program is refused.
func Open(ctx context.Context, path string) (*Index, error) {
	return open(ctx, path, writing, dialect)
}

// OpenReading opens a file that is there, to be looked at: nothing in it is changed, not even what lies in its write-ahead log and not in it yet. A
// schema that is not that of this program is refused, ErrOlder, ErrNewer or ErrForeign, wrapped. Of the index whatever writes fails.
func OpenReading(ctx context.Context, path string) (*Index, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	var both [2]*sql.DB
	for i := range both {
		both[i] = sql.OpenDB(&connector{dsn: dsn(path, "mode=ro"), pragmas: looking})
		both[i].SetMaxOpenConns(8)
	}
	err := checkSchema(ctx, both[0])
	if err == nil {
		looks := dialect
		looks.Looking = true
		var index *sqlindex.Index
		if index, err = sqlindex.New(ctx, both[0], both[1], looks); err == nil {
			return &Index{index, path}, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("index %s: %w", filepath.Base(path), err), both[0].Close(), both[1].Close())
}

// OpenUnsynced is Open without any sync: a power cut loses what was committed. It is for an index that is thrown away, or takes the place of another
// when it is whole (Replace syncs it), and for the control of the fault harness.
func OpenUnsynced(ctx context.Context, path string) (*Index, error) {
	return open(ctx, path, append(writing[:len(writing):len(writing)], "PRAGMA synchronous = OFF"), dialect)
}

func open(ctx context.Context, path string, writing []string, dialect sqlindex.Dialect) (*Index, error) {
	// SQLite gives its other files the permissions of this one. Patient data is for its owner only.
	f, err := durable.OpenFile(path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	limit := fmt.Sprintf("PRAGMA soft_heap_limit = %d", memory.Load())
	writer := sql.OpenDB(&connector{dsn: dsn(path, "_txlock=immediate"), pragmas: append(writing[:len(writing):len(writing)], limit)})
	writer.SetMaxOpenConns(1)
	if err := migrate(ctx, writer); err != nil {
		return nil, errors.Join(fmt.Errorf("index %s: %w", filepath.Base(path), err), writer.Close())
	}
	reader := sql.OpenDB(&connector{dsn: dsn(path, keeping), pragmas: append(reading[:len(reading):len(reading)], limit)})
	// More than processors: a search that reads everything must not keep the others, and those who store, waiting.
	readers := min(max(8, 2*runtime.GOMAXPROCS(0)), 32)
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	index, err := sqlindex.New(ctx, writer, reader, dialect)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), reader.Close())
	}
	return &Index{index, path}, nil
}

var dialect = sqlindex.Dialect{NoSpace: noSpace, Unwritable: unwritable, Broken: broken}

// unwritable reports whether the disk refused a write. SQLite rolls the transaction back.
func unwritable(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.ExtendedCode {
	case sqlite3.ErrIoErrWrite, sqlite3.ErrIoErrTruncate, sqlite3.ErrIoErrSHMOpen, sqlite3.ErrIoErrSHMSize, sqlite3.ErrIoErrSHMMap:
		return true
	}
	return e.Code == sqlite3.ErrReadonly || e.Code == sqlite3.ErrCantOpen
}

// noSpace reports whether the disk is full.
func noSpace(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrFull
}

// broken reports whether a sync failed: the kernel may have dropped what it could not write, and a second sync would report
// success. So does a file that contradicts itself: what it says of the blobs that it names is worth nothing.
func broken(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.ExtendedCode == sqlite3.ErrIoErrFsync || e.ExtendedCode == sqlite3.ErrIoErrDirFsync ||
		e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// refused reports whether a row is one that its table cannot have.
func refused(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrConstraint || e.Code == sqlite3.ErrMismatch)
}

// dsn is the URI of the file (sqlite.org/uri.html).
func dsn(path, parameters string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: parameters}).String()
}

// connector opens connections and runs the pragmas on each. It needs no driver registered under a name.
type connector struct {
	driver  sqlite3.SQLiteDriver
	dsn     string
	pragmas []string
}

func (c *connector) Driver() driver.Driver { return &c.driver }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, p := range c.pragmas {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, p, nil); err != nil {
			conn.Close()
			return nil, fmt.Errorf("%s: %w", p, err)
		}
	}
	return conn, nil
}

// Remove removes the file of an index that is closed, and those that SQLite made beside it; that it is not there is no error.
func Remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("index: %w", err)
		}
	}
	return nil
}

// Replace puts the closed file fresh in the place of the file at path, which nobody may have open. fresh must lie in the same
// file system. When it returns the change is durable; a crash leaves the one or the other.
func Replace(path, fresh string) error {
	if _, err := os.Stat(fresh + "-wal"); err == nil {
		return fmt.Errorf("index %s: it is still open, or was not closed", filepath.Base(fresh))
	}
	if err := settle(path); err != nil {
		return err
	}
	err := syncFile(fresh) // it may have been made without
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err == nil {
		err = syncFile(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

// syncFile has the disk keep what a file or a folder holds.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// settle moves what is in the write-ahead log into the old file, so that it is complete in itself should the replacement not
// come about, and removes the log, which does not belong to the new file. A file too damaged for that is replaced all the same.
func settle(path string) error {
	if _, err := os.Stat(path); err == nil {
		db := sql.OpenDB(&connector{dsn: dsn(path, ""), pragmas: writing})
		_, _ = db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
		_ = db.Close()
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("index: %w", err)
		}
	}
	return nil
}
