-- +goose Up

-- One row: what was given out last. A row id is never given twice, or a search that reads rows by ids it found a moment ago
-- could meet another patient's.
CREATE TABLE state (
    epoch       TEXT    NOT NULL, -- of the change feed
    study_id    INTEGER NOT NULL,
    series_id   INTEGER NOT NULL,
    instance_id INTEGER NOT NULL,
    change      INTEGER NOT NULL DEFAULT 0, -- number of the last change
    trimmed     INTEGER NOT NULL DEFAULT 0, -- changes up to this number are no longer kept
    record      INTEGER NOT NULL DEFAULT 0  -- number of the last record of the journal
) STRICT;
INSERT INTO state (epoch, study_id, series_id, instance_id)
SELECT lower(hex(randomblob(8))), (SELECT COALESCE(MAX(id), 0) FROM study), (SELECT COALESCE(MAX(id), 0) FROM series),
    (SELECT COALESCE(MAX(id), 0) FROM instance);

-- The change feed.
CREATE TABLE change (
    number    INTEGER PRIMARY KEY,
    kind      INTEGER NOT NULL, -- store.ChangeKind
    time      INTEGER NOT NULL, -- milliseconds since 1970, UTC
    study     TEXT    NOT NULL,
    series    TEXT    NOT NULL,
    instance  TEXT    NOT NULL,
    sop_class TEXT    NOT NULL
) STRICT;

-- The recycle bin, and tombstones of what has been purged from it: those keep no attribute but UIDs.
CREATE TABLE removed (
    record          INTEGER PRIMARY KEY, -- its number in the journal
    study           TEXT    NOT NULL,
    series          TEXT    NOT NULL,
    instance        TEXT    NOT NULL,
    sop_class       TEXT    NOT NULL,
    transfer_syntax TEXT    NOT NULL,
    blob            BLOB    NOT NULL UNIQUE,
    size            INTEGER NOT NULL,
    stored          INTEGER NOT NULL, -- seconds since 1970, UTC
    layout          BLOB    NOT NULL,
    metadata        BLOB    NOT NULL, -- as in instance_metadata
    time            INTEGER NOT NULL, -- seconds since 1970, UTC
    kind            INTEGER NOT NULL, -- store.ChangeKind
    purged          INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX removed_study ON removed (study, record);
CREATE INDEX removed_instance ON removed (instance, record);
CREATE INDEX removed_bin ON removed (record) WHERE purged = 0;

-- Records of removals that the journal may not have yet.
CREATE TABLE outbox (
    record    INTEGER PRIMARY KEY,
    time      INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    study     TEXT    NOT NULL,
    series    TEXT    NOT NULL,
    instance  TEXT    NOT NULL,
    sop_class TEXT    NOT NULL,
    blob      BLOB    NOT NULL
) STRICT;
