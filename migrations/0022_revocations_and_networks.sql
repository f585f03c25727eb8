-- How often devices of a person were signed out from elsewhere. Links that sign in are signed with this number.
ALTER TABLE users ADD COLUMN revocation_count INTEGER NOT NULL DEFAULT 0;

-- The public networks that people wrote from lately: a ban reaches them after signing out, and spares those of others.
CREATE TABLE networks (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network    TEXT    NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, network)
) WITHOUT ROWID;

CREATE INDEX networks_written_at ON networks (written_at);
CREATE INDEX networks_network ON networks (network);
