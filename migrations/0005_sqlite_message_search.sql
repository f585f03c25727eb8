-- SQLite's own full-text table over the plain text of messages; triggers keep it in the same write.
CREATE VIRTUAL TABLE message_search USING fts5 (
    body_text, content = 'messages', content_rowid = 'id', tokenize = 'porter unicode61'
);

CREATE TRIGGER message_search_insert AFTER INSERT ON messages BEGIN
    INSERT INTO message_search (rowid, body_text) VALUES (new.id, new.body_text);
END;

CREATE TRIGGER message_search_update AFTER UPDATE OF body_text ON messages BEGIN
    INSERT INTO message_search (message_search, rowid, body_text) VALUES ('delete', old.id, old.body_text);
    INSERT INTO message_search (rowid, body_text) VALUES (new.id, new.body_text);
END;

CREATE TRIGGER message_search_delete AFTER DELETE ON messages BEGIN
    INSERT INTO message_search (message_search, rowid, body_text) VALUES ('delete', old.id, old.body_text);
END;
