-- +goose Up

-- A page of a worklist is read off an index that has nothing else in it, and so is the number of its matches.
DROP INDEX workitem_start;
DROP INDEX workitem_state_start;
DROP INDEX workitem_state_priority;
DROP INDEX workitem_label_start;
DROP INDEX workitem_state_modified;
CREATE INDEX workitem_start ON workitem (start, uid) WHERE resting = 0;
CREATE INDEX workitem_state_start ON workitem (state, start, uid) WHERE resting = 0;
CREATE INDEX workitem_state_priority ON workitem (state, priority, start, uid) WHERE resting = 0;
CREATE INDEX workitem_label_start ON workitem (label, start, uid) WHERE resting = 0;
CREATE INDEX workitem_modified ON workitem (modified, uid) WHERE resting = 0;
CREATE INDEX workitem_state_modified ON workitem (state, modified, uid) WHERE resting = 0;
