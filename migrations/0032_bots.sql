-- What a bot has beside a user: its token, and the number of its present key, which grows with every reset. The token is
-- stored as it is, because the page of bots shows it in commands to copy, and webhooks receive it in the path to answer at.
CREATE TABLE bots (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token      TEXT    NOT NULL CHECK (token <> ''),
    key_number INTEGER NOT NULL DEFAULT 1
);
