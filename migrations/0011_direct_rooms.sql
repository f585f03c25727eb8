-- direct_key holds the ids of everyone in a direct room, in order: one room for each exact set of people.
ALTER TABLE rooms ADD COLUMN direct_key TEXT;

CREATE UNIQUE INDEX rooms_direct_key ON rooms (direct_key) WHERE direct_key IS NOT NULL;

-- A removed room is out of everyone's sight; what it held goes in steps. A room may also be without members because
-- the last of them left the account: that one is kept.
ALTER TABLE rooms ADD COLUMN removed BOOLEAN NOT NULL DEFAULT FALSE;
