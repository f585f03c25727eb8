-- Messages that are to be posted at a time that their writer chose. client_message_id is that of the message, so that it is
-- posted once whatever happens. What was posted leaves its text in the message alone; what was not posted keeps it for its
-- writer, with the reason.
CREATE TABLE scheduled_messages (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id           INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    room_id           INTEGER NOT NULL,
    client_message_id TEXT    NOT NULL,
    body              TEXT    NOT NULL,
    send_at           INTEGER NOT NULL,
    state             TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    ended_at          INTEGER,
    message_id        INTEGER,
    reason            TEXT    NOT NULL DEFAULT '',
    created_at        INTEGER NOT NULL,
    UNIQUE (user_id, client_message_id)
);

CREATE INDEX scheduled_messages_ended ON scheduled_messages (ended_at) WHERE ended_at IS NOT NULL;
