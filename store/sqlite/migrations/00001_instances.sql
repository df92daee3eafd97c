-- +goose Up

-- A study, with what its instances say about it (store.Merged). Dates and times are in their comparable form, '' where there
-- is none. Lists are joined by backslashes.
CREATE TABLE study (
    id             INTEGER PRIMARY KEY,
    uid            TEXT    NOT NULL UNIQUE,
    study_date     TEXT    NOT NULL DEFAULT '',
    study_time     TEXT    NOT NULL DEFAULT '',
    modalities     TEXT    NOT NULL DEFAULT '',
    sop_classes    TEXT    NOT NULL DEFAULT '',
    series_count   INTEGER NOT NULL DEFAULT 0,
    instance_count INTEGER NOT NULL DEFAULT 0,
    attributes     BLOB    NOT NULL DEFAULT x'7B7D', -- DICOM JSON
    sources        BLOB    NOT NULL DEFAULT x'7B7D'  -- JSON: the instance that decided each attribute
) STRICT;
CREATE UNIQUE INDEX study_order ON study (study_date DESC, study_time DESC, uid);

-- Every value, in its normal form, of the study attributes that are searched most; of a person name each component group.
CREATE TABLE study_key (
    attribute INTEGER NOT NULL, -- tag
    value     TEXT    NOT NULL,
    study_id  INTEGER NOT NULL REFERENCES study (id),
    PRIMARY KEY (attribute, value, study_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE series (
    id             INTEGER PRIMARY KEY,
    study_id       INTEGER NOT NULL REFERENCES study (id),
    uid            TEXT    NOT NULL,
    number         INTEGER NOT NULL DEFAULT 0, -- Series Number, 9223372036854775807 where there is none
    modality       TEXT    NOT NULL DEFAULT '',
    instance_count INTEGER NOT NULL DEFAULT 0,
    attributes     BLOB    NOT NULL DEFAULT x'7B7D',
    sources        BLOB    NOT NULL DEFAULT x'7B7D',
    UNIQUE (uid, study_id)
) STRICT;
CREATE UNIQUE INDEX series_order ON series (study_id, number, uid);

CREATE TABLE instance (
    id              INTEGER PRIMARY KEY,
    series_id       INTEGER NOT NULL REFERENCES series (id),
    uid             TEXT    NOT NULL UNIQUE,
    number          INTEGER NOT NULL, -- Instance Number, 9223372036854775807 where there is none
    sop_class       TEXT    NOT NULL,
    transfer_syntax TEXT    NOT NULL,
    blob            BLOB    NOT NULL, -- SHA-256
    size            INTEGER NOT NULL, -- bytes
    stored          INTEGER NOT NULL, -- seconds since 1970, UTC
    layout          BLOB    NOT NULL, -- part10.Layout
    summary         BLOB    NOT NULL  -- DICOM JSON of what a search returns unasked
) STRICT;
CREATE UNIQUE INDEX instance_order ON instance (series_id, number, uid);
CREATE INDEX instance_blob ON instance (blob);

CREATE TABLE instance_metadata (
    instance_id INTEGER PRIMARY KEY REFERENCES instance (id),
    json        BLOB NOT NULL -- DICOM JSON of the data set, compressed (zstd)
) STRICT;
