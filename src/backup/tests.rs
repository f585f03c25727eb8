//! Tests of backups, on real data folders.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::files::{Location, PREVIEW_SUFFIX};
use crate::model::{FileKey, FileName};
use crate::state::AppState;
use crate::store::{self, files::NewBlob};
use crate::testing::{self, World};

const NOW_MS: i64 = 1_700_000_123_456;

/// An installation with a message and its file, which has a preview, and a file that nothing has any more.
struct Installation {
    world: World,
    key: FileKey,
    expired: FileKey,
    backups: TempDir,
}

async fn installation() -> Installation {
    let world = testing::world().await;
    let message = world.post(&world.ada, world.all_talk.id, "See the picture").await;
    let backups = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    for (number, content) in [(1, "a picture"), (2, "nobody has this one")] {
        let key = FileKey::new([number; 16]);
        let source = backups.path().join("source");
        fs::write(&source, content).unwrap();
        let blobs = &world.state.files.blobs;
        blobs.put(key.as_str(), &source).await.unwrap();
        blobs.put(&format!("{key}{PREVIEW_SUFFIX}"), &source).await.unwrap();
        fs::remove_file(source).unwrap();
        let blob = NewBlob {
            key: key.clone(),
            creator_id: world.ada.id,
            bytes: content.len() as i64,
            sha256: Sha256::digest(content).into(),
            content_type: "image/png".into(),
            size: Some((1, 1)),
        };
        let (room_id, message_id) = (world.all_talk.id, message.id);
        let attached = (number == 1).then(|| (key.clone(), FileName::clean("picture.png")));
        let insert = async move |tx: &mut store::Tx| {
            store::files::insert_blob(tx.db(), &blob, 1, 2).await?;
            store::files::set_preview(tx.db(), &blob.key, "image/jpeg", None).await?;
            if let Some(attached) = attached {
                store::files::attach(tx.db(), room_id, message_id, &[attached]).await?;
            }
            Ok(())
        };
        world.state.db.write(insert).await.unwrap();
        keys.push(key);
    }
    let expired = keys.pop().unwrap();
    Installation { world, key: keys.pop().unwrap(), expired, backups }
}

impl Installation {
    fn folder(&self) -> PathBuf {
        self.world.database_path().parent().unwrap().to_owned()
    }

    fn save(&self, name: &str) -> (PathBuf, Saved) {
        let path = self.backups.path().join(name);
        let saved = save(&self.folder(), &path, NOW_MS, &mut |_| {}).unwrap();
        (path, saved)
    }

    fn stored_path(&self, key: &FileKey) -> PathBuf {
        self.folder().join("files").join(files_path(key.as_str()))
    }
}

fn files_path(name: &str) -> String {
    crate::files::relative(name).unwrap()
}

fn verify(path: &Path) -> Result<Report, BackupError> {
    let scratch = tempfile::tempdir().unwrap();
    let report = verify_archive(path, scratch.path(), &mut |_| {});
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing is left");
    report
}

#[tokio::test]
async fn what_is_saved_is_believed_and_comes_back_with_another_epoch() {
    let installation = installation().await;
    let old = store::events::room_cursor(installation.world.state.db.reader(), installation.world.all_talk.id);
    let old = old.await.unwrap();
    for name in ["a.tar", "a.tar.zst"] {
        let (path, saved) = installation.save(name);
        let bytes = fs::metadata(&path).unwrap().len();
        assert_eq!(saved, Saved { message_count: 1, file_count: 2, bytes, ..Saved::default() });
        let report = verify(&path).unwrap();
        assert_eq!(report, Report { message_count: 1, file_count: 2, ..Report::default() });
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        fs::create_dir(data.join("restoring")).unwrap();
        fs::write(data.join("restoring/left"), "by a process that was killed").unwrap();
        let restored = restore(&path, data, &Location::Folder, &mut |_| {}).unwrap();
        assert_eq!((restored.message_count, restored.file_count, restored.problems), (1, 2, Vec::new()));
        assert!(!data.join("restoring").exists());
        assert_eq!(verify_folder(data, &mut |_| {}).unwrap(), report);
        let preview = files_path(&format!("{}{PREVIEW_SUFFIX}", installation.key));
        assert_eq!(fs::read_to_string(data.join("files").join(preview)).unwrap(), "a picture");

        let state = AppState::open(data, Clock::System).await.unwrap();
        let page = store::events::room_cursor(state.db.reader(), installation.world.all_talk.id).await.unwrap();
        assert_eq!((page.seq, page.at), (old.seq, old.at));
        assert_ne!(page.epoch, old.epoch);
        assert!(matches!(restore(&path, data, &Location::Folder, &mut |_| {}), Err(BackupError::NotEmpty(_))));
    }
    assert_eq!(last_backup_ms(&installation.folder()), Some(NOW_MS));
}

