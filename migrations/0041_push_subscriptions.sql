-- Where a browser takes pushes: an address at its push service, and the keys that encrypt for it. It ends with the session
-- in which it was registered. server_key is the public key of this installation that it was made for; origin is where the
-- browser had the site from. A device whose push service refuses several pushes in a row is dead.
CREATE TABLE push_subscriptions (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id      INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    endpoint        TEXT    NOT NULL UNIQUE CHECK (endpoint <> ''),
    p256dh          BLOB    NOT NULL CHECK (length(p256dh) = 65),
    auth            BLOB    NOT NULL CHECK (length(auth) = 16),
    server_key      BLOB    NOT NULL,
    origin          TEXT    NOT NULL,
    user_agent      TEXT    NOT NULL,
    refusal_count   INTEGER NOT NULL DEFAULT 0,
    dead_at         INTEGER,
    last_success_at INTEGER,
    last_failure_at INTEGER,
    last_failure    TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
);

CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id, id);
CREATE INDEX push_subscriptions_session ON push_subscriptions (session_id);
