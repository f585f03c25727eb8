-- What earlier commits left in the full-text tables is merged by the writer, as much at a time as was written since. Left
-- to itself, FTS5 merges 64 pages for each of its levels at once, inside whichever commit is next.
INSERT INTO message_search (message_search, rank) VALUES ('automerge', 0);
INSERT INTO message_parts (message_parts, rank) VALUES ('automerge', 0);
