-- +goose Up

-- Whom the instances of a study name, as JSON (match.Holders), by which limits go; '' where that has not been found out yet: then nobody
-- who has limits sees the study. What a limit may say to mean it is in study_key, under the numbers of sqlindex/holders.go.
ALTER TABLE study ADD COLUMN holders TEXT NOT NULL DEFAULT '';
CREATE INDEX study_unknown ON study (id) WHERE holders = '';
