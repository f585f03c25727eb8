-- New messages are put into the full-text tables by the transaction that stores them, all of its messages at once, just
-- before it is committed: FTS5 writes what it has to disk, as a segment of its own, at every savepoint, and SQLite opens
-- one for many a statement.
DROP TRIGGER message_search_insert;

-- Now and then such a commit also merges what earlier ones wrote, a number of pages at a time: pages of a kilobyte make
-- that a quarter as long, for everyone who waits for that commit.
INSERT INTO message_search (message_search, rank) VALUES ('pgsz', 1000);
INSERT INTO message_parts (message_parts, rank) VALUES ('pgsz', 1000);
