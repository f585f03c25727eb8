//! The only module with SQL. One module per aggregate; [`Db`] holds the connections.
//!
//! Functions take any executor, so that reads and writes can both call them, and return plain `sqlx::Result`: the
//! caller knows what an absence means.
//!
//! The data of a page is read as JSON in one row, in a single round trip to the connection's thread. A struct is an
//! array in the order of its fields, which serde deserialises. The messages of a page, its position in the event log
//! and its first unread message are of the same moment. Boosts and current names are read after them; a change in
//! between is sent to the page again as an event.
//!
//! Frequent queries write `LIMIT $1 + 0`: SQLite's planner reads the value of a bare parameter in a `LIMIT`, and
//! therefore prepares the statement again for each execution, which takes longer than running it.

pub mod accounts;
pub mod avatars;
pub mod bans;
pub mod boosts;
pub mod bots;
pub mod commands;
mod db;
pub mod events;
pub mod exports;
pub mod files;
pub mod hooks;
pub mod imports;
pub mod inbox;
pub mod jobs;
mod keys;
pub mod layouts;
pub mod memberships;
pub mod mentions;
pub mod messages;
pub mod networks;
pub mod pins;
pub mod placeholders;
pub mod previews;
pub mod pushes;
pub mod renderings;
pub mod rooms;
pub mod saved;
pub mod scheduled;
pub mod searches;
pub mod sessions;
pub mod signing_keys;
pub mod sqlite;
pub mod threads;
pub mod timelines;
pub mod users;
pub mod versions;
pub mod webhooks;

pub use db::{Db, OpenError, Reader, Readers, Tx};

/// The migrations, embedded in the executable.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Ids, or rows, as a JSON array: a list bound to a single parameter, to be read with `json_each`.
fn json_ids(ids: &[impl serde::Serialize]) -> String {
    serde_json::to_string(ids).expect("a list of numbers and texts is JSON")
}

/// `text` for a pattern of `LIKE … ESCAPE '!'`, where it matches itself.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(character);
    }
    escaped
}
