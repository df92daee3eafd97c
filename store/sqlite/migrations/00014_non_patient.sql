-- +goose Up

-- Instances of no patient (PS3.18 chapter 12). There are few of them, so that a search lets the oracle look at all of their resource.
CREATE TABLE non_patient (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    resource        TEXT    NOT NULL,
    uid             TEXT    NOT NULL UNIQUE,
    sop_class       TEXT    NOT NULL,
    transfer_syntax TEXT    NOT NULL,
    blob            BLOB    NOT NULL, -- SHA-256
    size            INTEGER NOT NULL, -- bytes
    stored          INTEGER NOT NULL, -- seconds since 1970, UTC
    layout          BLOB    NOT NULL, -- part10.Layout
    summary         BLOB    NOT NULL, -- DICOM JSON of what a search returns unasked
    json            BLOB    NOT NULL  -- as in instance_metadata
) STRICT;
CREATE INDEX non_patient_order ON non_patient (resource, uid);
CREATE INDEX non_patient_blob ON non_patient (blob);
