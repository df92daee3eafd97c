-- +goose Up

-- How far each webhook is in the change feed.
CREATE TABLE webhook (
    name   TEXT    PRIMARY KEY,
    epoch  TEXT    NOT NULL, -- '': before the first change
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that receivers have not taken.
CREATE TABLE dead_letter (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook  TEXT    NOT NULL,
    message  TEXT    NOT NULL, -- its id
    type     TEXT    NOT NULL,
    time     INTEGER NOT NULL, -- of what it tells, milliseconds since 1970, UTC
    body     BLOB    NOT NULL,
    at       INTEGER NOT NULL, -- of the last attempt, milliseconds since 1970, UTC
    attempts INTEGER NOT NULL,
    reason   TEXT    NOT NULL
) STRICT;
CREATE INDEX dead_letter_webhook ON dead_letter (webhook, id);
