//! A store that speaks S3 over a socket of this machine and keeps its objects in a folder.

use std::io;
use std::path::{Path, PathBuf};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The only key of the store.
const KEY: &str = "campfire-test";

/// The secret that belongs to it.
const SECRET: &str = "not a secret";

/// A running store. It ends, with its connections, when this is dropped.
#[derive(Debug)]
pub struct Store {
    /// Its address.
    pub endpoint: String,
    folder: PathBuf,
    serving: JoinHandle<()>,
}

impl Store {
    /// Starts a store that keeps its buckets in `folder`, and makes one of this name.
    ///
    /// # Errors
    /// When the folder or a socket cannot be used.
    pub async fn start(folder: &Path, bucket: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder.join(bucket))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let mut builder =
            S3ServiceBuilder::new(FileSystem::new(folder).map_err(|error| io::Error::other(format!("{error:?}")))?);
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let serving = tokio::spawn(serve(listener, builder.build()));
        Ok(Self { endpoint, folder: folder.to_owned(), serving })
    }

    /// The variables of the environment that describe it.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Where an object of a bucket is on the disk.
    #[must_use]
    pub fn path(&self, object: &str) -> PathBuf {
        self.folder.join(object)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        connections.spawn(async move { connection.await.is_ok() });
    }
}
