-- +goose Up

-- The worklist: Unified Procedure Steps (PS3.4 Annex CC). Moments are in their comparable form, '' where there is none.
CREATE TABLE workitem (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    uid      TEXT    NOT NULL UNIQUE,
    study    TEXT    NOT NULL DEFAULT '', -- UID of the stored study that it is the reading workitem of
    state    TEXT    NOT NULL,
    priority TEXT    NOT NULL,
    label    TEXT    NOT NULL,            -- Worklist Label, in its normal form
    start    TEXT    NOT NULL,            -- Scheduled Procedure Step Start DateTime
    modified TEXT    NOT NULL,
    lock     TEXT    NOT NULL DEFAULT '', -- Transaction UID
    read     INTEGER NOT NULL DEFAULT 0,  -- instances that the study had when it was COMPLETED
    removing INTEGER NOT NULL DEFAULT 0,  -- it goes with the last deletion lock
    resting  INTEGER NOT NULL DEFAULT 0,  -- its study has been deleted, and may be restored
    json     BLOB    NOT NULL             -- DICOM JSON
) STRICT;
CREATE UNIQUE INDEX workitem_study ON workitem (study) WHERE study <> '';
CREATE INDEX workitem_start ON workitem (start, uid);
CREATE INDEX workitem_state_start ON workitem (state, start, uid);
CREATE INDEX workitem_state_priority ON workitem (state, priority, start, uid);
CREATE INDEX workitem_label_start ON workitem (label, start, uid);
CREATE INDEX workitem_state_modified ON workitem (state, modified, uid);

-- Values of the attributes that worklists are searched by most, in their normal forms; of a person name each component group. There may
-- be values that are no longer there, so a search looks at each workitem that it finds here.
CREATE TABLE workitem_key (
    path        TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    workitem_id INTEGER NOT NULL REFERENCES workitem (id) ON DELETE CASCADE,
    PRIMARY KEY (path, value, workitem_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX workitem_key_of ON workitem_key (workitem_id);

-- UIDs of workitems that were there once.
CREATE TABLE workitem_gone (uid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Application entities that have subscribed to something.
CREATE TABLE subscriber (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    ae      TEXT    NOT NULL UNIQUE,
    dropped INTEGER NOT NULL DEFAULT 0 -- events were dropped, and it does not know that yet
) STRICT;

-- Subscriptions to the whole worklist, or to what a filter selects of it.
CREATE TABLE list_subscription (
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id),
    resource      TEXT    NOT NULL, -- the well-known UID
    lock          INTEGER NOT NULL,
    filter        TEXT    NOT NULL,
    PRIMARY KEY (subscriber_id, resource)
) STRICT, WITHOUT ROWID;

CREATE TABLE workitem_subscription (
    workitem_id   INTEGER NOT NULL REFERENCES workitem (id) ON DELETE CASCADE,
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id),
    lock          INTEGER NOT NULL, -- deletion lock
    PRIMARY KEY (workitem_id, subscriber_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX workitem_subscription_of ON workitem_subscription (subscriber_id);

-- Event reports, and the subscribers that have yet to receive them.
CREATE TABLE event_report (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    json BLOB    NOT NULL
) STRICT;
CREATE TABLE event_queue (
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id),
    event_id      INTEGER NOT NULL REFERENCES event_report (id),
    PRIMARY KEY (subscriber_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_queue_event ON event_queue (event_id);

-- Has a row once every study that was stored before there was a worklist has its workitem.
CREATE TABLE worklist_begun (at TEXT NOT NULL) STRICT;
