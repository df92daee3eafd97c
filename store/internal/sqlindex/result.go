package sqlindex

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/store"
)

// tables joins the tables of a level. The result has a WHERE, to which conditions are added by AND. Where topDown is set, the
// database goes through studies, their series and their instances in this order, which is that of the results: a search with a
// limit ends when it has enough, instead of sorting everything. Without it the database chooses.
func tables(level match.Level, full, topDown bool) string {
	join := ", "
	if topDown {
		join = " CROSS JOIN "
	}
	from, where := " FROM study", " WHERE 1 = 1"
	if level >= match.Series {
		from += join + "series"
		where += " AND series.study_id = study.id"
	}
	if level >= match.Instance {
		from += join + "instance"
		where += " AND instance.series_id = series.id"
	}
	if full {
		from += join + "instance_metadata"
		where += " AND instance_metadata.instance_id = instance.id"
	}
	return from + where
}

// order is that of store.Index.Search.
func order(level match.Level) string {
	s := " ORDER BY study.study_date DESC, study.study_time DESC, study.uid"
	if level >= match.Series {
		s += ", series.number, series.uid"
	}
	if level >= match.Instance {
		s += ", instance.number, instance.uid"
	}
	return s
}

// builder makes the virtual data sets of a level out of rows. Rows of the same study or series mostly follow each other, so it
// remembers the last ones.
type builder struct {
	level match.Level
	full  bool                                                // at the instance level: with the whole data set, not only the summary
	begun bool                                                // with full, of long data sets only the beginning is in the row: whoever collects rows asks for the rest of one at a time
	rest  func(ctx context.Context, id int64) ([]byte, error) // all of the text of an instance, with begun
	pack  packer

	studyID, seriesID int64
	study, series     *dicom.DataSet
}

// columns are what scan reads.
func (b *builder) columns() string {
	s := "study.id, study.attributes, study.modalities, study.sop_classes, study.series_count, study.instance_count"
	if b.level >= match.Series {
		s += ", series.id, series.attributes, series.instance_count"
	}
	if b.level >= match.Instance {
		s += ", instance.id, instance.transfer_syntax, "
		if b.begun && b.full {
			return s + packedColumns("json")
		}
		if b.full {
			return s + "instance_metadata.json"
		}
		return s + "instance.summary"
	}
	return s
}

// resultRow is what has been read of a row: the virtual data set, at the instance level that of its series and what the instance adds.
type resultRow struct {
	dataSet *dicom.DataSet
	text    []byte // of the instance, packed if the builder is full
	syntax  dicom.UID
	id      int64
	whole   int64 // the length of all of text; 0: that is all
}

// scanRow reads a row: with the id at the builder's level.
func (b *builder) scanRow(rows *sql.Rows) (int64, resultRow, error) {
	var studyID, seriesID, instanceID int64
	var studyText, modalities, classes, seriesText, syntax, instanceText sql.RawBytes
	var counts store.StudyCounts
	var instances int
	var whole int64
	to := []any{&studyID, &studyText, &modalities, &classes, &counts.Series, &counts.Instances}
	if b.level >= match.Series {
		to = append(to, &seriesID, &seriesText, &instances)
	}
	if b.level >= match.Instance {
		to = append(to, &instanceID, &syntax, &instanceText)
		if b.begun && b.full {
			to = append(to, &whole)
		}
	}
	if err := rows.Scan(to...); err != nil {
		return 0, resultRow{}, err
	}
	if b.study == nil || b.studyID != studyID {
		counts.Modalities, counts.SOPClasses = split(string(modalities)), split(string(classes))
		merged, err := decode(studyText)
		if err != nil {
			return 0, resultRow{}, err
		}
		b.studyID, b.study, b.series = studyID, store.StudyDataSet(merged, counts), nil
	}
	if b.level == match.Study {
		return studyID, resultRow{dataSet: b.study}, nil
	}
	if b.series == nil || b.seriesID != seriesID {
		merged, err := decode(seriesText)
		if err != nil {
			return 0, resultRow{}, err
		}
		b.seriesID, b.series = seriesID, store.SeriesDataSet(b.study, merged, instances)
	}
	if b.level == match.Series {
		return seriesID, resultRow{dataSet: b.series}, nil
	}
	return instanceID, resultRow{b.series, bytes.Clone(instanceText), dicom.UID(syntax), instanceID, whole}, nil
}

