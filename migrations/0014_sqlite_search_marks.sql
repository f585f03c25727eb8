-- Search, anew. A message is found by its words (message_search) and by parts of them (message_parts), and both know
-- its room, its author and what is in it as words of a column of their own: a search over few rooms then reads the
-- entries of those rooms, however common the word is elsewhere.
--
-- search_words is the text as the index of words takes it, where that differs from body_text: writing without spaces,
-- and emoji, one character a word. search_marks says what is in the message: 'link', 'code'.
DROP TRIGGER message_search_insert;
DROP TRIGGER message_search_update;
DROP TRIGGER message_search_delete;
DROP TABLE message_search;

ALTER TABLE messages ADD COLUMN search_words TEXT;
ALTER TABLE messages ADD COLUMN search_marks TEXT NOT NULL DEFAULT '';

UPDATE messages
   SET search_marks = CASE WHEN instr(body_html, '<a href') > 0 THEN 'link ' ELSE '' END
                   || CASE WHEN instr(body_html, '<code') > 0 THEN 'code ' ELSE '' END;

CREATE VIRTUAL TABLE message_search USING fts5 (
    marks, words, content = '', contentless_delete = 1,
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);
CREATE VIRTUAL TABLE message_parts USING fts5 (
    marks, parts, content = '', contentless_delete = 1, tokenize = 'trigram'
);

INSERT INTO message_search (rowid, marks, words)
SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks, body_text FROM messages;
INSERT INTO message_parts (rowid, marks, parts)
SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks, body_text FROM messages;

CREATE TRIGGER message_search_insert AFTER INSERT ON messages BEGIN
    INSERT INTO message_search (rowid, marks, words)
    VALUES (new.id, 'r' || new.room_id || ' u' || new.creator_id || ' ' || new.search_marks,
            COALESCE(new.search_words, new.body_text));
    INSERT INTO message_parts (rowid, marks, parts)
    VALUES (new.id, 'r' || new.room_id || ' u' || new.creator_id || ' ' || new.search_marks, new.body_text);
END;

CREATE TRIGGER message_search_update AFTER UPDATE OF body_text ON messages BEGIN
    UPDATE message_search
       SET marks = 'r' || new.room_id || ' u' || new.creator_id || ' ' || new.search_marks,
           words = COALESCE(new.search_words, new.body_text)
     WHERE rowid = new.id;
    UPDATE message_parts
       SET marks = 'r' || new.room_id || ' u' || new.creator_id || ' ' || new.search_marks, parts = new.body_text
     WHERE rowid = new.id;
END;

CREATE TRIGGER message_search_delete AFTER DELETE ON messages BEGIN
    DELETE FROM message_search WHERE rowid = old.id;
    DELETE FROM message_parts WHERE rowid = old.id;
END;

-- What each person searched for last.
CREATE TABLE searches (
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    query       TEXT    NOT NULL,
    searched_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, query)
) WITHOUT ROWID;
