-- Addresses from which nothing may be written, by the person they were banned with.
CREATE TABLE bans (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ip_address TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, ip_address)
) WITHOUT ROWID;

-- People all of whose messages up to this one are to go: done in steps, and taken up again after a restart.
CREATE TABLE content_removals (
    user_id       INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    up_to_message_id INTEGER NOT NULL
);
