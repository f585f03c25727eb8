-- What a name looks like: names that look alike have the same one. NULL until the program has worked it out.
ALTER TABLE users ADD COLUMN name_skeleton TEXT;

CREATE INDEX users_name_skeleton ON users (name_skeleton);

-- Whether pages before signing in name an administrator to write to.
ALTER TABLE accounts ADD COLUMN help_shown BOOLEAN NOT NULL DEFAULT FALSE;
