-- What somebody wants of pushes, if that is not the default. They are paused until paused_until, and quiet from quiet_from
-- to quiet_to (minutes of the day) in the nights that begin on the days of quiet_nights, and on the days of quiet_days: a
-- bit for each day of the week, Monday's is 1. Times are those of time_zone.
CREATE TABLE push_settings (
    user_id      INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    names_only   BOOLEAN NOT NULL DEFAULT FALSE,
    paused_until INTEGER,
    quiet_from   INTEGER NOT NULL CHECK (quiet_from BETWEEN 0 AND 1439),
    quiet_to     INTEGER NOT NULL CHECK (quiet_to BETWEEN 0 AND 1439),
    quiet_nights INTEGER NOT NULL DEFAULT 0 CHECK (quiet_nights BETWEEN 0 AND 127),
    quiet_days   INTEGER NOT NULL DEFAULT 0 CHECK (quiet_days BETWEEN 0 AND 127),
    time_zone    TEXT    NOT NULL DEFAULT 'UTC'
);
