-- +goose Up

-- What happens to studies and workitems is in the change feed, too.
ALTER TABLE change ADD COLUMN workitem TEXT NOT NULL DEFAULT '';
ALTER TABLE change ADD COLUMN state    TEXT NOT NULL DEFAULT ''; -- Procedure Step State

-- Number of the last change that brought an instance; and the last change for which it has been looked whether its study has settled. What
-- was stored before is settled, and nobody is told.
ALTER TABLE study ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
UPDATE state SET settled = change;
