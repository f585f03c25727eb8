-- Where a bot is told of messages that mention it. The secret signs what is sent. A webhook whose target has said that it
-- is gone is switched off. noticed_at is when people were told that no response came in time; it is cleared by a response.
CREATE TABLE webhooks (
    bot_id          INTEGER NOT NULL PRIMARY KEY REFERENCES bots (user_id) ON DELETE CASCADE,
    url             TEXT    NOT NULL CHECK (url <> ''),
    secret          BLOB    NOT NULL,
    switched_off_at INTEGER,
    noticed_at      INTEGER,
    created_at      INTEGER NOT NULL
);

-- What is, was or could not be sent to webhooks. message_id is NULL for a test. request and answer are what was sent and
-- what came back last: the beginning of each, without keys.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    bot_id      INTEGER NOT NULL REFERENCES webhooks (bot_id) ON DELETE CASCADE,
    room_id     INTEGER NOT NULL,
    message_id  INTEGER,
    state       TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    run_at      INTEGER NOT NULL,
    request     TEXT    NOT NULL DEFAULT '',
    answer      TEXT    NOT NULL DEFAULT '',
    status      INTEGER,
    error       TEXT,
    took_ms     INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
);

CREATE INDEX deliveries_due ON deliveries (bot_id, run_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_state ON deliveries (state, id);
CREATE INDEX deliveries_bot ON deliveries (bot_id, id);

-- One job delivers everything that waits for a bot: however much waits for a dead target, the others have their turn.
CREATE UNIQUE INDEX jobs_deliver ON jobs (payload) WHERE kind = 'deliver_webhooks' AND dead_at IS NULL;
