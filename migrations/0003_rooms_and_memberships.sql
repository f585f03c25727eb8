-- last_message_id is the room's newest message, 0 without any: unread marks are derived from it.
CREATE TABLE rooms (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL CHECK (kind IN ('open', 'closed', 'direct')),
    name            TEXT    NOT NULL CHECK (kind = 'direct' OR name <> ''),
    creator_id      INTEGER NOT NULL REFERENCES users (id),
    last_message_id INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
);

-- read_message_id is the newest message the member has read: the room is unread while it is the smaller one.
CREATE TABLE memberships (
    room_id         INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    involvement     TEXT    NOT NULL DEFAULT 'mentions'
                    CHECK (involvement IN ('invisible', 'nothing', 'mentions', 'everything')),
    read_message_id INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id)
) WITHOUT ROWID;

CREATE INDEX memberships_user ON memberships (user_id, room_id);