#[tokio::test]
async fn lost_and_changed_files_are_found_unless_they_are_about_to_be_deleted() {
    let installation = installation().await;
    let folder = installation.folder();
    fs::remove_file(installation.stored_path(&installation.expired)).unwrap();
    assert_eq!(verify_folder(&folder, &mut |_| {}).unwrap().problems, [""; 0]);
    fs::write(installation.stored_path(&installation.key), "b picture").unwrap();
    let report = verify_folder(&folder, &mut |_| {}).unwrap();
    assert_eq!(report.problems, [format!("file {}: it does not have the bytes that were stored", installation.key)]);
    // It is saved as it is, and the check of the archive says so.
    let (path, saved) = installation.save("changed.tar");
    assert_eq!((saved.file_count, saved.changed_count), (1, 1));
    assert_eq!(verify(&path).unwrap().problems, report.problems);
    // Everything comes back, with this file as it was.
    let into = tempfile::tempdir().unwrap();
    assert_eq!(restore(&path, into.path(), &Location::Folder, &mut |_| {}).unwrap().problems, report.problems);
    assert_eq!(verify_folder(into.path(), &mut |_| {}).unwrap().problems, report.problems);

    fs::remove_file(installation.stored_path(&installation.key)).unwrap();
    let missing = format!("file {}: it is missing", installation.key);
    assert_eq!(verify_folder(&folder, &mut |_| {}).unwrap().problems, std::slice::from_ref(&missing));
    let (path, saved) = installation.save("missing.tar");
    assert_eq!((saved.file_count, saved.missing_count), (0, 1));
    assert_eq!(verify(&path).unwrap().problems, std::slice::from_ref(&missing));
    let into = tempfile::tempdir().unwrap();
    assert_eq!(restore(&path, into.path(), &Location::Folder, &mut |_| {}).unwrap().problems, [missing]);
}

#[tokio::test]
async fn the_log_is_emptied_while_the_files_of_an_installation_are_checked() {
    let installation = installation().await;
    let other = rusqlite::Connection::open(installation.world.database_path()).unwrap();
    let mut busy_counts = Vec::new();
    let mut write = |progress: Progress| {
        if matches!(progress, Progress::Files(..)) {
            other.execute("UPDATE users SET bio = bio || 'x'", []).unwrap();
            let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
            busy_counts.push(other.query_row(checkpoint, [], |row| row.get::<_, i64>(0)).unwrap());
        }
    };
    assert_eq!(verify_folder(&installation.folder(), &mut write).unwrap().problems, [""; 0]);
    assert_eq!(busy_counts, [0, 0]);
}

#[tokio::test]
async fn a_flipped_bit_and_a_cut_are_refused_and_leave_the_folder_empty() {
    let installation = installation().await;
    for name in ["a.tar", "a.tar.zst"] {
        let (path, _) = installation.save(name);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for damaged in [&flipped[..], &whole[..whole.len() / 2], &whole[..600], b"", b"no archive"] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(verify(&path), Err(BackupError::Damaged(_))), "{name} of {} bytes", damaged.len());
            let into = tempfile::tempdir().unwrap();
            assert!(matches!(
                restore(&path, into.path(), &Location::Folder, &mut |_| {}),
                Err(BackupError::Damaged(_))
            ));
            assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
        }
    }
}

/// An archive with these members.
fn foreign(path: &Path, members: &[(&str, Vec<u8>)]) {
    let mut writer = archive::Writer::create(path, 0).unwrap();
    for (name, content) in members {
        let bytes = content.len() as u64;
        writer.append(&name.parse().unwrap(), bytes, &mut &content[..], &mut |_| {}).unwrap();
    }
    writer.finish().unwrap();
}

fn header(format: u32, schema: i64) -> Vec<u8> {
    serde_json::to_vec(&Header { format, program: "9.9.9".into(), schema, made_at_ms: 0 }).unwrap()
}

#[tokio::test]
async fn a_restore_that_was_cut_off_between_the_files_and_the_database_is_done_again() {
    let installation = installation().await;
    let (path, _) = installation.save("a.tar");
    let into = tempfile::tempdir().unwrap();
    let data = into.path();
    for folder in ["restoring", "files/ab"] {
        fs::create_dir_all(data.join(folder)).unwrap();
    }
    fs::write(data.join("files/ab/left"), "by a restore that was killed").unwrap();
    for (name, content) in [("restoring/campfire.sqlite3", "prepared"), ("import.lock", ""), ("campfire.lock", "1")] {
        fs::write(data.join(name), content).unwrap();
    }
    restore(&path, data, &Location::Folder, &mut |_| {}).unwrap();
    assert!(!data.join("files/ab/left").exists() && !data.join("restoring").exists());
    assert_eq!(verify_folder(data, &mut |_| {}).unwrap().problems, [""; 0]);

    // Without the folder of a restore, these are somebody's files.
    let into = tempfile::tempdir().unwrap();
    fs::create_dir(into.path().join("files")).unwrap();
    assert!(matches!(restore(&path, into.path(), &Location::Folder, &mut |_| {}), Err(BackupError::NotEmpty(_))));
}

