-- What people put under a message: an emoji or a few letters, each person each thing once.
CREATE TABLE boosts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    booster_id INTEGER NOT NULL REFERENCES users (id),
    content    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (message_id, booster_id, content)
);

-- The number of the last event about the message's boosts; 0 as long as it never had one.
ALTER TABLE messages ADD COLUMN boosts_seq INTEGER NOT NULL DEFAULT 0;
