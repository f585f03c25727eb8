-- Work to be done after the commit that caused it. A running job is leased: when its process dies, another takes it up
-- once the lease is over. A job that failed too often is dead and kept for a while, for somebody to look at.
CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,
    payload      TEXT    NOT NULL,
    run_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT,
    dead_at      INTEGER,
    created_at   INTEGER NOT NULL
);

CREATE INDEX jobs_due ON jobs (kind, run_at) WHERE dead_at IS NULL;

-- What was left of removed content and removed rooms goes on as jobs.
INSERT INTO jobs (kind, payload, run_at, created_at)
SELECT 'remove_content', '{"kind":"remove_content","user_id":' || user_id || ',"up_to":' || up_to_message_id || '}', 0, 0
  FROM content_removals;

INSERT INTO jobs (kind, payload, run_at, created_at)
SELECT 'empty_room', '{"kind":"empty_room","room_id":' || id || '}', 0, 0 FROM rooms WHERE removed;

DROP TABLE content_removals;
