//! The only place with SQL. One module per aggregate; [`Db`] holds the connections.
//!
//! Functions take any executor, so they serve a reader and a write alike, and return plain `sqlx::Result`: what an
//! absence means is the caller's to say.
//!
//! What is asked with every page says `LIMIT $1 + 0`: into a bare parameter there SQLite looks when it plans, and so
//! prepares the statement anew each time, which takes longer than to run it.

use futures::TryStreamExt;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Either, Executor, FromRow, Sqlite, SqliteConnection};

pub mod accounts;
pub mod bans;
pub mod boosts;
mod db;
pub mod events;
pub mod frames;
pub mod memberships;
pub mod mentions;
pub mod messages;
pub mod rooms;
pub mod searches;
pub mod sessions;
pub mod signing_keys;
mod sqlite_commits;
pub mod timelines;
pub mod users;

pub use db::{Db, OpenError, Tx};
pub use sqlite_commits::CommitCounter;

/// The schema, every step of it.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The rows of each of several statements, which go to SQLite in one call.
///
/// The way there and back is most of the cost of a small statement. `$1` is the same value in all of them: SQLx hands
/// each statement of a call all the parameters, on SQLite alone.
async fn fetch_each(
    db: &mut SqliteConnection,
    statements: Query<'_, Sqlite, SqliteArguments>,
) -> sqlx::Result<Vec<Vec<SqliteRow>>> {
    let (mut answers, mut rows) = (Vec::new(), Vec::new());
    let mut steps = db.fetch_many(statements);
    while let Some(step) = steps.try_next().await? {
        match step {
            Either::Right(row) => rows.push(row),
            Either::Left(_) => answers.push(std::mem::take(&mut rows)),
        }
    }
    Ok(answers)
}

/// What `rows` hold, each in its own shape.
fn read_all<T: for<'r> FromRow<'r, SqliteRow>>(rows: &[SqliteRow]) -> sqlx::Result<Vec<T>> {
    rows.iter().map(T::from_row).collect()
}

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