// dataSet makes the data set of a row, a long one when it has been admitted.
func (b *builder) dataSet(ctx context.Context, r resultRow) (*dicom.DataSet, error) {
	if b.level < match.Instance {
		return r.dataSet, nil
	}
	text := r.text
	if b.full {
		length, err := unpackedLength(text)
		if err == nil {
			err = store.Admit(ctx, length)
		}
		if err == nil && r.whole > int64(len(text)) {
			text, err = b.rest(ctx, r.id)
		}
		if err == nil {
			text, err = b.pack.unpack(text)
		}
		if err != nil {
			return nil, err
		}
	}
	instance, err := dicom.ReadJSON(text)
	if err != nil {
		return nil, fmt.Errorf("a row is damaged: %w", err)
	}
	return store.InstanceDataSet(r.dataSet, instance, r.syntax), nil
}

func decode(text []byte) (*dicom.DataSet, error) {
	ds := &dicom.DataSet{}
	if err := ds.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("a row is damaged: %w", err)
	}
	return ds, nil
}

// wantsAll reports whether the attributes at the paths can only be read from the whole data set of an instance.
func wantsAll(level match.Level, paths ...match.Path) bool {
	return level == match.Instance && slices.ContainsFunc(paths, func(p match.Path) bool {
		return len(p) > 0 && match.LevelOf(p[0]) == match.Instance && !slices.Contains(match.Returned(match.Instance), p[0])
	})
}

// byID reads rows by the ids of their level, a chunk at a time, and yields what scan makes of them in the order of ids. No
// connection is held while the consumer is busy. A row that has gone meanwhile is passed over.
func byID[T any](ctx context.Context, x *Index, ids []int64, chunk int, query string, scan func(*sql.Rows) (int64, T, error),
	yield func(T, error) bool) {
	for part := range slices.Chunk(ids, chunk) {
		found, err := readChunk(ctx, x, part, query, scan)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, id := range part {
			v, ok := found[id]
			if !ok {
				continue
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

func readChunk[T any](ctx context.Context, x *Index, ids []int64, query string, scan func(*sql.Rows) (int64, T, error)) (map[int64]T, error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	found := make(map[int64]T, len(ids))
	err := x.each(ctx, query+" IN ("+placeholders(len(ids))+")", args, func(rows *sql.Rows) error {
		id, v, err := scan(rows)
		found[id] = v
		return err
	})
	return found, err
}

// longest is the length of the longest statement, with its arguments, that the connections of the reader keep.
const longest = 8 << 10

// each runs a query on a reader and calls f for each row. What is asked often is compiled once: the connections keep what they were asked
// (sqlite.reading). A long statement is prepared apart, since they would keep it, and room for its arguments, until others have come.
func (x *Index) each(ctx context.Context, query string, args []any, f func(*sql.Rows) error) error {
	query = x.rebind(query)
	ask := func() (*sql.Rows, error) { return x.reader.QueryContext(ctx, query, args...) }
	if lengthOf(query, args) > longest {
		statement, err := x.reader.PrepareContext(ctx, query)
		if err != nil {
			return x.readError(ctx, err)
		}
		defer statement.Close()
		ask = func() (*sql.Rows, error) { return statement.QueryContext(ctx, args...) }
	}
	rows, err := ask()
	if err != nil {
		return x.readError(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return x.readError(ctx, err)
		}
	}
	return x.readError(ctx, rows.Err())
}

func lengthOf(query string, args []any) int {
	n := len(query)
	for _, a := range args {
		switch a := a.(type) {
		case string:
			n += len(a)
		case dicom.UID:
			n += len(a)
		case []byte:
			n += len(a)
		}
	}
	return n
}

// readError prefers the reason of a context that has ended to the way in which the driver noticed it.
func (x *Index) readError(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return x.wrap(err)
}
