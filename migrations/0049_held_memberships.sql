-- Memberships of closed and direct rooms that an import has not given: the user could sign in before, by an address that
-- nothing proves. The operator gives them, by name. direct_key is the one that the room has once nobody is missing.
CREATE TABLE held_memberships (
    room_id     INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    involvement TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    direct_key  TEXT,
    PRIMARY KEY (room_id, user_id)
) WITHOUT ROWID;

CREATE INDEX held_memberships_user ON held_memberships (user_id);
