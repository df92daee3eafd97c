-- +goose Up

-- How much the archive holds, in one row: what is stored, and what is in the recycle bin. The triggers count, so that no way of writing can
-- forget it; what counts for a quota is what the transaction that would exceed it sees.
CREATE TABLE holding (
    instances INTEGER NOT NULL,
    bytes     INTEGER NOT NULL
) STRICT;
INSERT INTO holding
SELECT (SELECT count(*) FROM instance) + (SELECT count(*) FROM removed WHERE purged = 0),
    (SELECT COALESCE(sum(size), 0) FROM instance) + (SELECT COALESCE(sum(size), 0) FROM removed WHERE purged = 0);

-- +goose StatementBegin
CREATE TRIGGER holding_stored AFTER INSERT ON instance BEGIN
    UPDATE holding SET instances = instances + 1, bytes = bytes + NEW.size;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER holding_gone AFTER DELETE ON instance BEGIN
    UPDATE holding SET instances = instances - 1, bytes = bytes - OLD.size;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER holding_recycled AFTER INSERT ON removed WHEN NEW.purged = 0 BEGIN
    UPDATE holding SET instances = instances + 1, bytes = bytes + NEW.size;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER holding_taken_back AFTER DELETE ON removed WHEN OLD.purged = 0 BEGIN
    UPDATE holding SET instances = instances - 1, bytes = bytes - OLD.size;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER holding_purged AFTER UPDATE OF purged ON removed WHEN OLD.purged = 0 AND NEW.purged = 1 BEGIN
    UPDATE holding SET instances = instances - 1, bytes = bytes - OLD.size;
END;
-- +goose StatementEnd
