-- +goose Up

-- What the archive holds counts instances of no patient as it does all others, so that no insert sums their table.
UPDATE holding SET instances = instances + (SELECT count(*) FROM non_patient),
    bytes = bytes + (SELECT COALESCE(sum(size), 0) FROM non_patient);

-- +goose StatementBegin
CREATE TRIGGER holding_stored_non_patient AFTER INSERT ON non_patient BEGIN
    UPDATE holding SET instances = instances + 1, bytes = bytes + NEW.size;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER holding_gone_non_patient AFTER DELETE ON non_patient BEGIN
    UPDATE holding SET instances = instances - 1, bytes = bytes - OLD.size;
END;
-- +goose StatementEnd
