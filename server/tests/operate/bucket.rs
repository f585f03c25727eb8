//! Files in a bucket: storing, reading and deleting them, a backup and its way back, moving them, and a store that is away.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bucket::testing::Store;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::{Outcome, Served, TEST_TIMEOUT, command, send, text};

/// A command that knows the store.
fn with(store: &Store, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.envs(store.settings());
    command
}

async fn run(store: &Store, arguments: &[&str]) -> Outcome {
    let output = timeout(TEST_TIMEOUT, with(store, arguments).output()).await.expect("it ends").unwrap();
    Outcome {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

async fn succeed(store: &Store, arguments: &[&str]) -> String {
    let outcome = run(store, arguments).await;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.output
}

async fn fail(store: &Store, arguments: &[&str]) -> String {
    let outcome = run(store, arguments).await;
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.error
}

const SERVE: [&str; 4] = ["--writes-per-second", "0", "--listen", "127.0.0.1:0"];

async fn serve(store: &Store, data: &Path, more: &[&str]) -> Served {
    let data = text(data);
    let arguments = [&SERVE[..], &["--data", &data], more].concat();
    Served::spawn(with(store, &arguments)).await
}

/// Posts a message with a file, and returns the response.
async fn post_file(served: &Served, seq: u32, content: &str) -> String {
    let field =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = field("body", "look")
        + &field("seq", &seq.to_string())
        + "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"log.txt\"\r\nContent-Type: text/plain\r\n\r\n"
        + content
        + "\r\n--x--\r\n";
    let content_type = "multipart/form-data; boundary=x";
    send(served.port, "POST", "/rooms/1/messages", &served.cookie, content_type, &body).await.unwrap()
}

/// The path of the newest file in the room.
async fn file_path(served: &Served) -> String {
    let page = served.get("/rooms/1").await;
    let at = page.rfind("/files/").unwrap_or_else(|| panic!("no file in {page}"));
    page[at..].split(['"', '?']).next().unwrap().to_owned()
}

/// All files below a folder, without those that only the store itself keeps.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
            found.push(path);
        }
    }
    found
}

