-- Stored files. The key is random; it names the file in the store of files and in URLs. A file that nothing has yet, or
-- any more, may be deleted from expires_at on; one in use has none. size and colour are those of its preview, if one can
-- be made; preview_type is the media type of the preview, NULL without one.
CREATE TABLE blobs (
    key          TEXT    NOT NULL PRIMARY KEY,
    creator_id   INTEGER NOT NULL REFERENCES users (id),
    bytes        INTEGER NOT NULL CHECK (bytes >= 0),
    sha256       BLOB    NOT NULL,
    content_type TEXT    NOT NULL,
    width        INTEGER,
    height       INTEGER,
    color        TEXT,
    preview_type TEXT,
    expires_at   INTEGER,
    created_at   INTEGER NOT NULL
);

CREATE INDEX blobs_expiring ON blobs (expires_at) WHERE expires_at IS NOT NULL;

-- The files of a message, in their order. The room is that of the message: its files are listed, newest first.
CREATE TABLE attachments (
    room_id    INTEGER NOT NULL,
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    blob_key   TEXT    NOT NULL UNIQUE REFERENCES blobs (key),
    name       TEXT    NOT NULL,
    PRIMARY KEY (message_id, position)
);

CREATE INDEX attachments_room ON attachments (room_id, message_id, position);

-- Uploads. How much of one has arrived is the length of its file among those that are incomplete.
CREATE TABLE uploads (
    key              TEXT    NOT NULL PRIMARY KEY,
    creator_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_upload_id TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    bytes            INTEGER NOT NULL CHECK (bytes >= 0),
    complete         BOOLEAN NOT NULL DEFAULT FALSE,
    expires_at       INTEGER NOT NULL,
    UNIQUE (creator_id, client_upload_id)
);

CREATE INDEX uploads_expiring ON uploads (expires_at);

-- What a message shows below its body, as HTML: its files. extras_seq is the number of the last event that changed it.
ALTER TABLE messages ADD COLUMN extras_html TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN extras_seq INTEGER NOT NULL DEFAULT 0;
