-- The messages that members have pinned to their room. A pin goes with its message.
CREATE TABLE pins (
    message_id INTEGER NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    room_id    INTEGER NOT NULL REFERENCES rooms (id),
    pinner_id  INTEGER NOT NULL REFERENCES users (id),
    pinned_at  INTEGER NOT NULL
);

CREATE INDEX pins_room ON pins (room_id, pinned_at, message_id);
