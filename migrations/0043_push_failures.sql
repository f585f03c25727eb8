-- A device that its owner has removed stays as a tombstone, so that its browser does not register it again unless its owner
-- turns notifications on there. A device is left alone until not_before_at when its push service was busy or did not
-- answer; failure_count counts how often in a row that was so, since failing_since.
ALTER TABLE push_subscriptions ADD COLUMN removed_at INTEGER;
ALTER TABLE push_subscriptions ADD COLUMN not_before_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE push_subscriptions ADD COLUMN failure_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE push_subscriptions ADD COLUMN failing_since INTEGER;

-- Whether anybody is to get a push of a message is asked by every post: few members want to hear of everything.
CREATE INDEX memberships_everything ON memberships (room_id, user_id) WHERE involvement = 'everything';