async fn until(condition: impl Fn() -> bool) {
    let repeated = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(TEST_TIMEOUT, repeated).await.expect("it becomes true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_stored_in_the_bucket_read_from_it_and_deleted_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(&folder.path().join("store"), "team").await.unwrap();
    let data = folder.path().join("data");
    let mut served = serve(&store, &data, &["--files", "s3://team/campfire"]).await;
    served.set_up_by_ada().await;
    let posted = post_file(&served, 1, "hello from the bucket").await;
    assert!(posted.starts_with("HTTP/1.1 303"), "{posted}");
    let stored = files_below(&store.path("team/campfire"));
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(fs::read(&stored[0]).unwrap(), b"hello from the bucket");
    let path = file_path(&served).await;
    assert!(served.get(&path).await.ends_with("hello from the bucket"));
    let doctor = run(&store, &["doctor", "--data", &text(&data), "--listen", "127.0.0.1:0"]).await;
    assert!(doctor.output.contains("s3://team/campfire"), "{doctor:?}");
    served.kill().await;

    // The next start needs to be told nothing but how the store is reached.
    let mut served = serve(&store, &data, &[]).await;
    served.cookie = served.sign_in("ada@example.com", "correct horse").await;
    assert!(served.get(&path).await.ends_with("hello from the bucket"));
    assert!(files_below(&data.join("files")).is_empty());
    let deleted = served.post("/rooms/1/messages/1", "_method=delete").await;
    assert!(deleted.starts_with("HTTP/1.1 303"), "{deleted}");
    until(|| files_below(&store.path("team/campfire")).is_empty()).await;
    served.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_has_the_files_of_the_bucket_and_they_move_where_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(&folder.path().join("store"), "team").await.unwrap();
    let path_of = |name: &str| text(&folder.path().join(name));
    let data = folder.path().join("data");
    let mut served = serve(&store, &data, &["--files", "s3://team/one"]).await;
    served.set_up_by_ada().await;
    post_file(&served, 1, "keep me").await;
    let path = file_path(&served).await;
    let archive = path_of("a.tar.zst");
    let printed = succeed(&store, &["backup", "--data", &text(&data), &archive]).await;
    assert!(printed.contains("1 file, "), "{printed}");
    let verified = succeed(&store, &["verify", "--data", &text(&data)]).await;
    assert!(verified.contains("1 file, all as they were stored"), "{verified}");
    // A file that another program has changed is found.
    let [stored] = &files_below(&store.path("team/one"))[..] else { panic!("one file") };
    fs::write(stored, "keep us").unwrap();
    let found = run(&store, &["verify", "--data", &text(&data)]).await;
    assert!(found.output.contains("does not have the bytes that were stored"), "{found:?}");
    fs::write(stored, "keep me").unwrap();
    let refused = fail(&store, &["move-files", "--data", &text(&data), "folder"]).await;
    assert!(refused.contains("another Campfire"), "{refused}");
    served.kill().await;

    // The archive becomes an installation with its files in a folder, or in another bucket.
    let (local, remote) = (path_of("local"), path_of("remote"));
    succeed(&store, &["restore", &archive, "--data", &local]).await;
    assert_eq!(files_below(Path::new(&local).join("files").as_path()).len(), 1);
    succeed(&store, &["restore", &archive, "--data", &remote, "--files", "s3://team/two"]).await;
    assert!(files_below(Path::new(&remote).join("files").as_path()).is_empty());
    assert_eq!(files_below(&store.path("team/two")).len(), 1);

    // An installation with files elsewhere keeps them there, and says how they are moved.
    let refused = fail(&store, &[&SERVE[..], &["--data", &local, "--files", "s3://team/three"]].concat()).await;
    assert!(refused.contains("campfire move-files s3://team/three"), "{refused}");
    let moved = succeed(&store, &["move-files", "--data", &local, "s3://team/three"]).await;
    assert!(moved.starts_with("1 file copied to s3://team/three"), "{moved}");
    let again = fail(&store, &["move-files", "--data", &local, "s3://team/three"]).await;
    assert!(again.contains("already"), "{again}");
    let moved = succeed(&store, &["move-files", "--data", &remote, "folder"]).await;
    assert!(moved.starts_with("1 file copied to the data folder"), "{moved}");
    for data in [&local, &remote] {
        let mut served = serve(&store, Path::new(data), &[]).await;
        served.cookie = served.sign_in("ada@example.com", "correct horse").await;
        assert!(served.get(&path).await.ends_with("keep me"), "{data}");
        served.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_or_refuses_is_said_and_the_chat_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(&folder.path().join("store"), "team").await.unwrap();
    let data = folder.path().join("data");
    let folder_argument = text(&data);
    let arguments = [&SERVE[..], &["--data", &folder_argument, "--files", "s3://team"]].concat();
    let refused = with(&store, &arguments).env("AWS_SECRET_ACCESS_KEY", "wrong").output();
    let refused = timeout(TEST_TIMEOUT, refused).await.expect("it ends").unwrap();
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && words.contains("s3://team cannot be used"), "{words}");
    for wrong in ["team", "s3://", "s3://team/../x"] {
        let outcome = run(&store, &["--data", &text(&data), "--files", wrong]).await;
        assert!(outcome.code == Some(2) && outcome.error.contains("s3://BUCKET/PREFIX"), "{outcome:?}");
    }
    let mut served = serve(&store, &data, &["--files", "s3://team"]).await;
    served.set_up_by_ada().await;
    post_file(&served, 1, "before").await;
    let path = file_path(&served).await;
    drop(store);
    let read = served.get(&path).await;
    assert!(read.starts_with("HTTP/1.1 503"), "{read}");
    let posted = post_file(&served, 2, "during").await;
    assert!(posted.starts_with("HTTP/1.1 503") && posted.contains("look"), "{posted}");
    let words = served.post("/rooms/1/messages", "body=only+words&seq=3").await;
    assert!(words.starts_with("HTTP/1.1 303"), "{words}");
    assert!(served.get("/rooms/1").await.contains("only words"));
    served.kill().await;
}
