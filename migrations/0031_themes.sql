-- Which colours a person chose: 0 those of the system, 1 light, 2 dark.
ALTER TABLE users ADD COLUMN theme INTEGER NOT NULL DEFAULT 0 CHECK (theme IN (0, 1, 2));
