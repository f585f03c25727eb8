//! What a source has, as plain records.

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

/// What a user may do.
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
    /// What they say of themselves; may be empty.
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

/// Who is in a room.
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
    /// Who made it.
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
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boost {
    /// Who reacted.
    pub booster_id: i64,
    /// An emoji or a few letters.
    pub content: String,
    /// When, in milliseconds since the epoch.
    pub created_at: i64,
}

/// What somebody searched for.
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
    /// What names it in the source.
    pub key: String,
    /// Where its bytes are; `None` for a key that names no place.
    pub path: Option<PathBuf>,
    /// Its name as it is there.
    pub name: String,
    /// The MD5 of its bytes; `None` if the source does not know it.
    pub md5: Option<[u8; 16]>,
}

/// What was copied.
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
    /// It cannot be read, or the copy cannot be written.
    #[error("{0}")]
    Io(#[from] io::Error),
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
                Err(error) => return Err(error.into()),
            };
            let piece = &buffer[..count];
            md5.update(piece);
            sha256.update(piece);
            target.write_all(piece)?;
            bytes += count as u64;
        }
        if self.md5.is_some_and(|expected| expected[..] != md5.finalize()[..]) {
            return Err(FileProblem::Changed);
        }
        Ok(Copied { bytes, sha256: sha256.finalize().into() })
    }

    /// Opens it. Only plain files are read: no link to another place, and no device.
    fn open(&self) -> Result<File, FileProblem> {
        let path: &Path = self.path.as_deref().ok_or(FileProblem::Missing)?;
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => Ok(File::open(path)?),
            Ok(_) => Err(FileProblem::Missing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FileProblem::Missing),
            Err(error) => Err(error.into()),
        }
    }
}
