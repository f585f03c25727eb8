//! The tables and columns of Campfire that a database has.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::SourceError;

/// Tables without which there is nothing to read, with the columns that are read.
const REQUIRED: [(&str, &[&str]); 9] = [
    ("accounts", &["id", "name", "join_code", "created_at"]),
    ("users", &["id", "name", "email_address", "password_digest", "role", "created_at"]),
    ("rooms", &["id", "type", "name", "creator_id", "created_at", "updated_at"]),
    ("memberships", &["id", "room_id", "user_id", "involvement", "unread_at", "created_at"]),
    ("messages", &["id", "room_id", "creator_id", "client_message_id", "created_at"]),
    ("boosts", &["message_id", "booster_id", "content", "created_at"]),
    ("action_text_rich_texts", &["record_type", "record_id", "name", "body"]),
    ("active_storage_attachments", &["record_type", "record_id", "name", "blob_id"]),
    ("active_storage_blobs", &["id", "key", "filename", "checksum"]),
];

/// The tables of a database with their columns.
pub struct Schema {
    columns: HashMap<String, HashSet<String>>,
    /// Users have a status: the present generation.
    pub has_status: bool,
    /// There are bots.
    pub has_bots: bool,
}

impl Schema {
    /// Reads the schema.
    pub fn read(connection: &Connection) -> Result<Self, SourceError> {
        let mut columns: HashMap<String, HashSet<String>> = HashMap::new();
        let mut query = connection.prepare(
            "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
              WHERE tables.type = 'table' AND tables.sql NOT LIKE 'CREATE VIRTUAL%'",
        )?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            columns.entry(row.get(0)?).or_default().insert(row.get(1)?);
        }
        for (table, names) in REQUIRED {
            let Some(found) = columns.get(table) else {
                return Err(SourceError::Unknown(format!("it has no table {table}")));
            };
            if let Some(name) = names.iter().find(|name| !found.contains(**name)) {
                return Err(SourceError::Unknown(format!("its table {table} has no column {name}")));
            }
        }
        let has = |table: &str, column: &str| columns.get(table).is_some_and(|names| names.contains(column));
        let (has_status, has_bots) = (has("users", "status"), has("users", "bot_token"));
        Ok(Self { columns, has_status, has_bots })
    }

    /// Whether there is a table.
    pub fn has_table(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }

    /// Whether a table has a column.
    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.columns.get(table).is_some_and(|names| names.contains(column))
    }
}
