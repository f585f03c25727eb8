//! Records of a source, independent of its schema.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use md5::Md5;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The secret of the link by which people join.
    pub join_code: String,
    /// Custom CSS; empty without any.
    pub custom_styles: String,
    /// Only administrators may create rooms.
    pub room_creation_restricted: bool,
    /// Its logo.
    pub logo: Option<SourceFile>,
    /// When it was made, in milliseconds since the epoch.
    pub created_at: i64,
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A member.
    Member,
    /// An administrator.
    Administrator,
    /// A program.
    Bot,
}

/// Whether a user belongs to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Active,
    /// Not any more.
    Deactivated,
    /// Not any more, and not welcome.
    Banned,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The number in the source.
    pub id: i64,
    /// The name as it is there.
    pub name: String,
    /// The address to sign in with.
    pub email_address: Option<String>,
    /// The hash of the password, in the format of bcrypt.
    pub password_hash: Option<String>,
    /// The role.
    pub role: Role,
    /// The status.
    pub status: Status,
    /// Their bio; may be empty.
    pub bio: String,
    /// Their picture.
    pub avatar: Option<SourceFile>,
    /// The secret of a bot.
    pub bot_token: Option<String>,
    /// Where a bot is told about messages.
    pub webhook_url: Option<String>,
    /// When they joined, in milliseconds since the epoch.
    pub created_at: i64,
}

/// A membership in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// Everyone.
    Open,
    /// Whoever was chosen.
    Closed,
    /// Exactly these people, for ever.
    Direct,
}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The number in the source.
    pub id: i64,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name as it is there; empty for direct rooms.
    pub name: String,
    /// Its creator.
    pub creator_id: i64,
    /// When it was made, in milliseconds since the epoch.
    pub created_at: i64,
    /// When something happened in it last, in milliseconds since the epoch.
    pub updated_at: i64,
}

/// How much of a room a member follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Involvement {
    /// Not even its name.
    Invisible,
    /// Without notifications.
    Nothing,
    /// With those of mentions.
    Mentions,
    /// With all.
    Everything,
}

/// A user in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The number in the source.
    pub id: i64,
    /// The room.
    pub room_id: i64,
    /// The user.
    pub user_id: i64,
    /// How much they follow.
    pub involvement: Involvement,
    /// When the message was posted that is unread, in milliseconds since the epoch; `None` if all are read.
    pub unread_at: Option<i64>,
    /// When they became a member, in milliseconds since the epoch.
    pub created_at: i64,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number in the source.
    pub id: i64,
    /// The room.
    pub room_id: i64,
    /// The author.
    pub creator_id: i64,
    /// The id that the author's browser gave it: any text.
    pub client_message_id: String,
    /// The text, as Markdown; empty for a file alone.
    pub text: String,
    /// The users that the text mentions, each once.
    pub mentions: Vec<i64>,
    /// The files.
    pub files: Vec<SourceFile>,
    /// The reactions.
    pub boosts: Vec<Boost>,
    /// How many parts of the text were left out: mentions of people who do not exist, and pictures of other sites.
    pub lost_count: u64,
    /// The message that it answers in a thread.
    pub replies_to: Option<Reply>,
    /// When it was edited last, in milliseconds since the epoch.
    pub edited_at: Option<i64>,
    /// What else was changed while it was read, in words.
    pub changed: Vec<&'static str>,
    /// What else was left out while it was read, in words.
    pub dropped: Vec<&'static str>,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
}

/// The message that another one answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The number in the source.
    pub message_id: i64,
    /// The author.
    pub creator_id: i64,
    /// Its [`Message::client_message_id`].
    pub client_message_id: String,
    /// The name of the author.
    pub author: String,
    /// The text, as Markdown.
    pub text: String,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boost {
    /// The booster.
    pub booster_id: i64,
    /// An emoji or a few letters.
    pub content: String,
    /// When, in milliseconds since the epoch.
    pub created_at: i64,
}

/// A recent search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Who.
    pub user_id: i64,
    /// What.
    pub query: String,
    /// When, in milliseconds since the epoch.
    pub searched_at: i64,
}

/// An address that is banned with a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The user.
    pub user_id: i64,
    /// The address.
    pub ip_address: String,
    /// When, in milliseconds since the epoch.
    pub created_at: i64,
}

