-- +goose Up

-- Attributes that an administrator has indexed (noctis index). An index is used once it is complete.
CREATE TABLE extra_index (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    attribute INTEGER NOT NULL UNIQUE,   -- tag
    level     INTEGER NOT NULL,          -- of the attribute: 0 study, 1 series, 2 instance
    done      INTEGER NOT NULL DEFAULT 0, -- rows of the level up to this id have been taken in
    complete  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The values of these attributes in their normal forms. There may be rows of values that are no longer there, so a search looks at
-- each study, series or instance that it finds here.
CREATE TABLE extra_key (
    index_id  INTEGER NOT NULL,
    value     TEXT    NOT NULL,
    entity_id INTEGER NOT NULL,
    PRIMARY KEY (index_id, value, entity_id)
) STRICT, WITHOUT ROWID;
