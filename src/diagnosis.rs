//! Diagnosis of an installation: checks of its data folder, each with a remedy.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::backup;
use crate::files::{Location, PREVIEW_SUFFIX};
use crate::store::sqlite::copy::{self, Checked};

/// Free space below which an installation is in danger, in bytes: 512 MiB, as for uploads.
const MIN_FREE_BYTES: u64 = 512 * 1024 * 1024;

/// How old the last backup may be, in milliseconds: two days.
const MAX_BACKUP_AGE_MS: i64 = 2 * 24 * 60 * 60 * 1_000;

/// How far the newest message may be ahead of the clock, in milliseconds.
const MAX_CLOCK_SKEW_MS: i64 = 5 * 60 * 1_000;

/// When this program was written, in milliseconds since the epoch: no clock is right that is before it.
const WRITTEN_AT_MS: i64 = 1_760_000_000_000;

/// How old a file must be that no row has, to be a stray, in milliseconds: younger ones may be about to get their row.
const STRAY_AGE_MS: i64 = 60 * 60 * 1_000;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Well,
    /// Something is to be done, at leisure.
    Warning,
    /// Something is broken, or about to be.
    Failure,
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its subject, in a word or two.
    pub name: &'static str,
    /// The finding.
    pub verdict: Verdict,
    /// The same in words, with what to do.
    pub words: String,
}

impl Check {
    /// A check that found nothing wrong.
    #[must_use]
    pub fn well(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Well, words: words.into() }
    }

    /// A check that found something to be done.
    #[must_use]
    pub fn warning(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warning, words: words.into() }
    }

    /// A check that found something broken.
    #[must_use]
    pub fn failure(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Failure, words: words.into() }
    }
}

/// Checks the installation in a data folder, which may be in use. Nothing is changed.
pub async fn examine(folder: &Path, now_ms: i64) -> Vec<Check> {
    let mut checks = vec![examine_folder(folder), examine_disk(folder), Check::well("SQLite", copy::version())];
    let database = folder.join("campfire.sqlite3");
    if !database.is_file() {
        let words =
            format!("{} has no database: name the right folder with --data, or serve it once", folder.display());
        checks.push(Check::failure("database", words));
        return checks;
    }
    match Checked::open(&database).map_err(|error| error.to_string()).and_then(|checked| {
        examine_database(&checked, now_ms, &mut checks).map_err(|error| error.to_string()).map(|()| checked)
    }) {
        Ok(checked) => checks.push(examine_strays(folder, &checked, now_ms).await),
        Err(error) => {
            let words = format!("it cannot be read ({error}): see `campfire verify`, and restore the last backup");
            checks.push(Check::failure("database", words));
        }
    }
    checks.push(examine_backup(folder, now_ms));
    checks
}

fn examine_folder(folder: &Path) -> Check {
    let name = "folder";
    let metadata = match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return Check::failure(name, format!("{} is no folder", folder.display())),
        Err(error) => return Check::failure(name, format!("{}: {error}", folder.display())),
    };
    let me = rustix::process::geteuid();
    if !me.is_root() && metadata.uid() != me.as_raw() {
        let words = format!("{} belongs to another user of this machine: chown it", folder.display());
        return Check::failure(name, words);
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Check::warning(name, format!("{} can be read by others (mode {mode:o}): chmod 700", folder.display()));
    }
    if folder.join("restoring").exists() {
        return Check::warning(name, "a restore was cut off: run it again, or delete the folder `restoring`");
    }
    Check::well(name, folder.display().to_string())
}

fn examine_disk(folder: &Path) -> Check {
    let name = "disk";
    let Ok(space) = rustix::fs::statvfs(folder) else { return Check::failure(name, "it does not say what is free") };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let shown = crate::model::size_text(i64::try_from(free).unwrap_or(i64::MAX));
    if free < MIN_FREE_BYTES {
        return Check::failure(name, format!("{shown} are free, too little for files: make room, or a larger disk"));
    }
    Check::well(name, format!("{shown} are free"))
}

fn examine_database(checked: &Checked, now_ms: i64, checks: &mut Vec<Check>) -> Result<(), copy::Error> {
    let newest = copy::newest_schema();
    checks.push(match checked.schema() {
        None => Check::failure("database", "it is none of Campfire, or empty: name the right folder with --data"),
        Some(schema) if schema > newest => {
            Check::failure("database", "a newer Campfire has written it: use that version, or restore an older backup")
        }
        Some(schema) => {
            let messages = checked.message_count()?;
            let state = if schema < newest { ", to be brought up to date at the next start" } else { "" };
            Check::well("database", format!("{messages} messages, schema {schema}{state}"))
        }
    });
    if checked.administrator_count()? == 0 {
        let words = "nobody is one: set it up in a browser, or see `campfire make-admin`";
        checks.push(Check::warning("administrators", words));
    }
    let newest_ms = checked.newest_message_ms()?;
    checks.push(if now_ms < WRITTEN_AT_MS {
        Check::failure("clock", "it is years behind: set it, and let the system keep it right")
    } else if newest_ms > now_ms + MAX_CLOCK_SKEW_MS {
        Check::failure("clock", "messages were posted in its future: set it, and let the system keep it right")
    } else {
        Check::well("clock", crate::model::utc_timestamp(now_ms))
    });
    checks.push(examine_push_key(checked.push_key()?.as_deref()));
    checks.push(match checked.dead_job_count()? {
        0 => Check::well("jobs", "none has failed for good"),
        count => Check::warning("jobs", format!("{count} have failed for good in the last days: the log says why")),
    });
    Ok(())
}

