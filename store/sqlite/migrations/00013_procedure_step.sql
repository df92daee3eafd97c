-- +goose Up

-- The modality worklist (PS3.4 Annex K). The columns hold normal forms, '' where there is no value.
CREATE TABLE scheduled_step (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    study     TEXT    NOT NULL,
    step      TEXT    NOT NULL,            -- Scheduled Procedure Step ID
    start     TEXT    NOT NULL,            -- comparable form of start date and time
    patient   TEXT    NOT NULL,            -- Patient ID
    accession TEXT    NOT NULL,
    performed TEXT    NOT NULL DEFAULT '', -- status that follows from performed steps
    json      BLOB    NOT NULL,
    UNIQUE (study, step)
) STRICT;
CREATE INDEX scheduled_step_start ON scheduled_step (start, study, step) WHERE performed <> 'COMPLETED';
CREATE INDEX scheduled_step_patient ON scheduled_step (patient);
CREATE INDEX scheduled_step_accession ON scheduled_step (accession);

-- Performed procedure steps (PS3.4 Annex F), and the scheduled ones that they were performed for.
CREATE TABLE performed_step (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    uid    TEXT    NOT NULL UNIQUE,
    status TEXT    NOT NULL,
    json   BLOB    NOT NULL
) STRICT;
CREATE TABLE performed_for (
    study        TEXT    NOT NULL,
    step         TEXT    NOT NULL,
    performed_id INTEGER NOT NULL REFERENCES performed_step (id) ON DELETE CASCADE,
    PRIMARY KEY (study, step, performed_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX performed_for_id ON performed_for (performed_id);
