package sqlindex

import (
	"context"
	"database/sql"
)

// statements are those of the write path, prepared once.
type statements struct {
	state, writeState                                             *sql.Stmt
	stored, seriesPath, insertInstance, insertMetadata            *sql.Stmt
	moveInstance, metadata, deleteInstance, deleteMetadata        *sql.Stmt
	insertRemoved, deleteRemoved, purge                           *sql.Stmt
	storedNonPatient, insertNonPatient                            *sql.Stmt
	moveNonPatient, deleteNonPatient                              *sql.Stmt
	insertChange, insertRecord, deleteRecords                     *sql.Stmt
	study, insertStudy, updateStudy, countStudy, deleteStudy      *sql.Stmt
	modalities, sopClasses, ofStudy                               *sql.Stmt
	series, insertSeries, updateSeries, countSeries, deleteSeries *sql.Stmt
	ofSeries                                                      *sql.Stmt
	insertKey, deleteKey, insertGram, deleteGram                  *sql.Stmt
	insertHolder, deleteHolders                                   *sql.Stmt
	extra, insertExtra, deleteExtra                               *sql.Stmt
}

func (x *Index) prepare(ctx context.Context) (statements, error) {
	var s statements
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&s.state, `SELECT study_id, series_id, instance_id, change, trimmed, settled, record,
			(SELECT COALESCE(MAX(record), 0) FROM outbox), EXISTS (SELECT 1 FROM removed) FROM state`},
		{&s.writeState, `UPDATE state SET study_id = ?, series_id = ?, instance_id = ?, change = ?, trimmed = ?, settled = ?, record = ?`},
		{&s.stored, `SELECT id, series_id, blob, sop_class FROM instance WHERE uid = ?`},
		{&s.seriesPath, `SELECT study.uid, series.uid FROM series JOIN study ON study.id = study_id WHERE series.id = ?`},
		{&s.moveInstance, `INSERT INTO removed (record, study, series, instance, sop_class, transfer_syntax, blob, size, stored, layout,
			metadata, time, kind) SELECT ?, ?, ?, uid, sop_class, transfer_syntax, blob, size, stored, layout, json, ?, ?
			FROM instance JOIN instance_metadata ON instance_id = id WHERE id = ?`},
		{&s.metadata, `SELECT json FROM instance_metadata WHERE instance_id = ?`},
		{&s.deleteInstance, `DELETE FROM instance WHERE id = ?`},
		{&s.deleteMetadata, `DELETE FROM instance_metadata WHERE instance_id = ?`},
		{&s.insertRemoved, `INSERT INTO removed (record, study, series, instance, sop_class, transfer_syntax, blob, size, stored, layout,
			metadata, time, kind, purged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.deleteRemoved, `DELETE FROM removed WHERE blob = ?`},
		{&s.purge, `UPDATE removed SET purged = 1, transfer_syntax = '', size = 0, stored = 0, layout = x'', metadata = x''
			WHERE blob = ? AND purged = 0`},
		{&s.storedNonPatient, `SELECT id, blob, sop_class FROM non_patient WHERE uid = ?`},
		{&s.insertNonPatient, `INSERT INTO non_patient (resource, uid, sop_class, transfer_syntax, blob, size, stored, layout, summary, json)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.moveNonPatient, `INSERT INTO removed (record, study, series, instance, sop_class, transfer_syntax, blob, size, stored, layout,
			metadata, time, kind) SELECT ?, '', '', uid, sop_class, transfer_syntax, blob, size, stored, layout, json, ?, ?
			FROM non_patient WHERE id = ?`},
		{&s.deleteNonPatient, `DELETE FROM non_patient WHERE id = ?`},
		{&s.insertChange, `INSERT INTO change (number, kind, time, study, series, instance, sop_class, workitem, state)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.insertRecord, `INSERT INTO outbox (record, time, kind, study, series, instance, sop_class, blob)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.deleteRecords, `DELETE FROM outbox WHERE record <= ?`},
		{&s.insertInstance, `INSERT INTO instance (id, series_id, uid, number, sop_class, transfer_syntax, blob, size, stored, layout, summary)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.insertMetadata, `INSERT INTO instance_metadata (instance_id, json) VALUES (?, ?)`},

		{&s.study, `SELECT id, attributes, sources, modalities, sop_classes, series_count, instance_count, touched, holders
			FROM study WHERE uid = ?`},
		{&s.insertStudy, `INSERT INTO study (id, uid, holders) VALUES (?, ?, '[]')`},
		{&s.deleteStudy, `DELETE FROM study WHERE id = ?`},
		{&s.sopClasses, `SELECT DISTINCT sop_class FROM series JOIN instance ON series_id = series.id WHERE study_id = ?`},
		{&s.ofStudy, `SELECT instance.id, instance.uid FROM series JOIN instance ON series_id = series.id WHERE study_id = ?`},
		{&s.ofSeries, `SELECT id, uid FROM instance WHERE series_id = ?`},
		{&s.updateStudy, `UPDATE study SET study_date = ?, study_time = ?, modalities = ?, sop_classes = ?,
			series_count = ?, instance_count = ?, touched = ?, attributes = ?, sources = ?, holders = ? WHERE id = ?`},
		{&s.countStudy, `UPDATE study SET series_count = ?, instance_count = ?, touched = ? WHERE id = ?`},
		{&s.modalities, `SELECT DISTINCT modality FROM series WHERE study_id = ? AND modality <> ''`},

		{&s.series, `SELECT id, attributes, sources, instance_count FROM series WHERE study_id = ? AND uid = ?`},
		{&s.insertSeries, `INSERT INTO series (id, study_id, uid) VALUES (?, ?, ?)`},
		{&s.deleteSeries, `DELETE FROM series WHERE id = ?`},
		{&s.updateSeries, `UPDATE series SET number = ?, modality = ?, instance_count = ?, attributes = ?, sources = ?
			WHERE id = ?`},
		{&s.countSeries, `UPDATE series SET instance_count = ? WHERE id = ?`},

		{&s.insertKey, `INSERT INTO study_key (attribute, value, study_id) VALUES (?, ?, ?)`},
		{&s.deleteKey, `DELETE FROM study_key WHERE attribute = ? AND value = ? AND study_id = ?`},
		{&s.insertHolder, `INSERT INTO study_holder (holder, value, study_date, id, modalities) VALUES (?, ?, ?, ?, ?)`},
		{&s.deleteHolders, `DELETE FROM study_holder WHERE id = ?`},
		{&s.extra, selectExtra},
		{&s.insertExtra, `INSERT INTO extra_key (index_id, value, entity_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.deleteExtra, `DELETE FROM extra_key WHERE index_id = ? AND value = ? AND entity_id = ?`},
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
