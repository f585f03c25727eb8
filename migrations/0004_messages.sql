-- Ids are never used twice and grow in the order of the commits: a room is read by (room_id, id).
-- sent_digest is the SHA-256 of the room and body as first sent; it tells a retry from a misuse of the id.
CREATE TABLE messages (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id           INTEGER NOT NULL REFERENCES rooms (id),
    creator_id        INTEGER NOT NULL REFERENCES users (id),
    client_message_id TEXT    NOT NULL,
    sent_digest       BLOB    NOT NULL,
    body_source       TEXT    NOT NULL,
    body_html         TEXT    NOT NULL,
    body_text         TEXT    NOT NULL,
    render_version    INTEGER NOT NULL,
    revision          INTEGER NOT NULL DEFAULT 1,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    UNIQUE (creator_id, client_message_id)
);

CREATE INDEX messages_room ON messages (room_id, id);

-- Ids of removed messages stay taken for ever, without a word of what they said.
CREATE TABLE removed_messages (
    creator_id        INTEGER NOT NULL,
    client_message_id TEXT    NOT NULL,
    message_id        INTEGER NOT NULL,
    sent_digest       BLOB    NOT NULL,
    PRIMARY KEY (creator_id, client_message_id)
) WITHOUT ROWID;
