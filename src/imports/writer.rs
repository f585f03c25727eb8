//! Writes the messages of a source in batches, and how far that is.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ::import::{FilePlace, FileProblem, Message};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::downloads::Downloads;
use super::files::{self, StoredFile};
use super::prepare::{self, Prepared};
use super::{ImportError, Progress, Report};
use crate::model::{FileKey, FileName, Job};
use crate::state::AppState;
use crate::store::imports::{NewMessage, StoredImport};
use crate::store::sqlite::copy::{self, Checkpoints};
use crate::store::{self, Tx};
use crate::{AppError, AppResult, jobs};

/// How many messages one write takes: some hundredths of a second for those who wait behind it.
const BATCH_SIZE: u32 = 500;

/// How many batches are written before the write-ahead log is emptied: it has some 70 MB then.
const BATCHES_PER_CHECKPOINT: u32 = 16;

/// How many users or rooms one statement takes.
pub(super) const ROWS_PER_STATEMENT: usize = 2_000;

/// How far an import is. Each step is done again if it was cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Position {
    /// Memberships and pictures of people are there, too.
    pub has_people: bool,
    /// The number of the last message that is there.
    pub message_id: i64,
    /// How many messages of the source have been read.
    pub read_count: u64,
    /// Which of several sources with one identity this is about.
    pub fingerprint: String,
    /// The number of the message before the first one, where the source has no numbers of its own.
    pub base_id: i64,
    /// The number before the first message of the first run that was cut off before this one began anew, or of this one.
    pub first_base_id: Option<i64>,
}

/// Where the import of a source is.
pub(super) enum Begun {
    Finished(Report),
    At(Position, Report),
    Never,
}

impl Begun {
    pub fn of(stored: &StoredImport) -> Self {
        let report = serde_json::from_str(&stored.report).unwrap_or_default();
        match stored.finished_at {
            Some(_) => Self::Finished(report),
            None => Self::At(serde_json::from_str(&stored.position).unwrap_or_default(), report),
        }
    }
}

/// What happens to a message whose id another one of its author has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It gets another id: ids of the source are not unique.
    Renamed,
    /// It is left out: it was imported before.
    LeftOut,
}

/// Returns the next messages of a source after this number, and the number of the last one that was looked at.
pub(super) type Messages<'m> = &'m mut dyn FnMut(i64, u32) -> Result<Option<(Vec<Message>, i64)>, ImportError>;

/// Reads and counts what a [`Writer`] would write.
pub(super) fn dry_run(
    messages: Messages<'_>,
    identity: &str,
    names: &HashMap<i64, String>,
    downloads: Option<&Downloads>,
    total: u64,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ImportError> {
    let mut done = Progress { messages: 0, total };
    let mut after = 0;
    while let Some((batch, last)) = messages(after, BATCH_SIZE)? {
        for message in batch {
            let Some(prepared) = prepare::message(message, identity, names, report) else { continue };
            report.keep("messages", 1);
            report.keep("boosts", prepared.boosts.len() as u64);
            for (file, ..) in &prepared.files {
                if downloads.is_some() && matches!(file.place, FilePlace::Url(_)) {
                    report.keep("files that would be fetched", 1);
                    continue;
                }
                match file.copy(&mut std::io::sink()) {
                    Ok(_) => report.keep("files", 1),
                    Err(FileProblem::Read(error)) => {
                        report.drop("files that cannot be read: the import would end there", 1);
                        report.note(|| format!("file {:?} ({}): {error}", file.name, file.key));
                    }
                    Err(problem) => files::note_problem(file, &problem, report),
                }
            }
            done.messages += 1;
        }
        after = last;
        progress(done);
    }
    Ok(())
}

/// Writes the messages of one source.
pub(super) struct Writer<'w> {
    pub state: &'w AppState,
    /// The data folder.
    pub data: &'w Path,
    /// The kind of the import in the database.
    pub kind: &'static str,
    /// The identity of the source.
    pub identity: &'w str,
    /// The name of each user, as texts mention them.
    pub names: &'w HashMap<i64, String>,
    pub taken: Taken,
    /// How files at URLs are fetched; `None` if they are not.
    pub downloads: Option<&'w Downloads>,
}

