// Package sqlindex is store.Index over database/sql, written once for every SQL database.
//
// The tables study, series and instance hold what a search asks for; those of study and series are kept up to date with each
// instance (store.Merged), so that no search counts or groups instances. study_key has a row for every value of the study
// attributes that are searched most, study_holder one for everybody whom a limit may mean. instance_metadata holds the complete data sets.
//
// insert.go is the commit point, shared by all who write; entity.go keeps studies and series; remove.go takes instances out of them
// again, bin.go has the recycle bin, changes.go what is remembered of commits; filter.go turns a
// match.Query into SQL as far as that goes, within.go does so with match.Limits, and search.go leaves the rest to the oracle; result.go makes virtual data sets of
// rows; entries.go yields what is below a dicom.Ref, nonpatient.go what lies in no study. The schema is in the migrations of each database's package.
package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/noctis-dicom/noctis/store"
)

// Dialect is what differs between databases.
type Dialect struct {
	// Rebind rewrites a statement whose placeholders are "?"; nil leaves it as it is.
	Rebind func(string) string
	// NoSpace reports whether the error says that the disk is full; nothing was changed then.
	NoSpace func(error) bool
	// Unwritable reports whether the disk refused to take what was written; nothing was changed then.
	Unwritable func(error) bool
	// Broken reports whether the error leaves open what the disk holds. Nothing is inserted after it.
	Broken func(error) bool
	// Looking: nothing can be written.
	Looking bool
}

// Index implements store.Index.
type Index struct {
	reader, writer *sql.DB
	dialect        Dialect
	statements     statements
	blobOf         *sql.Stmt // of the reader
	pack           packer

	queue   chan *call
	closing chan struct{}
	closed  sync.WaitGroup
	once    sync.Once
	broken  atomic.Pointer[error]

	noted    atomic.Int64 // number of the last record in the outbox
	recorded atomic.Int64 // the journal has the records up to it

	commits atomic.Int64
	reaches reaches

	worklist *Worklist
	changed  store.Bell
}

// New returns an index over a database whose schema is up to date. writer should have one connection; reader may be the same
// database with more of them. Close closes both.
func New(ctx context.Context, writer, reader *sql.DB, d Dialect) (*Index, error) {
	x := &Index{
		reader: reader, writer: writer, dialect: d,
		queue: make(chan *call), closing: make(chan struct{}),
	}
	var err error
	if x.pack, err = newPacker(); err != nil {
		return nil, err
	}
	if x.statements, err = x.prepare(ctx); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	const blobOf = `SELECT blob FROM instance WHERE uid = ? UNION ALL SELECT blob FROM non_patient WHERE uid = ?`
	if x.blobOf, err = x.reader.PrepareContext(ctx, x.rebind(blobOf)); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if x.worklist, err = x.newWorklist(ctx); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if err := x.worklist.begin(ctx); err != nil {
		return nil, fmt.Errorf("index: worklist: %w", err)
	}
	if err := x.readOutbox(ctx); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	x.closed.Go(x.commitLoop)
	x.closed.Go(x.learnAll)
	return x, nil
}

// Close implements store.Index. It waits for a commit that is under way; what waits for its turn fails.
func (x *Index) Close() error {
	x.once.Do(func() { close(x.closing) })
	x.closed.Wait()
	return errors.Join(x.worklist.flush(context.Background()), x.writer.Close(), x.reader.Close())
}

func (x *Index) rebind(query string) string {
	if x.dialect.Rebind == nil {
		return query
	}
	return x.dialect.Rebind(query)
}

// wrap says what kind of error it is.
func (x *Index) wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case x.dialect.Broken(err) && !x.dialect.Looking: // who only looks writes nothing that would be in danger
		return x.poison(err)
	case x.dialect.NoSpace(err):
		return fmt.Errorf("index: %w: %w", store.ErrNoSpace, err)
	case x.dialect.Unwritable(err):
		return fmt.Errorf("index: %w: %w", store.ErrUnwritable, err)
	}
	return fmt.Errorf("index: %w", err)
}

// poison remembers an error after which nobody knows what the disk holds.
func (x *Index) poison(err error) error {
	err = fmt.Errorf("index: %w: %w", store.ErrPoisoned, err)
	x.broken.CompareAndSwap(nil, &err)
	return err
}

// Writable implements store.Index.
func (x *Index) Writable() error { return x.poisoned() }

func (x *Index) poisoned() error {
	if err := x.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// placeholders returns "?,?,?".
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
