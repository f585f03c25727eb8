-- Previews of the links in messages, by the text of the link. What becomes of one: 'waiting' until its page has been
-- fetched; 'picture' while that of the page is still to be fetched; then 'shown', or 'none' where there is nothing to
-- show; 'removed' once somebody has taken it away, so that an edit of the message does not bring it back.
CREATE TABLE link_previews (
    message_id  INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    link        TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    state       TEXT    NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'picture', 'shown', 'none', 'removed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    url         TEXT,
    title       TEXT,
    description TEXT,
    picture_url TEXT,
    picture_key TEXT UNIQUE REFERENCES blobs (key),
    PRIMARY KEY (message_id, link)
);

-- Whether previews of links are made.
ALTER TABLE accounts ADD COLUMN links_previewed BOOLEAN NOT NULL DEFAULT TRUE;
