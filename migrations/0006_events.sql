-- Every lasting change that a screen shows: what it was about, in the order of the commits, never what it said.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,
    room_id    INTEGER NOT NULL,
    message_id INTEGER,
    user_id    INTEGER,
    created_at INTEGER NOT NULL
);

CREATE INDEX events_room ON events (room_id, seq);

-- epoch names this database; the event pruned last is the oldest place a browser may continue from.
CREATE TABLE event_log (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    epoch      TEXT    NOT NULL,
    pruned_seq INTEGER NOT NULL DEFAULT 0,
    pruned_at  INTEGER NOT NULL DEFAULT 0
);

INSERT INTO event_log (id, epoch) VALUES (1, lower(hex(randomblob(16))));
