//! The only place with SQL. One module per aggregate; [`Db`] holds the connections.
//!
//! Functions take any executor, so they serve a reader and a write alike, and return plain `sqlx::Result`: what an
//! absence means is the caller's to say.
//!
//! What pages are made from comes as JSON in one row, so that the way to SQLite's thread and back is taken once: a struct
//! is an array in the order of its fields there, which serde reads. A page's messages, the place in the log and the first
//! unread one are of one moment; boosts and today's names are read after them, and what happens in between is told again.
//!
//! What is asked with every page says `LIMIT $1 + 0`: into a bare parameter there SQLite looks when it plans, and so
//! prepares the statement anew each time, which takes longer than to run it.

pub mod accounts;
pub mod bans;
pub mod boosts;
mod db;
pub mod events;
pub mod jobs;
pub mod layouts;
pub mod memberships;
pub mod mentions;
pub mod messages;
pub mod rooms;
pub mod searches;
pub mod sessions;
pub mod signing_keys;
pub mod sqlite;
pub mod timelines;
pub mod users;

pub use db::{Db, OpenError, Reader, Readers, Tx};

/// The schema, every step of it.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Ids as a JSON array, the way a list is bound to one parameter.
fn json_ids(ids: &[impl serde::Serialize]) -> String {
    serde_json::to_string(ids).expect("a list of numbers is JSON")
}

/// The pattern of `LIKE … ESCAPE '!'` for lower-cased text that has `part` in it.
fn containing(part: &str) -> String {
    let mut pattern = String::from("%");
    for character in part.trim().chars().flat_map(char::to_lowercase) {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
