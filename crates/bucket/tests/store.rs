//! Files in a bucket of a store on this machine, over its socket.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use bucket::Bucket;
use bucket::testing::Store;

const NAME: &str = "ab/cd/abcd0123";

fn open(store: &Store, location: &str) -> Bucket {
    Bucket::new(location.parse().unwrap(), store.settings()).unwrap()
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

async fn read_all(bucket: &Bucket, name: &str) -> Vec<u8> {
    let object = bucket.open(name).await.unwrap();
    let mut read = Vec::new();
    while (read.len() as u64) < object.bytes() {
        read.extend(object.read(read.len() as u64..object.bytes()).await.unwrap());
    }
    read
}

#[tokio::test]
async fn files_of_every_size_come_back_as_they_were_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(folder.path(), "files").await.unwrap();
    let bucket = open(&store, "s3://files/campfire");
    bucket.check().await.unwrap();
    let source = folder.path().join("source");
    // An empty file, a small one, and some of which are sent in parts.
    for length in [0, 1, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 20_000_000] {
        let content = content(length);
        fs::write(&source, &content).unwrap();
        bucket.put(NAME, &source).await.unwrap();
        assert_eq!(fs::read(store.path("files/campfire/ab/cd/abcd0123")).unwrap(), content, "{length} bytes");
        assert!(read_all(&bucket, NAME).await == content, "{length} bytes");
        let copy = folder.path().join("copy");
        bucket.download(NAME, &copy).await.unwrap();
        assert!(fs::read(copy).unwrap() == content, "{length} bytes");
    }
    assert!(source.exists());
    assert_eq!(bucket.list_before(i64::MAX).await.unwrap(), [NAME]);
    assert!(bucket.list_before(0).await.unwrap().is_empty());
    bucket.delete(NAME).await.unwrap();
    bucket.delete(NAME).await.unwrap();
    assert!(bucket.list_before(i64::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn ranges_are_read_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(folder.path(), "files").await.unwrap();
    let bucket = open(&store, "s3://files");
    let content = content(1_000_000);
    fs::write(folder.path().join("source"), &content).unwrap();
    bucket.put(NAME, &folder.path().join("source")).await.unwrap();
    let object = bucket.open(NAME).await.unwrap();
    for (start, end) in [(0, 10), (10, 20), (999_990, u64::MAX), (500, 1_000), (0, 1), (1, 700_000), (700_000, 700_001)]
    {
        let mut read = Vec::new();
        let end = end.min(object.bytes());
        while start + (read.len() as u64) < end {
            let chunk = object.read(start + read.len() as u64..end).await.unwrap();
            assert!(!chunk.is_empty() && chunk.len() <= 256 * 1024);
            read.extend(chunk);
        }
        assert_eq!(read, content[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()], "{start}–{end}");
    }
    assert_eq!(object.read(5..5).await.unwrap().len(), 0);
    assert_eq!(object.read(2_000_000..3_000_000).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(folder.path(), "files").await.unwrap();
    let bucket = open(&store, "s3://files");
    assert_eq!(bucket.open(NAME).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bucket.download(NAME, &folder.path().join("copy")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bucket.put(NAME, Path::new("/nonexistent")).await.unwrap_err().kind(), ErrorKind::NotFound);
    // Deleted while it is open.
    fs::write(folder.path().join("source"), b"hello").unwrap();
    bucket.put(NAME, &folder.path().join("source")).await.unwrap();
    let object = bucket.open(NAME).await.unwrap();
    bucket.delete(NAME).await.unwrap();
    assert_eq!(object.read(0..5).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_wrong_key_and_a_store_that_is_away_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(folder.path(), "files").await.unwrap();
    let mut settings = store.settings();
    settings.iter_mut().find(|(name, _)| name == "AWS_SECRET_ACCESS_KEY").unwrap().1 = "wrong".into();
    let refused = Bucket::new("s3://files".parse().unwrap(), settings).unwrap();
    assert_eq!(refused.check().await.unwrap_err().kind(), ErrorKind::PermissionDenied);

    let bucket = open(&store, "s3://files");
    bucket.check().await.unwrap();
    drop(store);
    let error = bucket.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other, "{error}");
}
