//! The connections that read.
//!
//! SQLx's own pool asks every connection for a sign of life when it comes back: one more way to its thread and back. Here
//! it comes back at once where it is known that nothing is under way in it, and is asked only where somebody went away in
//! the middle.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use sqlx::sqlite::{SqliteConnectOptions, SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo};
use sqlx::{Connection, Describe, Either, Execute, Executor, SqlStr, Sqlite, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// How long a read waits for a connection before it is refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections that see every commit so far and cannot write. Each is opened when all others are taken. Clones share
/// them.
///
/// As an executor it borrows one for a single call, and takes all of its rows before it hands out the first.
#[derive(Clone, Debug)]
pub struct Readers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: SqliteConnectOptions,
    /// One for each connection there may be.
    permits: Arc<Semaphore>,
    /// The one used last is the next.
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection that somebody has for several calls. [`Reader::release`] it after the last one.
#[derive(Debug)]
pub struct Reader {
    readers: Readers,
    /// Here until it goes back.
    borrowed: Option<(SqliteConnection, OwnedSemaphorePermit)>,
}

impl Readers {
    /// None yet, and never more than `most`.
    #[must_use]
    pub(super) fn new(options: SqliteConnectOptions, most: usize) -> Self {
        let permits = Arc::new(Semaphore::new(most));
        Self(Arc::new(Shared { options, permits, idle: Mutex::default() }))
    }

    /// A connection for several calls.
    ///
    /// # Errors
    /// `PoolTimedOut` when none comes back within 5 s, `PoolClosed` after [`Readers::close`], or why none can be opened.
    pub async fn acquire(&self) -> sqlx::Result<Reader> {
        let permits = &self.0.permits;
        let permit = match permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(sqlx::Error::PoolClosed),
            Err(TryAcquireError::NoPermits) => tokio::time::timeout(PATIENCE, permits.clone().acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.0.options).await?,
        };
        Ok(Reader { readers: self.clone(), borrowed: Some((connection, permit)) })
    }

    /// Refuses all reads from now on.
    pub fn close(&self) {
        self.0.permits.close();
    }

    /// The connection first: whoever gets the permit finds it.
    fn take_back(&self, (connection, permit): (SqliteConnection, OwnedSemaphorePermit)) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        drop(permit);
    }
}

impl Reader {
    /// The connection, for the store's functions.
    pub fn db(&mut self) -> &mut SqliteConnection {
        &mut self.borrowed.as_mut().expect("a connection is here until it goes back").0
    }

    /// Gives it back at once. All that was asked of it has been answered.
    pub fn release(mut self) {
        self.readers.take_back(self.borrowed.take().expect("a connection is here until it goes back"));
    }
}

/// Whoever had it may have gone away in the middle, or it may have failed: it comes back when it answers again, and not
/// at all if it does not.
impl Drop for Reader {
    fn drop(&mut self) {
        let Some(mut borrowed) = self.borrowed.take() else { return };
        let readers = self.readers.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            match borrowed.0.ping().await {
                Ok(()) => readers.take_back(borrowed),
                Err(error) => tracing::warn!(%error, "a connection that read is lost"),
            }
        });
    }
}

type Step = Either<SqliteQueryResult, SqliteRow>;

impl<'c> Executor<'c> for &'c Readers {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Step>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let steps = async move {
            let mut reader = self.acquire().await?;
            let steps: Vec<Step> = reader.db().fetch_many(query).try_collect().await?;
            reader.release();
            Ok(stream::iter(steps.into_iter().map(Ok)))
        };
        steps.try_flatten_stream().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<SqliteRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        let row = async move {
            let mut reader = self.acquire().await?;
            let row = reader.db().fetch_optional(query).await?;
            reader.release();
            Ok(row)
        };
        row.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<SqliteStatement>>
    where
        'c: 'e,
    {
        async move { self.acquire().await?.db().prepare_with(sql, parameters).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Sqlite>>>
    where
        'c: 'e,
    {
        async move { self.acquire().await?.db().describe(sql).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    /// Counts for some tenths of a second before it answers.
    const SLOW: &str = "WITH RECURSIVE counted (number) AS (
             SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < 2000000
         )
         SELECT MAX(number) FROM counted";

    fn readers(most: usize) -> (Readers, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("some.sqlite3")).create_if_missing(true);
        (Readers::new(options, most), folder)
    }

    async fn number(db: impl sqlx::SqliteExecutor<'_>) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT 7").fetch_one(db).await
    }

    fn idle_count(readers: &Readers) -> usize {
        readers.0.idle.lock().unwrap().len()
    }

    #[tokio::test]
    async fn calls_one_after_the_other_share_a_connection() {
        let (readers, _folder) = readers(4);
        for _ in 0..3 {
            assert_eq!(number(&readers).await.unwrap(), 7);
            let all: Vec<i64> =
                sqlx::query_scalar("SELECT value FROM json_each('[3, 4]')").fetch_all(&readers).await.unwrap();
            assert_eq!(all, [3, 4]);
            let mut reader = readers.acquire().await.unwrap();
            assert_eq!(number(reader.db()).await.unwrap(), 7);
            assert_eq!(idle_count(&readers), 0);
            reader.release();
            assert_eq!(idle_count(&readers), 1);
        }
    }

    #[tokio::test]
    async fn there_are_never_more_than_asked_for_and_whoever_waits_is_next() {
        let (readers, _folder) = readers(2);
        let (first, _second) = (readers.acquire().await.unwrap(), readers.acquire().await.unwrap());
        let mut third = Box::pin(readers.acquire());
        assert!(matches!(futures::poll!(&mut third), Poll::Pending));
        first.release();
        assert!(matches!(futures::poll!(&mut third), Poll::Ready(Ok(_))));
    }

    #[tokio::test]
    async fn one_that_was_left_in_the_middle_comes_back_when_it_is_done() {
        let (readers, _folder) = readers(1);
        let mut reader = readers.acquire().await.unwrap();
        {
            let mut left = Box::pin(sqlx::query_scalar::<_, i64>(SLOW).fetch_one(reader.db()));
            assert!(matches!(futures::poll!(&mut left), Poll::Pending));
        }
        drop(reader);
        tokio::task::yield_now().await;
        assert_eq!((readers.0.permits.available_permits(), idle_count(&readers)), (0, 0));
        assert_eq!(number(&readers).await.unwrap(), 7);
        assert_eq!((readers.0.permits.available_permits(), idle_count(&readers)), (1, 1));
    }

    #[tokio::test]
    async fn after_the_end_nothing_is_read() {
        let (readers, _folder) = readers(1);
        assert_eq!(number(&readers).await.unwrap(), 7);
        readers.close();
        assert!(matches!(number(&readers).await, Err(sqlx::Error::PoolClosed)));
    }
}
