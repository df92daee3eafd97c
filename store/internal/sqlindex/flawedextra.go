package sqlindex

import (
	"context"
	"database/sql"
	"errors"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// FlawedExtra is an attribute that was indexed by hand, by whose index not all is found that has it.
type FlawedExtra struct {
	ExtraKey
	None bool // it is no attribute that can be indexed
}

// FlawedExtras looks for every value of what is stored in the indices made by hand. That of an attribute of instances has all metadata read. Values
// that are no longer there do no harm, and neither do indices that were not completed.
func (x *Index) FlawedExtras(ctx context.Context) (flawed []FlawedExtra, err error) {
	extras, err := x.ExtraKeys(ctx)
	for _, e := range extras {
		none, whole := refuseExtra(e.Attribute) != nil, false
		if !none && e.Level == match.LevelOf(e.Attribute.Path[0]) {
			if whole = !e.Complete; !whole {
				whole, err = x.allIndexed(ctx, e)
			}
		}
		if err != nil {
			return flawed, err
		}
		if !whole {
			flawed = append(flawed, FlawedExtra{e, none})
		}
	}
	return flawed, err
}

var errLacking = errors.New("a value is not in the index")

// allIndexed looks whether an index has all that is stored.
func (x *Index) allIndexed(ctx context.Context, e ExtraKey) (bool, error) {
	has, err := x.reader.PrepareContext(ctx, x.rebind(`SELECT EXISTS (SELECT 1 FROM extra_key WHERE index_id = ? AND value = ? AND entity_id = ?)`))
	if err != nil {
		return false, x.readError(ctx, err)
	}
	defer has.Close()
	source := `SELECT id, attributes FROM ` + e.Level.String()
	if e.Level == match.Instance {
		source = `SELECT instance_id, json FROM instance_metadata`
	}
	err = x.each(ctx, source, nil, func(rows *sql.Rows) error {
		var id int64
		var text []byte
		err := rows.Scan(&id, &text)
		if err == nil && e.Level == match.Instance {
			text, err = x.pack.unpack(text)
		}
		ds := &dicom.DataSet{}
		if err == nil {
			ds, err = dicom.ReadJSON(text)
		}
		if err != nil {
			return nil //nolint:nilerr // whoever looks at the instance or the study tells of it
		}
		for _, v := range e.Attribute.Values(ds) {
			var there bool
			if err := has.QueryRowContext(ctx, e.id, v, id).Scan(&there); err != nil {
				return err
			}
			if !there {
				return errLacking
			}
		}
		return nil
	})
	if errors.Is(err, errLacking) {
		return false, nil
	}
	return err == nil, err
}

// MendExtra makes an index by hand anew, or takes it out if it is of nothing.
func (x *Index) MendExtra(ctx context.Context, e FlawedExtra, progress func(done, total int)) error {
	if e.None {
		return x.removeExtra(ctx, "id = ?", e.id)
	}
	if _, err := x.writer.ExecContext(ctx, x.rebind(`UPDATE extra_index SET level = ?, done = 0, complete = 0 WHERE id = ?`), match.LevelOf(e.Attribute.Path[0]), e.id); err != nil {
		return x.failed(err)
	}
	return x.AddExtraKey(ctx, e.Attribute, progress)
}

// FinishExtras completes all indices by hand that are unfinished: those of an index made anew, which knows only which there were.
func (x *Index) FinishExtras(ctx context.Context, progress func(done, total int)) error {
	extras, err := x.ExtraKeys(ctx)
	for _, e := range extras {
		if err == nil && !e.Complete && refuseExtra(e.Attribute) == nil {
			err = x.AddExtraKey(ctx, e.Attribute, progress)
		}
	}
	return err
}
