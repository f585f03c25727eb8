-- Both full-text tables get the text folded: letters that readers take for the same are the same there, and marks that
-- make another word stay (src/search/indexed.rs). search_parts is the text for the table of parts where it differs from
-- that for the table of words; text in ASCII has neither.
ALTER TABLE messages ADD COLUMN search_parts TEXT;

DROP TRIGGER message_search_update;
CREATE TRIGGER message_search_update AFTER UPDATE OF body_text ON messages BEGIN
    UPDATE message_search
       SET marks = 'r' || new.room_id || ' u' || new.creator_id || ' ' || new.search_marks,
           words = COALESCE(new.search_words, new.body_text)
     WHERE rowid = new.id;
    UPDATE message_parts
       SET marks = 'r' || new.room_id || ' u' || new.creator_id || ' ' || new.search_marks,
           parts = COALESCE(new.search_parts, new.search_words, new.body_text)
     WHERE rowid = new.id;
END;

-- The version by which messages are indexed. Those below renewed_before still have the index of an earlier one; a job
-- renews them from the newest to the oldest.
CREATE TABLE search_index (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    version        INTEGER NOT NULL,
    renewed_before INTEGER NOT NULL
);
INSERT INTO search_index (id, version, renewed_before) VALUES (1, 0, 0);
