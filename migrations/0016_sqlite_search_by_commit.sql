-- New messages are put into the full-text tables by the transaction that stores them, all of its messages at once, just
-- before it is committed: each statement after the first that wrote to such a table has it write a segment of its own.
DROP TRIGGER message_search_insert;
