package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// ExtraKey is an attribute that has been indexed while the index was in use. Another process may add and remove it: whoever inserts
// looks in the same transaction which there are, and a search looks before and after.
type ExtraKey struct {
	Attribute match.Attribute // of a row that nobody can read it has no path
	Level     match.Level     // of the attribute, or of the sequence that it lies in
	Complete  bool            // all that was stored before has been taken in; searches use it

	id int64
}

// extraPage is how many rows are taken in by one transaction, and removed by one; those that are taken in end as well when they have come to
// extraBytes, packed.
const (
	extraPage  = 500
	extraBytes = 4 << 20
)

var errNoExtra = errors.New("it is not indexed")

// ExtraKeys returns the attributes that have been indexed, ascending.
func (x *Index) ExtraKeys(ctx context.Context) ([]ExtraKey, error) {
	rows, err := x.reader.QueryContext(ctx, x.rebind(selectExtra))
	if err != nil {
		return nil, x.readError(ctx, err)
	}
	extras, err := scanExtra(rows)
	return extras, x.readError(ctx, err)
}

const selectExtra = "SELECT id, path, creator, level, complete FROM extra_index ORDER BY path, creator"

func scanExtra(rows *sql.Rows) ([]ExtraKey, error) {
	defer rows.Close()
	var extras []ExtraKey
	for rows.Next() {
		var e ExtraKey
		var path, creator string
		if err := rows.Scan(&e.id, &path, &creator, &e.Level, &e.Complete); err != nil {
			return nil, err
		}
		// What cannot be read is no reason to find nothing and to store nothing: no search uses it, and doctor takes it out.
		if p, err := match.ParsePath(path); err == nil {
			if a, err := match.NewAttribute(p, creator); err == nil {
				e.Attribute = a
			}
		}
		extras = append(extras, e)
	}
	return extras, rows.Err()
}

// AddExtraKey indexes an attribute, or goes on where an earlier call was broken off. From its first transaction on everything that
// is inserted is indexed, too; what was there before is taken in a page at a time, between the transactions of others. progress is
// called after each page.
func (x *Index) AddExtraKey(ctx context.Context, a match.Attribute, progress func(done, total int)) error {
	if err := errors.Join(refuseExtra(a), x.poisoned()); err != nil {
		return err
	}
	level := match.LevelOf(a.Path[0])
	_, err := x.writer.ExecContext(ctx, x.rebind("INSERT INTO extra_index (path, creator, level) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"), a.Path.String(), a.Creator, level)
	if err != nil {
		return x.failed(err)
	}
	done, total := 0, 0
	if err := x.reader.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+level.String()).Scan(&total); err != nil {
		return x.readError(ctx, err)
	}
	for {
		n, err := x.takeIn(ctx, a, level)
		if err != nil || n == 0 {
			return err
		}
		done += n
		progress(done, max(done, total))
	}
}

// refuseExtra says why an attribute cannot be indexed.
func refuseExtra(a match.Attribute) error {
	if len(a.Path) == 1 {
		t := a.Path[0]
		if _, ofStudy := keyed[t]; ofStudy || columns[t] != "" || t == dicom.StudyDate {
			return fmt.Errorf("%s is always indexed", a.Name())
		}
	}
	return a.Indexable()
}

