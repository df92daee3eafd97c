-- +goose Up

-- Whom the instances of a study name, by what a limit may say to mean it (sqlindex/holders.go), beside the date and the modalities of the
-- study, by which people search most: what is within a limit that many studies satisfy is counted in a row of this table.
CREATE TABLE study_holder (
    holder     INTEGER NOT NULL,
    value      TEXT    NOT NULL,
    study_date TEXT    NOT NULL,
    id         INTEGER NOT NULL REFERENCES study (id),
    modalities TEXT    NOT NULL,
    PRIMARY KEY (holder, value, study_date, id)
) STRICT, WITHOUT ROWID;
INSERT INTO study_holder (holder, value, study_date, id, modalities)
SELECT attribute, value, study_date, study_id, modalities FROM study_key JOIN study ON study.id = study_id WHERE attribute < 32;
CREATE INDEX study_holder_id ON study_holder (id, holder, value);
DELETE FROM study_key WHERE attribute < 32;
