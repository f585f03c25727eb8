-- The rooms that somebody made are counted before they make another one.
CREATE INDEX rooms_creator ON rooms (creator_id);
