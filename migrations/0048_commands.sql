-- The words that call bots: /word. A word calls one bot in the whole installation. It is stored in lower case.
CREATE TABLE commands (
    word   TEXT    NOT NULL PRIMARY KEY CHECK (word <> ''),
    bot_id INTEGER NOT NULL REFERENCES bots (user_id) ON DELETE CASCADE
);

CREATE INDEX commands_bot ON commands (bot_id, word);

-- A call is delivered to the bot's webhook like a message, but is none: who called, the id from their browser, and what
-- was typed. The digest tells a repeated call from another one with the same id.
ALTER TABLE deliveries ADD COLUMN caller_id INTEGER REFERENCES users (id);
ALTER TABLE deliveries ADD COLUMN client_call_id TEXT;
ALTER TABLE deliveries ADD COLUMN call TEXT;
ALTER TABLE deliveries ADD COLUMN call_digest BLOB;

CREATE UNIQUE INDEX deliveries_calls ON deliveries (caller_id, client_call_id) WHERE caller_id IS NOT NULL;