/// The key of pushes. That of the environment, which the server may have, is not known here.
fn examine_push_key(stored: Option<&[u8]>) -> Check {
    let name = "push key";
    match stored.map(push::KeyPair::from_private_key) {
        None => Check::well(name, "none is kept yet: it is made when somebody first opens the page of notifications"),
        Some(Ok(pair)) => {
            let public_key = push::encode_key(&pair.public_key());
            Check::well(name, format!("kept with the data, and in each backup; its public half is {public_key}"))
        }
        Some(Err(_)) => Check::failure(name, "it is damaged, and no notification is sent: restore the last backup"),
    }
}

async fn examine_strays(folder: &Path, checked: &Checked, now_ms: i64) -> Check {
    let name = "stored files";
    let opened = Location::of(folder).and_then(|location| Ok((location.open(folder)?, location)));
    let (store, location) = match opened {
        Ok(opened) => opened,
        Err(error) => return Check::failure(name, format!("it is not known where they are: {error}")),
    };
    let is_elsewhere = location != Location::Folder;
    if is_elsewhere && let Err(error) = store.check().await {
        let words =
            format!("{location} cannot be used: {error}. Look at the AWS_* variables, and at what the key may do");
        return Check::failure(name, words);
    }
    let stored = match store.list_before(now_ms - STRAY_AGE_MS).await {
        Ok(stored) => stored,
        Err(error) => return Check::failure(name, format!("they cannot be listed: {error}")),
    };
    let is_stray = |name: &String| {
        let key = name.strip_suffix(PREVIEW_SUFFIX).unwrap_or(name);
        !checked.has_file(key).unwrap_or(true)
    };
    match stored.iter().filter(|name| is_stray(name)).count() {
        0 if is_elsewhere => {
            Check::well(name, format!("{} of more than an hour in {location}, all known", stored.len()))
        }
        0 => Check::well(name, format!("{} of more than an hour, all known", stored.len())),
        count => {
            let words = format!(
                "{count} that no message has: they are deleted at the next start; `campfire verify` finds others"
            );
            Check::warning(name, words)
        }
    }
}

fn examine_backup(folder: &Path, now_ms: i64) -> Check {
    let name = "last backup";
    let Some(made_at_ms) = backup::last_backup_ms(folder) else {
        return Check::warning(name, "none is known: run `campfire backup FILE` every night");
    };
    let age_hours = (now_ms - made_at_ms) / (60 * 60 * 1_000);
    if now_ms - made_at_ms > MAX_BACKUP_AGE_MS {
        let words = format!("{age_hours} hours ago: run `campfire backup FILE` every night");
        return Check::warning(name, words);
    }
    Check::well(name, format!("{age_hours} hours ago"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::testing;

    fn find(checks: &[Check], name: &str) -> (Verdict, String) {
        let check = checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name} in {checks:?}"));
        (check.verdict, check.words.clone())
    }

    #[tokio::test]
    async fn each_check_says_what_to_do() {
        let world = testing::world().await;
        world.post(&world.ada, world.all_talk.id, "hello").await;
        let data = world.database_path().parent().unwrap().to_owned();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
        let now_ms = Clock::System.now_ms();
        let checks = examine(&data, now_ms).await;
        assert_eq!(find(&checks, "folder").0, Verdict::Warning);
        assert!(find(&checks, "push key").1.starts_with("none is kept yet"));
        let public_key = crate::ops::pushes::public_key(&world.state).await.unwrap();
        assert!(find(&examine(&data, now_ms).await, "push key").1.ends_with(&public_key));
        assert_eq!(examine_push_key(Some(&[0; 32])).verdict, Verdict::Failure);
        for name in ["SQLite", "clock", "jobs", "stored files", "database"] {
            assert_eq!(find(&checks, name).0, Verdict::Well, "{name}");
        }
        assert!(find(&checks, "database").1.starts_with("1 messages, schema "));
        let (verdict, words) = find(&checks, "last backup");
        assert!(verdict == Verdict::Warning && words.contains("campfire backup FILE"), "{words}");

        let backups = tempfile::tempdir().unwrap();
        backup::save(&data, &backups.path().join("a.tar"), now_ms, &mut |_| {}).unwrap();
        let stray = data.join("files/ab/cd/abcdabcdabcdabcdabcdabcdabcdabcd");
        fs::create_dir_all(stray.parent().unwrap()).unwrap();
        fs::write(stray, "left by a crash").unwrap();
        let three_days = 3 * 24 * 60 * 60 * 1_000;
        let later = examine(&data, now_ms + three_days).await;
        assert_eq!(find(&examine(&data, now_ms).await, "last backup").0, Verdict::Well);
        assert_eq!(
            find(&later, "last backup"),
            (Verdict::Warning, "72 hours ago: run `campfire backup FILE` every night".into())
        );
        assert!(find(&later, "stored files").1.starts_with("1 that no message has"));
        assert_eq!(find(&examine(&data, 1_000).await, "clock").0, Verdict::Failure);
    }

    #[tokio::test]
    async fn what_is_no_installation_fails() {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Clock::System.now_ms();
        assert_eq!(find(&examine(&folder.path().join("x"), now_ms).await, "folder").0, Verdict::Failure);
        assert_eq!(find(&examine(folder.path(), now_ms).await, "database").0, Verdict::Failure);
        fs::write(folder.path().join("campfire.sqlite3"), "no database at all".repeat(100)).unwrap();
        let (verdict, words) = find(&examine(folder.path(), now_ms).await, "database");
        assert!(verdict == Verdict::Failure && words.contains("restore the last backup"), "{words}");
    }
}
