-- Addresses at which other programs post in a room as a bot. token_hash is the SHA-256 of the secret part of the address,
-- which is shown once. github_secret is what GitHub signs its events with, if one was entered.
CREATE TABLE hooks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    bot_id        INTEGER NOT NULL REFERENCES bots (user_id) ON DELETE CASCADE,
    room_id       INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    creator_id    INTEGER NOT NULL REFERENCES users (id),
    token_hash    BLOB    NOT NULL UNIQUE,
    github_secret TEXT    NOT NULL DEFAULT '',
    created_at    INTEGER NOT NULL
);

CREATE INDEX hooks_bot ON hooks (bot_id, id);
CREATE INDEX hooks_room ON hooks (room_id, id);
