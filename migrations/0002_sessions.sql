-- A signed-in browser. The cookie's token itself is never stored, only its SHA-256.
CREATE TABLE sessions (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash     BLOB    NOT NULL UNIQUE,
    user_id        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ip_address     TEXT    NOT NULL,
    user_agent     TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id, last_active_at);
