-- Pictures of users, of at most 512 pixels a side: kept beside the users, so that a picture and its user are of one
-- write and of one backup. avatar_version is the number of the latest change to a user's picture, 0 before the first.
-- All changes of pictures and of the logo are counted together, in avatars_version.
CREATE TABLE avatars (
    user_id      INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    content_type TEXT    NOT NULL,
    bytes        BLOB    NOT NULL
);

ALTER TABLE users ADD COLUMN avatar_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN avatars_version INTEGER NOT NULL DEFAULT 0;

-- The account's logo as PNG, once for each side in pixels. logo_version is the number of its latest change, 0 without one.
CREATE TABLE logos (
    side  INTEGER NOT NULL PRIMARY KEY,
    bytes BLOB    NOT NULL
);

ALTER TABLE accounts ADD COLUMN logo_version INTEGER NOT NULL DEFAULT 0;

-- Signs the references to users in URLs of their pictures.
INSERT INTO signing_keys (purpose, key) VALUES ('avatar', randomblob(32));
