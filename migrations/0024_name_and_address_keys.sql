-- Names and e-mail addresses are compared and ordered by the rules of Unicode, which SQLite does not know: the keys are
-- computed in Rust and stored beside the values (src/store/keys.rs). Those of existing rows are computed at the next
-- start, as whenever the version of the keys is another than the stored one.
--
-- email_key is what makes an address unique. It is NULL while another user has it: of two old addresses that were
-- different before and are the same now, one keeps working as it is written only.
ALTER TABLE users ADD COLUMN email_key TEXT;
ALTER TABLE users ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN name_order BLOB NOT NULL DEFAULT x'';
ALTER TABLE rooms ADD COLUMN name_order BLOB NOT NULL DEFAULT x'';

CREATE UNIQUE INDEX users_email_key ON users (email_key);

DROP INDEX users_name;
DROP INDEX users_listed;
CREATE INDEX users_name_order ON users (name_order, id);
CREATE INDEX users_listed ON users (role DESC, name_order, id);

CREATE TABLE key_versions (
    kind    TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO key_versions (kind, version) VALUES ('names', 0);
