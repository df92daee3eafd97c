-- +goose Up

-- Storage commitment requests (PS3.18 chapter 13), by Transaction UID. The data sets are packed DICOM JSON.
CREATE TABLE commitment (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    uid     TEXT    NOT NULL UNIQUE,
    state   INTEGER NOT NULL, -- 0: it waits, 1: it has a result, 2: that has been dropped
    at      INTEGER NOT NULL, -- Unix time of the state
    content BLOB    NOT NULL  -- the request, the result, nothing
) STRICT;
CREATE INDEX commitment_state ON commitment (state, at, id) WHERE state < 2;
