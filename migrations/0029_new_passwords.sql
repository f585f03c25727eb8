-- Until when a session may set a password without the present one, in milliseconds since the epoch: its user had lost
-- the password, and an administrator's link signed them in. 0 for all other sessions.
ALTER TABLE sessions ADD COLUMN new_password_until INTEGER NOT NULL DEFAULT 0;
