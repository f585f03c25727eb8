-- How far the stored messages have been rendered by each version of the renderer: from before_id on to the newest. A row
-- is added when a version first runs; messages that are posted later are rendered by it anyway.
CREATE TABLE renderings (
    version   INTEGER PRIMARY KEY,
    before_id INTEGER NOT NULL
);
