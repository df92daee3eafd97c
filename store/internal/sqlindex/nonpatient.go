package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// Instances of no patient (PS3.18 chapter 12) have a table of their own, so that nothing that counts, merges or searches studies has to
// leave them out (docs/adr/0020-non-patient-instances.md).

// located completes the reference of an instance that a row is of: where it has no study, the SOP Class says in which resource it is.
func located(r dicom.Ref, class dicom.UID) dicom.Ref {
	if r.Study == "" {
		r.Resource = dicom.ResourceOf(class)
	}
	return r
}

// storedNonPatient finds the row of an instance of no patient, nil if there is none.
func (s *session) storedNonPatient(uid dicom.UID) (*instance, error) {
	in := &instance{}
	var blob []byte
	err := s.query(s.st.storedNonPatient, uid).Scan(&in.id, &blob, &in.sopClass)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	in.ref = located(dicom.Ref{Instance: uid}, in.sopClass)
	copy(in.blob[:], blob)
	return in, err
}

// addNonPatient writes the row of an instance that is not there.
func (s *session) addNonPatient(r *row) error {
	e := r.entry
	return s.exec(s.st.insertNonPatient, e.Ref.Resource, e.Ref.Instance, e.SOPClass, e.TransferSyntax, e.Blob[:], e.Size, e.Stored.Unix(),
		r.layout, r.summary, r.metadata)
}

// recycleNonPatient moves the row of an instance into the recycle bin.
func (s *session) recycleNonPatient(in *instance, r *store.Removed) error {
	number, err := s.record(store.Record{Number: r.Record, Time: r.Time, Kind: r.Kind, Ref: in.ref, SOPClass: in.sopClass, Blob: in.blob})
	if err != nil {
		return err
	}
	s.state.removed = true
	if err := s.exec(s.st.moveNonPatient, number, r.Time.Unix(), r.Kind, in.id); err != nil {
		return err
	}
	return s.exec(s.st.deleteNonPatient, in.id)
}

// nonPatientIDs returns the ids of the instances of no patient below r, in order. They are not within any limits.
func (x *Index) nonPatientIDs(ctx context.Context, r dicom.Ref) ([]int64, error) {
	if r.Study != "" || r.Series != "" || !match.LimitsOf(ctx).Everything() {
		return nil, nil
	}
	query := "SELECT id FROM non_patient WHERE 1 = 1"
	var args []any
	if r.Resource != "" {
		query += " AND resource = ?"
		args = append(args, r.Resource)
	}
	if r.Instance != "" {
		query += " AND uid = ?"
		args = append(args, r.Instance)
	}
	return x.ids(ctx, query+" ORDER BY resource, uid", args)
}

// nonPatientEntries yields the entries of instances of no patient below r.
func (x *Index) nonPatientEntries(ctx context.Context, r dicom.Ref) iter.Seq2[*store.Entry, error] {
	const query = `SELECT id, uid, sop_class, transfer_syntax, blob, size, stored, layout FROM non_patient WHERE id`
	return ofNonPatient(ctx, x, r, chunkRows, query, func(rows *sql.Rows) (int64, *store.Entry, error) {
		var id, stored int64
		var blob, layout sql.RawBytes
		e := &store.Entry{}
		if err := rows.Scan(&id, &e.Ref.Instance, &e.SOPClass, &e.TransferSyntax, &blob, &e.Size, &stored, &layout); err != nil {
			return 0, nil, err
		}
		if copy(e.Blob[:], blob) != len(e.Blob) {
			return 0, nil, fmt.Errorf("the row of instance %s is damaged", e.Ref.Instance)
		}
		e.Ref, e.Stored = located(e.Ref, e.SOPClass), time.Unix(stored, 0).UTC()
		return id, e, e.Layout.UnmarshalBinary(layout)
	})
}

// searchNonPatient answers a query whose scope is a resource: the oracle looks at each instance of it.
func (x *Index) searchNonPatient(ctx context.Context, q match.Query) iter.Seq2[*dicom.DataSet, error] {
	b := &builder{level: match.Instance, full: wantsMore(q), begun: true, pack: x.pack}
	b.rest = func(ctx context.Context, id int64) (text []byte, err error) { return x.whole(ctx, wholeNonPatient, id) }
	column, chunk := "summary, 0", chunkRows
	if b.full {
		column, chunk = packedColumns("json"), chunkWhole
	}
	all := ofNonPatient(ctx, x, q.Scope, chunk, "SELECT id, transfer_syntax, "+column+" FROM non_patient WHERE id",
		func(rows *sql.Rows) (int64, resultRow, error) {
			r := resultRow{dataSet: &dicom.DataSet{}}
			err := rows.Scan(&r.id, &r.syntax, &r.text, &r.whole)
			return r.id, r, err
		})
	return func(yield func(*dicom.DataSet, error) bool) {
		skip, left := q.Offset, q.Limit
		for row, err := range all {
			if left == 0 {
				return
			}
			var ds *dicom.DataSet
			if err == nil {
				ds, err = b.dataSet(ctx, row)
			}
			if errors.Is(err, sql.ErrNoRows) { // removed meanwhile
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !q.Match(ds) {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if left--; !yield(ds, nil) {
				return
			}
		}
	}
}

// wantsMore reports whether a query asks for more of instances of no patient than their summaries have.
func wantsMore(q match.Query) bool {
	paths := slices.Clone(q.Include)
	for _, k := range q.Keys {
		paths = append(paths, k.Path)
	}
	summarized := match.NonPatientReturned(q.Scope.Resource)
	return q.IncludeAll || slices.ContainsFunc(paths, func(p match.Path) bool { return !slices.Contains(summarized, p[0]) })
}

// ofNonPatient yields what scan makes of the rows of instances of no patient below r, in order, without a connection while the consumer
// is busy.
func ofNonPatient[T any](ctx context.Context, x *Index, r dicom.Ref, chunk int, query string,
	scan func(*sql.Rows) (int64, T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ids, err := x.nonPatientIDs(ctx, r)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		byID(ctx, x, ids, chunk, query, scan, yield)
	}
}
