-- What edited messages said before: their Markdown, since when, and who replaced it. Deleted texts are not kept: the earlier
-- texts of a message go with it.
CREATE TABLE message_versions (
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    revision   INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    written_at INTEGER NOT NULL,
    editor_id  INTEGER NOT NULL REFERENCES users (id),
    PRIMARY KEY (message_id, revision)
) WITHOUT ROWID;

-- Whether everybody in a room sees the earlier texts of its messages. Their authors and administrators do in any case.
ALTER TABLE accounts ADD COLUMN edits_shown BOOLEAN NOT NULL DEFAULT FALSE;
