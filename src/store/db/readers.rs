//! The pool of read-only connections.
//!
//! SQLx's own pool pings each connection on release, an extra round trip to its thread. This one puts a connection back
//! without a ping when its last query is known to be complete, and pings it only when the query was cancelled or
//! failed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use sqlx::sqlite::{SqliteConnectOptions, SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo};
use sqlx::{Connection, Describe, Either, Execute, Executor, SqlStr, Sqlite, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// How long a read waits for a free connection before it fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool of read-only connections that see every commit so far. A connection is opened when all others are in use.
/// Clones share the pool.
///
/// As an executor it acquires a connection for a single call, and buffers all of its rows before it yields the first.
#[derive(Clone, Debug)]
pub struct Readers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    options: SqliteConnectOptions,
    /// One permit per connection, open or not.
    permits: Arc<Semaphore>,
    /// A stack: the connection used last, whose page cache is warm, is the next.
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection acquired for several calls. [`Reader::release`] it after the last one, which saves a ping.
#[derive(Debug)]
pub struct Reader {
    readers: Readers,
    /// `Some` until the connection is released.
    acquired: Option<(SqliteConnection, OwnedSemaphorePermit)>,
}

impl Readers {
    /// An empty pool that opens at most `max_connections`.
    #[must_use]
    pub(super) fn new(options: SqliteConnectOptions, max_connections: usize) -> Self {
        let permits = Arc::new(Semaphore::new(max_connections));
        Self(Arc::new(Pool { options, permits, idle: Mutex::default() }))
    }

    /// Acquires a connection for several calls.
    ///
    /// # Errors
    /// `PoolTimedOut` when none is released within 5 s, `PoolClosed` after [`Readers::close`], or the error of opening
    /// a connection.
    pub async fn acquire(&self) -> sqlx::Result<Reader> {
        let permits = &self.0.permits;
        let permit = match permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(sqlx::Error::PoolClosed),
            Err(TryAcquireError::NoPermits) => tokio::time::timeout(ACQUIRE_TIMEOUT, permits.clone().acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.0.options).await?,
        };
        Ok(Reader { readers: self.clone(), acquired: Some((connection, permit)) })
    }

    /// Closes the pool: every later read fails with `PoolClosed`.
    pub fn close(&self) {
        self.0.permits.close();
    }

    /// Pushes the connection before it drops the permit, so that the next holder of the permit finds it.
    fn put_back(&self, (connection, permit): (SqliteConnection, OwnedSemaphorePermit)) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        drop(permit);
    }
}

/// Invariant of [`Reader::acquired`]: only [`Reader::release`] and `drop` take it, and both consume the reader.
const NOT_RELEASED: &str = "a reader has its connection until it is released";

impl Reader {
    /// The connection, for the store's functions.
    pub fn db(&mut self) -> &mut SqliteConnection {
        &mut self.acquired.as_mut().expect(NOT_RELEASED).0
    }

    /// Puts the connection back without a ping. Its last query must be complete.
    pub fn release(mut self) {
        self.readers.put_back(self.acquired.take().expect(NOT_RELEASED));
    }
}

/// A reader dropped without [`Reader::release`] may have a query under way, if its future was cancelled, or a broken
/// connection: the connection is put back once it answers a ping, and closed if it does not.
impl Drop for Reader {
    fn drop(&mut self) {
        let Some(mut acquired) = self.acquired.take() else { return };
        let readers = self.readers.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            match acquired.0.ping().await {
                Ok(()) => readers.put_back(acquired),
                Err(error) => tracing::warn!(%error, "a reading connection failed and is closed"),
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

    /// Takes some tenths of a second.
    const SLOW_QUERY: &str = "WITH RECURSIVE counted (number) AS (
             SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < 2000000
         )
         SELECT MAX(number) FROM counted";

    fn readers(max_connections: usize) -> (Readers, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("some.sqlite3")).create_if_missing(true);
        (Readers::new(options, max_connections), folder)
    }

    async fn number(db: impl sqlx::SqliteExecutor<'_>) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT 7").fetch_one(db).await
    }

    fn idle_count(readers: &Readers) -> usize {
        readers.0.idle.lock().unwrap().len()
    }

    #[tokio::test]
    async fn sequential_calls_reuse_one_connection() {
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
    async fn the_pool_never_exceeds_its_size_and_a_released_connection_goes_to_the_next_waiter() {
        let (readers, _folder) = readers(2);
        let first = readers.acquire().await.unwrap();
        let _second = readers.acquire().await.unwrap();
        let mut third = Box::pin(readers.acquire());
        assert!(matches!(futures::poll!(&mut third), Poll::Pending));
        first.release();
        assert!(matches!(futures::poll!(&mut third), Poll::Ready(Ok(_))));
    }

    #[tokio::test]
    async fn a_connection_with_a_cancelled_query_is_put_back_after_a_ping() {
        let (readers, _folder) = readers(1);
        let mut reader = readers.acquire().await.unwrap();
        {
            let mut cancelled = Box::pin(sqlx::query_scalar::<_, i64>(SLOW_QUERY).fetch_one(reader.db()));
            assert!(matches!(futures::poll!(&mut cancelled), Poll::Pending));
        }
        drop(reader);
        tokio::task::yield_now().await;
        assert_eq!((readers.0.permits.available_permits(), idle_count(&readers)), (0, 0));
        assert_eq!(number(&readers).await.unwrap(), 7);
        assert_eq!((readers.0.permits.available_permits(), idle_count(&readers)), (1, 1));
    }

    #[tokio::test]
    async fn reads_fail_after_the_pool_is_closed() {
        let (readers, _folder) = readers(1);
        assert_eq!(number(&readers).await.unwrap(), 7);
        readers.close();
        assert!(matches!(number(&readers).await, Err(sqlx::Error::PoolClosed)));
    }
}
