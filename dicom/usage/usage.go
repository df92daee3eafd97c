// Package usage holds data sets against tables that say which attributes they shall have, down to the items of sequences: those of the services of
// PS3.4, by whose types (PS3.5 7.4) a server refuses what is incomplete, and adds what may be empty.
package usage

import (
	"fmt"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
)

// Type is a type of PS3.5 7.4, as far as it asks for something.
type Type uint8

// Conditional types (1C, 2C) are Optional, and have a Rule where the data set alone tells whether their condition is met.
const (
	Optional Type = iota // type 3
	Present              // type 2: there, if only empty
	Valued               // type 1
)

// Row is a row of a table. That of a sequence has the table of its items, nil if that asks for nothing.
type Row struct {
	Tag   dicom.Tag
	Type  Type
	Items *Table
}

// Table is what a data set shall have.
type Table struct {
	Rows  []Row
	Rules []Rule
}

// With is the table with further rows.
func (t *Table) With(rows ...Row) *Table {
	return &Table{append(slices.Clone(t.Rows), rows...), t.Rules}
}

// Rule returns which attribute a data set lacks because of others that it has or has not, 0 for none, and why.
type Rule func(*dicom.DataSet) (missing dicom.Tag, why string)

// OneOf is the rule that one of the attributes has a value.
func OneOf(tags ...dicom.Tag) Rule {
	return func(ds *dicom.DataSet) (dicom.Tag, string) {
		if slices.ContainsFunc(tags, func(t dicom.Tag) bool { return HasValue(ds, t) }) {
			return 0, ""
		}
		why := "or"
		for i, t := range tags[1:] {
			if i > 0 {
				why += ","
			}
			why += " " + t.Keyword()
		}
		return tags[0], why
	}
}

// IfAny is the rule that an attribute has a value if one of others has.
func IfAny(required dicom.Tag, of ...dicom.Tag) Rule {
	return func(ds *dicom.DataSet) (dicom.Tag, string) {
		for _, t := range of {
			if HasValue(ds, t) && !HasValue(ds, required) {
				return required, "with " + t.Keyword()
			}
		}
		return 0, ""
	}
}

// IfValue is the rule that attributes have values if another has this one.
func IfValue(t dicom.Tag, value string, required ...dicom.Tag) Rule {
	return func(ds *dicom.DataSet) (dicom.Tag, string) {
		for _, r := range required {
			if ds.String(t) == value && !HasValue(ds, r) {
				return r, fmt.Sprintf("with %s %s", t.Keyword(), value)
			}
		}
		return 0, ""
	}
}

// HasValue reports whether an attribute has a value that is not empty, or items.
func HasValue(ds *dicom.DataSet, t dicom.Tag) bool {
	e, _ := ds.Get(t)
	return e.HasValue()
}

// Missing is the error of a data set that lacks a value, or has one that cannot be. Path names the attribute, by the numbers of items from
// 1: ScheduledWorkitemCodeSequence[1].CodeMeaning.
type Missing struct{ Path, Why string }

func (m *Missing) Error() string { return m.Path + " " + m.Why }

// Complete adds to a data set what may be empty, in its items too, which are not changed but copied. The error is a *Missing.
func (t *Table) Complete(ds *dicom.DataSet) error {
	if missing := t.complete(ds); missing != nil {
		return missing
	}
	return nil
}

func (t *Table) complete(ds *dicom.DataSet) *Missing {
	for _, row := range t.Rows {
		switch {
		case row.Type == Valued && !HasValue(ds, row.Tag):
			return &Missing{row.Tag.Keyword(), "is required"}
		case row.Type == Valued && row.Tag.VR() == dicom.UI && !ds.UID(row.Tag).Valid():
			return &Missing{row.Tag.Keyword(), "is no UID (PS3.5 9.1)"}
		case row.Type == Present && !ds.Has(row.Tag):
			ds.Set(dicom.Element{Tag: row.Tag, VR: row.Tag.VR()})
		}
		if missing := row.completeItems(ds); missing != nil {
			return missing
		}
	}
	for _, rule := range t.Rules {
		if missing, why := rule(ds); missing != 0 {
			return &Missing{missing.Keyword(), "is required, " + why}
		}
	}
	return nil
}

func (row Row) completeItems(ds *dicom.DataSet) *Missing {
	given := ds.Items(row.Tag)
	if row.Items == nil || len(given) == 0 {
		return nil
	}
	items := make([]*dicom.DataSet, len(given))
	for i, item := range given {
		items[i] = item.Clone()
		if missing := row.Items.complete(items[i]); missing != nil {
			return &Missing{fmt.Sprintf("%s[%d].%s", row.Tag.Keyword(), i+1, missing.Path), missing.Why}
		}
	}
	ds.SetItems(row.Tag, items...)
	return nil
}
