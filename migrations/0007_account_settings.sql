-- What administrators decide for everyone. custom_styles_digest names the custom styles, '' without any.
ALTER TABLE accounts ADD COLUMN room_creation_restricted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE accounts ADD COLUMN custom_styles TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN custom_styles_digest TEXT NOT NULL DEFAULT '';
