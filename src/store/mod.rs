//! The only place with SQL. One module per aggregate; [`Db`] holds the connections.
//!
//! Functions take any executor, so they serve a reader and a write alike, and return plain `sqlx::Result`: what an
//! absence means is the caller's to say.

pub mod accounts;
mod db;
pub mod events;
pub mod memberships;
pub mod messages;
pub mod rooms;
pub mod sessions;
pub mod users;

pub use db::{Db, OpenError, Tx};

/// The schema, every step of it.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Ids as a JSON array, the way a list is bound to one parameter.
fn json_ids(ids: &[crate::model::UserId]) -> String {
    serde_json::to_string(ids).expect("a list of numbers is JSON")
}
