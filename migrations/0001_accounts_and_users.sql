-- One installation serves one account; the guard makes a second one impossible, also in a race.
CREATE TABLE accounts (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL CHECK (name <> ''),
    join_code       TEXT    NOT NULL UNIQUE,
    singleton_guard INTEGER NOT NULL DEFAULT 0 UNIQUE CHECK (singleton_guard = 0),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
);

-- role: 0 member, 1 administrator, 2 bot. status: 0 active, 1 deactivated, 2 banned.
CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL CHECK (name <> ''),
    email_address TEXT,
    password_hash TEXT,
    role          INTEGER NOT NULL DEFAULT 0 CHECK (role IN (0, 1, 2)),
    status        INTEGER NOT NULL DEFAULT 0 CHECK (status IN (0, 1, 2)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
);

CREATE UNIQUE INDEX users_email_address ON users (lower(email_address));
CREATE INDEX users_name ON users (lower(name), id);
