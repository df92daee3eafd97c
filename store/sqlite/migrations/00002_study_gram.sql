-- +goose Up

-- Every two characters that follow each other in the values of the attributes of study_key that people search for parts of, for
-- patterns like *OE*. Rows are written and deleted with those of study_key.
CREATE TABLE study_gram (
    attribute INTEGER NOT NULL, -- tag
    gram      TEXT    NOT NULL,
    study_id  INTEGER NOT NULL,
    PRIMARY KEY (attribute, gram, study_id)
) STRICT, WITHOUT ROWID;

-- By which the values of one study are found.
CREATE INDEX study_key_study ON study_key (study_id, attribute);

-- Patient's Name, Patient ID, Accession Number.
INSERT OR IGNORE INTO study_gram (attribute, gram, study_id)
WITH RECURSIVE place (attribute, value, study_id, n) AS (
    SELECT attribute, value, study_id, 1 FROM study_key WHERE attribute IN (1048592, 1048608, 524368) AND length(value) > 1
    UNION ALL
    SELECT attribute, value, study_id, n + 1 FROM place WHERE n + 1 < length(value)
)
SELECT attribute, substr(value, n, 2), study_id FROM place;
