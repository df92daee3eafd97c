package sqlindex

import (
	"context"
	"database/sql"
)

// statements are those of the write path, prepared once.
type statements struct {
	blobOfInstance, insertInstance, insertMetadata                   *sql.Stmt
	study, insertStudy, updateStudy, countStudy, modalities          *sql.Stmt
	series, insertSeries, updateSeries, countSeries                  *sql.Stmt
	insertKey, deleteKey, insertGram, deleteGram, extra, insertExtra *sql.Stmt
}

func (x *Index) prepare(ctx context.Context) (statements, error) {
	var s statements
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&s.blobOfInstance, `SELECT blob FROM instance WHERE uid = ?`},
		{&s.insertInstance, `INSERT INTO instance (series_id, uid, number, sop_class, transfer_syntax, blob, size, stored, layout, summary)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`},
		{&s.insertMetadata, `INSERT INTO instance_metadata (instance_id, json) VALUES (?, ?)`},

		{&s.study, `SELECT id, attributes, sources, modalities, sop_classes, series_count, instance_count
			FROM study WHERE uid = ?`},
		{&s.insertStudy, `INSERT INTO study (uid) VALUES (?) RETURNING id`},
		{&s.updateStudy, `UPDATE study SET study_date = ?, study_time = ?, modalities = ?, sop_classes = ?,
			series_count = ?, instance_count = ?, attributes = ?, sources = ? WHERE id = ?`},
		{&s.countStudy, `UPDATE study SET series_count = ?, instance_count = ? WHERE id = ?`},
		{&s.modalities, `SELECT DISTINCT modality FROM series WHERE study_id = ? AND modality <> ''`},

		{&s.series, `SELECT id, attributes, sources, instance_count FROM series WHERE study_id = ? AND uid = ?`},
		{&s.insertSeries, `INSERT INTO series (study_id, uid) VALUES (?, ?) RETURNING id`},
		{&s.updateSeries, `UPDATE series SET number = ?, modality = ?, instance_count = ?, attributes = ?, sources = ?
			WHERE id = ?`},
		{&s.countSeries, `UPDATE series SET instance_count = ? WHERE id = ?`},

		{&s.insertKey, `INSERT INTO study_key (attribute, value, study_id) VALUES (?, ?, ?)`},
		{&s.deleteKey, `DELETE FROM study_key WHERE attribute = ? AND value = ? AND study_id = ?`},
		{&s.extra, selectExtra},
		{&s.insertExtra, `INSERT INTO extra_key (index_id, value, entity_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.insertGram, `INSERT INTO study_gram (attribute, gram, study_id) VALUES (?, ?, ?)`},
		{&s.deleteGram, `DELETE FROM study_gram WHERE attribute = ? AND gram = ? AND study_id = ?`},
	} {
		var err error
		if *p.to, err = x.writer.PrepareContext(ctx, x.rebind(p.sql)); err != nil {
			return s, err
		}
	}
	return s, nil
}
