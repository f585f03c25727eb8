-- The message that a message answers. It stays when that one is removed, so there is no reference.

ALTER TABLE messages ADD COLUMN reply_to INTEGER;

CREATE INDEX messages_reply_to ON messages (reply_to) WHERE reply_to IS NOT NULL;

-- Tells a message that was removed from one that never was.
CREATE INDEX removed_messages_message ON removed_messages (message_id);
