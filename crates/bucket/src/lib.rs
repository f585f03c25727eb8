//! Files in a bucket of an S3-compatible store, by name.
//!
//! A file is one object, and its name is the last part of the object's: `PREFIX/ab/cd/NAME` for a name that begins with
//! `abcd`, which is also how a folder of files looks, so that one can be copied to the other by any tool.

mod http;
mod location;
#[cfg(feature = "testing")]
pub mod testing;

pub use location::{Location, NoLocation};

use std::io;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;

/// Size of the parts that a larger file is sent in, in bytes: what one upload keeps in memory. S3 takes 10,000 parts of at
/// least 5 MiB, and so does this up to 80 GB.
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// How many bytes of an object are returned at once, at most.
const CHUNK_BYTES: usize = 256 * 1024;

/// How long an object may send nothing while it is read.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request is repeated that the store does not answer, or answers with an error of its own.
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);

/// The name of the object by which [`Bucket::check`] finds out what it may do.
const PROBE: &str = "campfire-check";

/// Files in a bucket.
#[derive(Debug)]
pub struct Bucket {
    store: AmazonS3,
    location: Location,
}

impl Bucket {
    /// The files at a location of the store that these settings describe, with their usual names: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL` and others. `AWS_ALLOW_HTTP=true` permits an endpoint
    /// without TLS, and `AWS_CA_BUNDLE` names a PEM file with more certificate authorities. Nothing is sent yet.
    ///
    /// # Errors
    /// When the settings contradict each other.
    pub fn new(location: Location, settings: impl IntoIterator<Item = (String, String)>) -> io::Result<Self> {
        let mut builder = AmazonS3Builder::new();
        let mut authorities = None;
        for (name, value) in settings {
            if name == "AWS_CA_BUNDLE" {
                authorities = Some(value);
            } else if let Some(key) = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse().ok()).flatten()
            {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder
            .with_bucket_name(location.bucket())
            .with_retry(RetryConfig { max_retries: 3, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() })
            .with_http_connector(http::Connector::new(authorities.as_deref().map(Path::new))?)
            .build()
            .map_err(failed)?;
        Ok(Self { store, location })
    }

    /// The same with the settings in the environment of the process.
    ///
    /// # Errors
    /// As [`Bucket::new`].
    pub fn from_environment(location: Location) -> io::Result<Self> {
        let settings = std::env::vars_os();
        Self::new(
            location,
            settings.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    fn object(&self, relative: &str) -> ObjectPath {
        match self.location.prefix() {
            "" => ObjectPath::from(relative),
            prefix => ObjectPath::from(format!("{prefix}/{relative}")),
        }
    }

    /// Stores the file at `path` as `relative`; it is durable once this returns.
    ///
    /// # Errors
    /// When the file cannot be read, or the store does not take it.
    pub async fn put(&self, relative: &str, path: &Path) -> io::Result<()> {
        let mut file = File::open(path).await?;
        let object = self.object(relative);
        if file.metadata().await?.len() <= PART_BYTES {
            let mut content = Vec::new();
            file.read_to_end(&mut content).await?;
            self.store.put(&object, PutPayload::from(content)).await.map_err(failed)?;
            return Ok(());
        }
        let mut upload = self.store.put_multipart(&object).await.map_err(failed)?;
        let sent = put_parts(&mut *upload, &mut file).await;
        if sent.is_err() {
            // Stores charge for parts that are never put together. One that is not there any more cannot be asked.
            let _ = upload.abort().await;
        }
        sent
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NotFound` without a file of this name.
    pub async fn open(&self, relative: &str) -> io::Result<Object> {
        let path = self.object(relative);
        let bytes = self.store.head(&path).await.map_err(failed)?.size;
        Ok(Object { store: self.store.clone(), path, bytes, reading: Mutex::new(None) })
    }

    /// Copies a file to `target`.
    ///
    /// # Errors
    /// `NotFound` without a file of this name; when it cannot be read or written whole.
    pub async fn download(&self, relative: &str, target: &Path) -> io::Result<()> {
        let object = self.open(relative).await?;
        let mut file = File::create(target).await?;
        let mut position = 0;
        while position < object.bytes() {
            let chunk = object.read(position..object.bytes()).await?;
            file.write_all(&chunk).await?;
            position += chunk.len() as u64;
        }
        file.flush().await
    }

    /// Deletes a file. One that does not exist is no error.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn delete(&self, relative: &str) -> io::Result<()> {
        match self.store.delete(&self.object(relative)).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// The names of all objects that have not changed since `before_ms`, in milliseconds since the epoch, each without the
    /// prefix.
    ///
    /// # Errors
    /// When the store does not list them.
    pub async fn list_before(&self, before_ms: i64) -> io::Result<Vec<String>> {
        let prefix = self.object("");
        let listed = self.store.list(Some(&prefix));
        let old = listed.try_filter_map(async |object| {
            let relative = object.location.prefix_match(&prefix).map(|parts| {
                let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
                parts.join("/")
            });
            Ok(relative.filter(|_| object.last_modified.timestamp_millis() < before_ms))
        });
        old.try_collect().await.map_err(failed)
    }

    /// Whether files can be stored, read and deleted: does all three with a small one.
    ///
    /// # Errors
    /// What the store said, or why it was not reached.
    pub async fn check(&self) -> io::Result<()> {
        let path = self.object(PROBE);
        self.store.put(&path, PutPayload::from_static(PROBE.as_bytes())).await.map_err(failed)?;
        let stored = self.store.get(&path).await.map_err(failed)?.bytes().await.map_err(failed)?;
        if stored != PROBE.as_bytes() {
            return Err(io::Error::other("it returned other bytes than those that were stored"));
        }
        self.store.delete(&path).await.map_err(failed)
    }
}

async fn put_parts(upload: &mut dyn MultipartUpload, file: &mut File) -> io::Result<()> {
    loop {
        let mut part = Vec::with_capacity(usize::try_from(PART_BYTES).map_err(io::Error::other)?);
        (&mut *file).take(PART_BYTES).read_to_end(&mut part).await?;
        if part.is_empty() {
            break;
        }
        upload.put_part(PutPayload::from(part)).await.map_err(failed)?;
    }
    upload.complete().await.map(drop).map_err(failed)
}

/// A file of a bucket that is being read. What is read in order is one request.
#[derive(Debug)]
pub struct Object {
    store: AmazonS3,
    path: ObjectPath,
    bytes: u64,
    reading: Mutex<Option<Reading>>,
}

/// A response that is not read to its end.
struct Reading {
    /// Position of the next byte in the file.
    position: u64,
    /// Position after its last byte.
    end: u64,
    /// What was received but not asked for yet.
    received: Bytes,
    rest: BoxStream<'static, object_store::Result<Bytes>>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Object {
    /// Its size, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads from the start of `range` on: all of it, or as much as has arrived, at most 256 KiB. Empty only for an empty
    /// range. All of it is requested, so that the next calls, which go on where this one ends, send nothing.
    ///
    /// # Errors
    /// When the store fails, or sends nothing for 30 s.
    pub async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.read_up_to(range, CHUNK_BYTES).await
    }

    /// The same, at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Object::read`].
    pub async fn read_up_to(&self, range: Range<u64>, limit: usize) -> io::Result<Bytes> {
        let range = range.start..range.end.min(self.bytes);
        if range.is_empty() || limit == 0 {
            return Ok(Bytes::new());
        }
        let mut reading = self.reading.lock().await;
        // A failure leaves none: the next call asks anew.
        let mut current = match reading.take() {
            Some(current) if current.position == range.start && current.position < current.end => current,
            _ => self.request(range.clone()).await?,
        };
        while current.received.is_empty() {
            let next = tokio::time::timeout(STALL_TIMEOUT, current.rest.next()).await.map_err(io::Error::from)?;
            current.received = next.ok_or(io::ErrorKind::UnexpectedEof)?.map_err(failed)?;
        }
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let chunk = current.received.split_to(current.received.len().min(limit).min(wanted));
        current.position += chunk.len() as u64;
        *reading = Some(current);
        Ok(chunk)
    }

    async fn request(&self, range: Range<u64>) -> io::Result<Reading> {
        let Range { start: position, end } = range;
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let result = self.store.get_opts(&self.path, options).await.map_err(failed)?;
        Ok(Reading { position, end, received: Bytes::new(), rest: result.into_stream() })
    }
}

/// An error of the store as one of files.
fn failed(error: object_store::Error) -> io::Error {
    let kind = match &error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            io::ErrorKind::PermissionDenied
        }
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
