-- +goose Up

-- Attributes in sequences and private ones are indexed, too: what was a tag becomes the path to it, tags joined by full stops.
CREATE TABLE extra_path (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    path     TEXT    NOT NULL,
    creator  TEXT    NOT NULL DEFAULT '', -- of the private tags in the path
    level    INTEGER NOT NULL,           -- of the attribute: 0 study, 1 series, 2 instance
    done     INTEGER NOT NULL DEFAULT 0, -- rows of the level up to this id have been taken in
    complete INTEGER NOT NULL DEFAULT 0,
    UNIQUE (path, creator)
) STRICT;
INSERT INTO extra_path (id, path, level, done, complete) SELECT id, printf('%08X', attribute), level, done, complete FROM extra_index;
DROP TABLE extra_index;
ALTER TABLE extra_path RENAME TO extra_index;