#[tokio::test]
async fn a_restore_that_fails_after_the_files_are_in_place_leaves_the_folder_empty() {
    let installation = installation().await;
    let (path, _) = installation.save("a.tar");
    let into = tempfile::tempdir().unwrap();
    // Something takes the place of the database meanwhile.
    let mut block = |_: Progress| fs::create_dir_all(into.path().join(DATABASE).join("in the way")).unwrap();
    assert!(matches!(restore(&path, into.path(), &Location::Folder, &mut block), Err(BackupError::Io(..))));
    assert!(!into.path().join("files").exists() && !into.path().join("restoring").exists());
}

#[tokio::test]
async fn an_archive_whose_database_is_damaged_is_refused_and_gaps_of_the_search_are_not() {
    let installation = installation().await;
    let database = rusqlite::Connection::open(installation.world.database_path()).unwrap();
    database.execute("DELETE FROM message_parts", []).unwrap();
    let (path, _) = installation.save("search.tar");
    let into = tempfile::tempdir().unwrap();
    let restored = restore(&path, into.path(), &Location::Folder, &mut |_| {}).unwrap();
    assert_eq!(restored.problems, ["search: 1 messages are not in the index of parts of words"]);

    let insert = "INSERT INTO boosts (message_id, booster_id, content, created_at) VALUES (999, 1, 'x', 0)";
    database.execute_batch(&format!("PRAGMA foreign_keys = OFF; {insert}")).unwrap();
    let (path, _) = installation.save("references.tar");
    let into = tempfile::tempdir().unwrap();
    assert!(matches!(restore(&path, into.path(), &Location::Folder, &mut |_| {}), Err(BackupError::Damaged(_))));
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_archive_of_a_newer_version_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    for (name, header) in [("format", header(FORMAT + 1, 0)), ("schema", header(FORMAT, copy::newest_schema() + 1))] {
        let path = folder.path().join(name);
        foreign(&path, &[(HEADER, header), ("something.new", Vec::new())]);
        let refused = verify(&path).unwrap_err();
        assert!(matches!(&refused, BackupError::Newer(_)), "{refused}");
        assert!(refused.to_string().contains("made by a newer Campfire (9.9.9)"), "{refused}");
        let into = tempfile::tempdir().unwrap();
        assert!(matches!(restore(&path, into.path(), &Location::Folder, &mut |_| {}), Err(BackupError::Newer(_))));
    }
}

#[tokio::test]
async fn members_that_do_not_belong_there_are_refused() {
    let installation = installation().await;
    let database = installation.backups.path().join("database");
    copy::copy(&installation.world.database_path(), &database, &mut |_, _| {}).unwrap();
    let database = fs::read(database).unwrap();
    let own = header(FORMAT, 1);
    let path = installation.backups.path().join("foreign.tar");
    for members in [
        &[("files/ab/cd/abcdef", Vec::new())][..],
        &[(HEADER, own.clone())],
        &[(HEADER, own.clone()), ("files/ab/cd/abcdef", Vec::new())],
        &[(HEADER, own.clone()), (DATABASE, b"no database".to_vec())],
        &[(HEADER, own.clone()), (DATABASE, Vec::new())],
        &[(HEADER, own.clone()), (DATABASE, database.clone()), ("campfire.lock", Vec::new())],
        &[(HEADER, own.clone()), (DATABASE, database.clone()), ("files/xx/cd/abcdef", Vec::new())],
        &[(HEADER, own.clone()), (DATABASE, database.clone()), ("files/incoming/abcdef", Vec::new())],
        &[(HEADER, own.clone()), (DATABASE, database.clone()), (DATABASE, database.clone())],
    ] {
        foreign(&path, members);
        let into = tempfile::tempdir().unwrap();
        assert!(verify(&path).is_err());
        assert!(restore(&path, into.path(), &Location::Folder, &mut |_| {}).is_err());
        assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn what_is_no_installation_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a.tar");
    let nothing = save(folder.path(), &target, NOW_MS, &mut |_| {}).unwrap_err();
    assert!(nothing.to_string().starts_with("there is no Campfire in "), "{nothing}");
    fs::write(folder.path().join(DATABASE), "").unwrap();
    assert!(save(folder.path(), &target, NOW_MS, &mut |_| {}).is_err());
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [DATABASE]);
    assert!(verify_folder(folder.path(), &mut |_| {}).is_err());
}

#[tokio::test]
async fn files_are_not_deleted_while_a_backup_is_made() {
    let installation = installation().await;
    let state = &installation.world.state;
    state.clock.advance(1_000_000);
    let held = crate::files::hold(&installation.folder()).unwrap();
    crate::jobs::enqueue(state, crate::model::Job::RemoveFiles).await.unwrap();
    crate::jobs::run_due(state).await.unwrap();
    assert!(installation.stored_path(&installation.expired).exists());
    drop(held);
    state.clock.advance(60_000);
    crate::jobs::run_due(state).await.unwrap();
    assert!(!installation.stored_path(&installation.expired).exists());
    assert!(installation.stored_path(&installation.key).exists());
}
