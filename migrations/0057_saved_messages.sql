-- The messages that somebody keeps for later, for themselves alone. Of a message that was deleted the note is left, and the
-- room that it was in.
CREATE TABLE saved_messages (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    message_id  INTEGER NOT NULL,
    note        TEXT    NOT NULL DEFAULT '',
    remind_at   INTEGER,
    reminded_at INTEGER,
    done_at     INTEGER,
    created_at  INTEGER NOT NULL,
    UNIQUE (user_id, message_id)
);

CREATE INDEX saved_messages_user ON saved_messages (user_id, id);

-- A reminder has one job, which is due at another time when the reminder is.
CREATE UNIQUE INDEX jobs_timed ON jobs (payload) WHERE kind IN ('remind', 'send_scheduled') AND dead_at IS NULL;
