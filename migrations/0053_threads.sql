-- A thread: the answers to one message of a room, its root. The row exists as long as there are answers, also once the
-- root is removed; root_id is not a reference for that reason. One row per root keeps what the room shows under it.
CREATE TABLE threads (
    root_id        INTEGER PRIMARY KEY,
    room_id        INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    answer_count   INTEGER NOT NULL DEFAULT 0 CHECK (answer_count >= 0),
    last_answer_id INTEGER NOT NULL DEFAULT 0,
    last_answer_at INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX threads_room ON threads (room_id);

-- An answer is a message with a root. in_thread_only: the room does not show it, and it makes the room neither unread nor
-- newer. An answer that the room shows too is still one message.
ALTER TABLE messages ADD COLUMN thread_root_id INTEGER REFERENCES threads (root_id);
ALTER TABLE messages ADD COLUMN in_thread_only BOOLEAN NOT NULL DEFAULT FALSE;

-- With the author, what is new to a follower is counted in the index alone: answers of others.
CREATE INDEX messages_thread ON messages (thread_root_id, id, creator_id) WHERE thread_root_id IS NOT NULL;

-- A room is read without the answers that it does not show, however many there are.
DROP INDEX messages_room;
CREATE INDEX messages_room ON messages (room_id, in_thread_only, id);

-- Who follows a thread, and the newest answer that they have read: one row per follower and thread. unread: there are
-- answers of others after it. It ends with the membership.
CREATE TABLE thread_follows (
    user_id        INTEGER NOT NULL,
    root_id        INTEGER NOT NULL REFERENCES threads (root_id) ON DELETE CASCADE,
    room_id        INTEGER NOT NULL,
    read_answer_id INTEGER NOT NULL DEFAULT 0,
    unread         BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (user_id, root_id),
    FOREIGN KEY (room_id, user_id) REFERENCES memberships (room_id, user_id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX thread_follows_root ON thread_follows (root_id, user_id);
CREATE INDEX thread_follows_membership ON thread_follows (room_id, user_id);
CREATE INDEX thread_follows_unread ON thread_follows (user_id, room_id, root_id) WHERE unread;

-- A mention in an answer that the room does not show is none of the room's unread mentions.
ALTER TABLE mentions ADD COLUMN in_thread_only BOOLEAN NOT NULL DEFAULT FALSE;
