-- What people say of themselves, and the order of the list of people: administrators first, then by name.
ALTER TABLE users ADD COLUMN bio TEXT NOT NULL DEFAULT '';

CREATE INDEX users_listed ON users (role DESC, lower(name), id);
