-- New messages are put into the full-text tables by the transaction that stores them, all of its messages at once, just
-- before it is committed: each statement after the first that wrote to such a table has it write a segment of its own.
DROP TRIGGER message_search_insert;

-- Now and then such a commit also merges what earlier ones wrote, a number of pages at a time: pages of a kilobyte make
-- that a quarter as long, for everyone who waits for that commit.
INSERT INTO message_search (message_search, rank) VALUES ('pgsz', 1000);
INSERT INTO message_parts (message_parts, rank) VALUES ('pgsz', 1000);