impl Writer<'_> {
    /// Writes all messages from `position` on. Each batch is one write, with the position after it.
    pub async fn write(
        &self,
        messages: Messages<'_>,
        position: &mut Position,
        report: &mut Report,
        total: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Checkpoints, ImportError> {
        let Self { state, identity, .. } = *self;
        let mut done = Progress { messages: position.read_count, total };
        let checkpoints = Checkpoints::open(&self.data.join("campfire.sqlite3")).map_err(broken)?;
        let mut batch_count = 0_u32;
        let mut writing = None;
        while let Some((read, last)) = messages(position.message_id, BATCH_SIZE)? {
            let read_count = read.len() as u64;
            let read = self.without_taken(read, report).await?;
            let read = self.link_replies(read, report).await?;
            let mut batch = Vec::with_capacity(read.len());
            for message in read {
                batch.extend(prepare::message(message, identity, self.names, report));
            }
            let mut blobs = Vec::new();
            for prepared in &mut batch {
                blobs.extend(files::store_files(state, prepared, self.downloads, report).await?);
            }
            // This batch was read and rendered while the one before was written.
            finish_write(writing.take()).await?;
            batch_count += 1;
            if batch_count.is_multiple_of(BATCHES_PER_CHECKPOINT) {
                checkpoints.run().map_err(broken)?;
            }
            self.make_ids_unique(&mut batch, report).await?;
            report.keep("messages", batch.len() as u64);
            position.message_id = last;
            position.read_count += read_count;
            writing = Some(self.start_write(batch, blobs, position, report));
            done.messages = position.read_count;
            progress(done);
        }
        finish_write(writing).await?;
        Ok(checkpoints)
    }

    /// Leaves out messages that were imported before, from another export: those that were removed since do not come back.
    async fn without_taken(&self, mut messages: Vec<Message>, report: &mut Report) -> AppResult<Vec<Message>> {
        if self.taken == Taken::Renamed {
            return Ok(messages);
        }
        let pairs: Vec<_> = messages.iter().map(|it| (it.creator_id, it.client_message_id.as_str())).collect();
        let reader = self.state.db.reader();
        let mut taken: HashSet<(i64, String)> =
            store::imports::list_taken(reader, &pairs).await?.into_iter().map(|(id, text, _)| (id, text)).collect();
        taken.extend(store::imports::list_removed(reader, &pairs).await?);
        if !taken.is_empty() {
            let before = messages.len();
            messages.retain(|it| !taken.contains(&(it.creator_id, it.client_message_id.clone())));
            report.keep("messages that were imported before", (before - messages.len()) as u64);
        }
        Ok(messages)
    }

    /// Replies to messages that were imported before link to those; to ones that were removed since, they do not.
    async fn link_replies(&self, mut messages: Vec<Message>, report: &mut Report) -> AppResult<Vec<Message>> {
        let replies = messages.iter().filter_map(|message| message.replies_to.as_ref());
        let pairs: Vec<_> = replies.map(|it| (it.creator_id, it.client_message_id.as_str())).collect();
        if pairs.is_empty() {
            return Ok(messages);
        }
        let found = store::imports::list_taken(self.state.db.reader(), &pairs).await?;
        let ids: HashMap<(i64, String), i64> = found.into_iter().map(|(id, text, found)| ((id, text), found)).collect();
        let removed: HashSet<_> = match self.taken {
            Taken::LeftOut => store::imports::list_removed(self.state.db.reader(), &pairs).await?.into_iter().collect(),
            Taken::Renamed => HashSet::new(),
        };
        for message in &mut messages {
            let Some(reply) = &mut message.replies_to else { continue };
            let pair = (reply.creator_id, reply.client_message_id.clone());
            if let Some(id) = ids.get(&pair) {
                reply.message_id = *id;
            } else if removed.contains(&pair) {
                // Its text was to go.
                message.replies_to = None;
                report.change("replies to messages that were removed here: they stand alone");
            }
        }
        Ok(messages)
    }

    /// Gives messages another id whose own is that of another message of their author: here, they are unique.
    async fn make_ids_unique(&self, batch: &mut [Prepared], report: &mut Report) -> AppResult<()> {
        let pairs: Vec<_> = batch.iter().map(|it| (it.row.creator_id, it.row.client_message_id.as_str())).collect();
        let taken = store::imports::list_taken(self.state.db.reader(), &pairs).await?;
        let mut seen: HashSet<(i64, String)> = taken.into_iter().map(|(id, text, _)| (id, text)).collect();
        for Prepared { row, .. } in batch {
            if !seen.insert((row.creator_id, row.client_message_id.clone())) {
                report.change("messages whose id another one of the same person has");
                row.client_message_id = prepare::derived_id(self.identity, row.id);
                seen.insert((row.creator_id, row.client_message_id.clone()));
            }
        }
        Ok(())
    }

    /// Begins to write a batch, with how far the import is after it.
    fn start_write(
        &self,
        batch: Vec<Prepared>,
        files: Vec<StoredFile>,
        position: &Position,
        report: &mut Report,
    ) -> JoinHandle<AppResult<()>> {
        let mut mentions = Vec::new();
        let mut boosts = Vec::new();
        for Prepared { row, mentions: mentioned, boosts: own, .. } in &batch {
            mentions.extend(mentioned.iter().map(|(user_id, name)| (user_id.0, row.room_id, row.id, name.clone())));
            boosts.extend(own.iter().map(|(booster_id, content, at)| (row.id, *booster_id, content.clone(), *at)));
        }
        let text_bytes: HashMap<_, _> = batch.iter().map(|it| (it.id(), it.row.text.len())).collect();
        let rows: Vec<NewMessage> = batch.into_iter().map(|prepared| prepared.row).collect();
        // Counted before the write, which stores the count.
        report.keep("boosts", boosts.len() as u64);
        let kind = self.kind;
        let stored = stored(self.identity, position, report, None);
        let insert = async move |tx: &mut Tx| {
            let inserted = store::imports::insert_messages(tx.db(), &rows).await?;
            for message_id in inserted {
                tx.index(message_id, text_bytes.get(&message_id).copied().unwrap_or_default());
            }
            if !mentions.is_empty() {
                store::imports::insert_mentions(tx.db(), &mentions).await?;
            }
            if !boosts.is_empty() {
                store::imports::insert_boosts(tx.db(), &boosts).await?;
            }
            insert_files(tx, &files).await?;
            let now_ms = tx.now_ms();
            Ok(store::imports::note(tx.db(), kind, &stored, now_ms).await?)
        };
        let db = self.state.db.clone();
        tokio::spawn(async move { db.write(insert).await })
    }

    /// The steps after the last message: previews of pictures, and that it is done.
    pub async fn finish(&self, position: &Position, report: &Report) -> Result<(), ImportError> {
        let state = self.state;
        let mut last_key = String::new();
        loop {
            let keys = store::imports::list_without_preview(state.db.reader(), &last_key, 500).await;
            let keys = keys.map_err(AppError::from)?;
            let Some(last) = keys.last() else { break };
            last_key = last.to_string();
            for key in keys {
                jobs::enqueue(state, Job::MakePreview { key }).await?;
            }
        }
        note(state, self.kind, self.identity, position, report, true).await?;
        Ok(())
    }
}

