-- What was said to a person: one row per occurrence, for as long as the person is a member of its room.
--
-- `notifies` is the person's choice for the cause at that time, so that the badge is a count over an index; a change of the
-- choice changes the rows.

CREATE TABLE inbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL,
    room_id    INTEGER NOT NULL,
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    cause      TEXT    NOT NULL CHECK (cause IN ('mention', 'answer', 'boost', 'thread_answer', 'ping', 'reminder')),
    actor_id   INTEGER REFERENCES users (id),
    content    TEXT    NOT NULL DEFAULT '',
    unread     BOOLEAN NOT NULL DEFAULT TRUE,
    notifies   BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL,
    FOREIGN KEY (room_id, user_id) REFERENCES memberships (room_id, user_id) ON DELETE CASCADE
);

-- A message is one entry, whatever the reason; each boost is one.
CREATE UNIQUE INDEX inbox_messages ON inbox (user_id, message_id)
 WHERE cause IN ('mention', 'answer', 'thread_answer', 'ping');
CREATE UNIQUE INDEX inbox_boosts ON inbox (user_id, message_id, actor_id, content) WHERE cause = 'boost';

CREATE INDEX inbox_user ON inbox (user_id, id);
CREATE INDEX inbox_room ON inbox (room_id, user_id);
CREATE INDEX inbox_message ON inbox (message_id);
CREATE INDEX inbox_unread ON inbox (user_id, room_id, message_id) WHERE unread;
CREATE INDEX inbox_badge ON inbox (user_id) WHERE unread AND notifies;

-- How a person wants to hear of each cause. Without a row: by default.
CREATE TABLE inbox_settings (
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    cause    TEXT    NOT NULL,
    delivery TEXT    NOT NULL CHECK (delivery IN ('off', 'quiet', 'notify')),
    PRIMARY KEY (user_id, cause)
) WITHOUT ROWID;

-- What is unread at the update: mentions, and the first unread message of each ping.
INSERT INTO inbox (user_id, room_id, message_id, cause, actor_id, notifies, created_at)
SELECT mentions.user_id, mentions.room_id, mentions.message_id, 'mention', messages.creator_id, TRUE,
       messages.created_at
  FROM mentions
  JOIN memberships ON memberships.room_id = mentions.room_id AND memberships.user_id = mentions.user_id
                  AND memberships.involvement <> 'invisible' AND memberships.read_message_id < mentions.message_id
  JOIN messages ON messages.id = mentions.message_id AND messages.creator_id <> mentions.user_id
  JOIN users ON users.id = mentions.user_id AND users.role <> 2
 ORDER BY mentions.message_id, mentions.user_id;

INSERT INTO inbox (user_id, room_id, message_id, cause, actor_id, notifies, created_at)
SELECT memberships.user_id, memberships.room_id, messages.id, 'ping', messages.creator_id, TRUE, messages.created_at
  FROM memberships
  JOIN rooms ON rooms.id = memberships.room_id AND rooms.kind = 'direct'
            AND rooms.last_message_id > memberships.read_message_id
  JOIN users ON users.id = memberships.user_id AND users.role <> 2
  JOIN messages ON messages.id = (SELECT MIN(first.id) FROM messages AS first
                                   WHERE first.room_id = memberships.room_id
                                     AND first.id > memberships.read_message_id
                                     AND first.creator_id <> memberships.user_id)
 WHERE memberships.involvement = 'everything'
 ORDER BY messages.id, memberships.user_id
ON CONFLICT DO NOTHING;
