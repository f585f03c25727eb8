-- Histories of other chats that were taken over. source tells one from another; position says how far it is, as JSON,
-- so that one that was cut off goes on; report is what was counted until then. finished_at is NULL until all is done.
CREATE TABLE imports (
    kind        TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    position    TEXT    NOT NULL,
    report      TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (kind, source)
);
