-- The name somebody was called by, so that an edit of the message still knows them after they took another one.
ALTER TABLE mentions ADD COLUMN name TEXT NOT NULL DEFAULT '';