// takeIn indexes the next page, and returns how many rows it had; none: the index is complete.
func (x *Index) takeIn(ctx context.Context, a match.Attribute, level match.Level) (n int, err error) {
	tx, err := x.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, x.wrap(err)
	}
	defer tx.Rollback()
	var id, last int64
	err = tx.QueryRowContext(ctx, x.rebind("SELECT id, done FROM extra_index WHERE path = ? AND creator = ?"), a.Path.String(), a.Creator).Scan(&id, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("%s: it was removed meanwhile", a.Name())
	}
	if err != nil {
		return 0, x.failed(err)
	}
	source := "SELECT id, attributes FROM " + level.String() + " WHERE id > ? ORDER BY id LIMIT ?"
	if level == match.Instance {
		source = "SELECT instance_id, json FROM instance_metadata WHERE instance_id > ? ORDER BY instance_id LIMIT ?"
	}
	type row struct {
		id   int64
		text []byte
	}
	var page []row
	rows, err := tx.QueryContext(ctx, x.rebind(source), last, extraPage)
	if err != nil {
		return 0, x.failed(err)
	}
	defer rows.Close()
	for size := 0; size < extraBytes && rows.Next(); size += len(page[len(page)-1].text) {
		var r row
		if err := rows.Scan(&r.id, &r.text); err != nil {
			return 0, x.failed(err)
		}
		page = append(page, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, x.failed(err)
	}
	s := newSession(ctx, tx, x)
	for _, r := range page {
		if level == match.Instance {
			if r.text, err = x.pack.unpack(r.text); err != nil {
				return 0, err
			}
		}
		ds, err := dicom.ReadJSON(r.text)
		if err != nil {
			return 0, err
		}
		if err := s.writeExtra(ExtraKey{Attribute: a, id: id}, ds, r.id); err != nil {
			return 0, x.failed(err)
		}
		last = r.id
	}
	_, err = tx.ExecContext(ctx, x.rebind("UPDATE extra_index SET done = ?, complete = ? WHERE id = ?"), last, len(page) == 0, id)
	if err == nil {
		err = tx.Commit()
	}
	return len(page), x.failedOrNil(err)
}

// RemoveExtraKey takes an attribute out of the index. Searches stop using it at once; its rows go a page at a time.
func (x *Index) RemoveExtraKey(ctx context.Context, a match.Attribute) error {
	return x.removeExtra(ctx, "path = ? AND creator = ?", a.Path.String(), a.Creator)
}

func (x *Index) removeExtra(ctx context.Context, which string, args ...any) error {
	if err := x.poisoned(); err != nil {
		return err
	}
	result, err := x.writer.ExecContext(ctx, x.rebind("DELETE FROM extra_index WHERE "+which), args...)
	if err != nil {
		return x.failed(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errNoExtra)
	}
	for {
		const page = `DELETE FROM extra_key WHERE (index_id, value, entity_id) IN (SELECT index_id, value, entity_id FROM extra_key
			WHERE index_id NOT IN (SELECT id FROM extra_index) LIMIT ?)`
		result, err := x.writer.ExecContext(ctx, x.rebind(page), 20*extraPage)
		if err != nil {
			return x.failed(err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
	}
}

func (x *Index) failedOrNil(err error) error {
	if err == nil {
		return nil
	}
	return x.failed(err)
}

// readExtra looks which attributes are indexed. Once in a transaction is enough: nobody else writes until it ends.
func (s *session) readExtra() error {
	rows, err := s.tx.StmtContext(s.ctx, s.st.extra).QueryContext(s.ctx)
	if err != nil {
		return err
	}
	s.extras, err = scanExtra(rows)
	return err
}

// writeExtras indexes what a study, series or instance says.
func (s *session) writeExtras(level match.Level, ds *dicom.DataSet, id int64) error {
	for _, e := range s.extras {
		if e.Level == level {
			if err := s.writeExtra(e, ds, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropExtras takes out of these indices what a study, series or instance said. What it said before that has stayed anyway.
func (s *session) dropExtras(level match.Level, ds *dicom.DataSet, id int64) error {
	for _, e := range s.extras {
		if e.Level != level {
			continue
		}
		for _, v := range e.Attribute.Values(ds) {
			if err := s.exec(s.st.deleteExtra, e.id, v, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) writeExtra(e ExtraKey, ds *dicom.DataSet, id int64) error {
	for _, v := range e.Attribute.Values(ds) {
		if err := s.exec(s.st.insertExtra, e.id, v, id); err != nil {
			return err
		}
	}
	return nil
}

// usable are the attributes whose index a search may use.
func usable(extras []ExtraKey) []ExtraKey {
	return slices.DeleteFunc(extras, func(e ExtraKey) bool { return !e.Complete })
}
