//! The only place with SQL. One module per aggregate; [`Db`] holds the connections.
//!
//! Functions take any executor, so they serve a reader and a write alike, and return plain `sqlx::Result`: what an
//! absence means is the caller's to say.

pub mod accounts;
pub mod bans;
pub mod boosts;
mod db;
pub mod events;
pub mod memberships;
pub mod mentions;
pub mod messages;
pub mod rooms;
pub mod searches;
pub mod sessions;
pub mod signing_keys;
pub mod users;

pub use db::{Db, OpenError, Tx};

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