/// A file of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its key in the source's storage.
    pub key: String,
    /// Where its bytes are.
    pub place: FilePlace,
    /// Its name as it is there.
    pub name: String,
    /// The MD5 of its bytes; `None` if the source does not know it.
    pub md5: Option<[u8; 16]>,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilePlace {
    /// The source does not say.
    Nowhere,
    /// In a folder.
    Path {
        /// The file.
        path: PathBuf,
        /// The folder that all files are in.
        root: PathBuf,
    },
    /// At this URL, which anybody may have written.
    Url(String),
}

/// Size and digest of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its size, in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Why a file cannot be taken.
#[derive(Debug, Error)]
pub enum FileProblem {
    /// It is not there.
    #[error("it is missing in the source")]
    Missing,
    /// It has other bytes than when it was stored.
    #[error("it does not have the bytes that were stored (its MD5 differs)")]
    Changed,
    /// It is a link, is below a folder that is one and leads to another place, or is no plain file.
    #[error("it is a link to another place, or no plain file")]
    Elsewhere,
    /// It is only at a URL, and nobody said that it may be fetched.
    #[error("it is not beside the source, only at a URL")]
    Remote,
    /// The server at its URL does not give it, or it is too long.
    #[error("{0}")]
    Refused(String),
    /// The server at its URL cannot be reached, or refuses everything: perhaps another time.
    #[error("{0}")]
    Unreachable(String),
    /// It is there, but cannot be read: perhaps another time.
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    /// The copy cannot be written.
    #[error("the copy cannot be written: {0}")]
    Write(io::Error),
}

impl SourceFile {
    /// Copies the file into `target`, and compares its sum.
    ///
    /// # Errors
    /// As [`FileProblem`]. What was copied until then is in `target`.
    pub fn copy(&self, target: &mut dyn Write) -> Result<Copied, FileProblem> {
        let mut source = self.open()?;
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        let mut bytes = 0;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(FileProblem::Read(error)),
            };
            let piece = &buffer[..count];
            md5.update(piece);
            sha256.update(piece);
            target.write_all(piece).map_err(FileProblem::Write)?;
            bytes += count as u64;
        }
        if self.md5.is_some_and(|expected| expected[..] != md5.finalize()[..]) {
            return Err(FileProblem::Changed);
        }
        Ok(Copied { bytes, sha256: sha256.finalize().into() })
    }

    /// Opens it. Only plain files below the root of its place are read: nothing that a link leads to, and no device.
    fn open(&self) -> Result<File, FileProblem> {
        let (path, root): (&Path, &Path) = match &self.place {
            FilePlace::Nowhere => return Err(FileProblem::Missing),
            FilePlace::Url(_) => return Err(FileProblem::Remote),
            FilePlace::Path { path, root } => (path, root),
        };
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => FileProblem::Missing,
            _ => FileProblem::Read(error),
        };
        let metadata = path.symlink_metadata().map_err(unreadable)?;
        let (root, canonical) = (root.canonicalize().map_err(unreadable)?, path.canonicalize().map_err(unreadable)?);
        if !metadata.is_file() || !canonical.starts_with(root) {
            return Err(FileProblem::Elsewhere);
        }
        File::open(canonical).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn file(root: &Path, name: &str) -> SourceFile {
        let place = FilePlace::Path { path: root.join(name), root: root.into() };
        SourceFile { key: name.into(), place, name: name.into(), md5: None }
    }

    #[test]
    fn a_missing_file_differs_from_one_that_cannot_be_read_or_copied() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::QuotaExceeded.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "bytes").unwrap();
        let copy = |name: &str, target: &mut dyn Write| file(folder.path(), name).copy(target);
        assert_eq!(copy("a", &mut io::sink()).unwrap().bytes, 5);
        assert!(matches!(copy("a", &mut Full), Err(FileProblem::Write(_))));
        assert!(matches!(copy("b", &mut io::sink()), Err(FileProblem::Missing)));
        // A file where a folder should be: an error that is not that of a missing file.
        assert!(matches!(copy("a/b", &mut io::sink()), Err(FileProblem::Read(_))));
    }

    #[test]
    fn no_link_leads_out_of_the_folder() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("secret"), "bytes").unwrap();
        symlink(other.path(), folder.path().join("ab")).unwrap();
        symlink(other.path().join("secret"), folder.path().join("link")).unwrap();
        for name in ["ab/secret", "link", "ab"] {
            let copied = file(folder.path(), name).copy(&mut io::sink());
            assert!(matches!(copied, Err(FileProblem::Elsewhere)), "{name}: {copied:?}");
        }
        // The folder itself may be reached by one.
        symlink(other.path(), folder.path().join("files")).unwrap();
        assert_eq!(file(&folder.path().join("files"), "secret").copy(&mut io::sink()).unwrap().bytes, 5);
    }
}
