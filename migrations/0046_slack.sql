-- What people and rooms of histories became here whose numbers are not kept, by the ids that they have there.
-- was_here: the user was found by the e-mail address, and not made by the import.
CREATE TABLE imported_users (
    kind      TEXT    NOT NULL,
    source    TEXT    NOT NULL,
    source_id TEXT    NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    was_here  BOOLEAN NOT NULL,
    PRIMARY KEY (kind, source, source_id)
) WITHOUT ROWID;

CREATE INDEX imported_users_user ON imported_users (user_id);

-- room_id is NULL once the room has been removed: another import does not make it again. ready: its memberships are there.
CREATE TABLE imported_rooms (
    kind      TEXT    NOT NULL,
    source    TEXT    NOT NULL,
    source_id TEXT    NOT NULL,
    room_id   INTEGER REFERENCES rooms (id) ON DELETE SET NULL,
    ready     BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (kind, source, source_id)
) WITHOUT ROWID;

CREATE INDEX imported_rooms_room ON imported_rooms (room_id);

-- Users whom an import made, and who have not joined yet: whoever joins with the address becomes this user. The row is
-- deleted then; a user with a password is none, whatever is written here.
CREATE TABLE placeholders (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE
);
