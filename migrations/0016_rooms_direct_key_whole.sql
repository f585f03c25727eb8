-- The index over all rooms, those without a key included, each of which counts as different from the others. While it
-- was a partial one, SQLite prepared every statement about rooms anew each time: which plan fits such an index may
-- depend on the values that are bound.
DROP INDEX rooms_direct_key;
CREATE UNIQUE INDEX rooms_direct_key ON rooms (direct_key);