async fn insert_files(tx: &mut Tx, files: &[StoredFile]) -> AppResult<()> {
    let now_ms = tx.now_ms();
    let mut by_message: Vec<(&StoredFile, Vec<(FileKey, FileName)>)> = Vec::new();
    for file in files {
        store::files::insert_blob(tx.db(), &file.blob, now_ms, i64::MAX).await?;
        let named = (file.blob.key.clone(), file.name.clone());
        match by_message.last_mut() {
            Some((first, keys)) if first.message_id == file.message_id => keys.push(named),
            _ => by_message.push((file, vec![named])),
        }
    }
    for (StoredFile { room_id, message_id, .. }, keys) in by_message {
        store::files::attach(tx.db(), *room_id, *message_id, &keys).await?;
        let attached = store::files::list_of_message(tx.db(), *message_id).await?;
        store::files::note_extras(tx.db(), *message_id, &crate::richtext::extras_html(&attached), None).await?;
    }
    Ok(())
}

/// Waits for the write of a batch.
async fn finish_write(writing: Option<JoinHandle<AppResult<()>>>) -> AppResult<()> {
    match writing {
        Some(writing) => writing.await.map_err(|_| AppError::Internal)?,
        None => Ok(()),
    }
}

/// A failure of the database, for the log.
pub(super) fn broken(error: copy::Error) -> ImportError {
    tracing::error!(%error, "the write-ahead log cannot be copied into the database");
    AppError::Internal.into()
}

/// How far an import is, as it is stored.
pub(super) fn stored(identity: &str, position: &Position, report: &Report, finished_at: Option<i64>) -> StoredImport {
    StoredImport {
        source: identity.to_owned(),
        position: serde_json::to_string(position).unwrap_or_default(),
        report: serde_json::to_string(report).unwrap_or_default(),
        finished_at,
    }
}

/// Stores how far an import is.
pub(super) async fn note(
    state: &AppState,
    kind: &'static str,
    identity: &str,
    position: &Position,
    report: &Report,
    is_finished: bool,
) -> AppResult<()> {
    let finished_at = is_finished.then(|| state.clock.now_ms());
    let stored = stored(identity, position, report, finished_at);
    let note = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::imports::note(tx.db(), kind, &stored, now_ms).await?)
    };
    state.db.write(note).await
}
