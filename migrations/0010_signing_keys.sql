-- Secrets with which this installation recognises what it signed, one a purpose.
CREATE TABLE signing_keys (
    purpose TEXT PRIMARY KEY,
    key     BLOB NOT NULL
);

INSERT INTO signing_keys (purpose, key) VALUES ('session_transfer', randomblob(32));
