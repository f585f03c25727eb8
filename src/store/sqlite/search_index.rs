//! Maintenance of the full-text tables (FTS5): the messages that a commit adds, and the pages that it merges.

use sqlx::SqliteConnection;

use crate::model::MessageId;

/// Inserts messages into the full-text tables. Parameter `$1` is a JSON array of their ids; messages that no longer
/// exist are skipped. The statements in `$rest` follow in the same call.
macro_rules! index_messages {
    ($rest:literal) => {
        concat!(
            "INSERT INTO message_search (rowid, marks, words)
             SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks, COALESCE(search_words, body_text)
               FROM messages WHERE id IN (SELECT value FROM json_each($1));
             INSERT INTO message_parts (rowid, marks, parts)
             SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks,
                    COALESCE(search_parts, search_words, body_text)
               FROM messages WHERE id IN (SELECT value FROM json_each($1)); ",
            $rest
        )
    };
}

pub(in crate::store) use index_messages;

/// Removes messages from the full-text tables.
pub(in crate::store) async fn remove(db: &mut SqliteConnection, message_ids: &[MessageId]) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM message_search WHERE rowid IN (SELECT value FROM json_each($1));
         DELETE FROM message_parts WHERE rowid IN (SELECT value FROM json_each($1))",
    )
    .bind(crate::store::json_ids(message_ids))
    .execute(db)
    .await
    .map(drop)
}

/// Messages to insert into the full-text tables before the transaction commits.
#[derive(Debug, Default)]
pub(in crate::store) struct PendingIndex {
    pub message_ids: Vec<MessageId>,
    /// Total length of their plain texts.
    pub text_bytes: usize,
}

impl PendingIndex {
    pub fn push(&mut self, message_id: MessageId, text_bytes: usize) {
        self.message_ids.push(message_id);
        self.text_bytes += text_bytes;
    }

    pub fn append(&mut self, other: &Self) {
        self.message_ids.extend_from_slice(&other.message_ids);
        self.text_bytes += other.text_bytes;
    }
}

/// Maximum number of pages of a full-text table that one commit merges, at some 15 to 25 µs each. Only commits that
/// store a lot of text come near it.
const MAX_MERGED_PAGES: usize = 1_024;

/// Minimum number of pages to merge: fewer are not worth a call.
const MIN_MERGED_PAGES: usize = 32;

/// Size of a page of the full-text tables (`pgsz`), in bytes.
const PAGE_BYTES: usize = 1_000;

/// The amount of text in the full-text tables that is not merged yet.
///
/// Each commit adds a small segment to each table, and a search reads all segments. FTS5's automatic merge works in
/// bursts: 64 pages for each level, some 4 ms here, within a single commit, which delays all writes in the queue. It is
/// therefore disabled (`automerge` 0), and each commit merges about as much as the commits before it added. Where this
/// is not enough (after edits, for example), FTS5 still merges a level once it has sixteen segments (`crisismerge`),
/// all at once.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct MergeDebt {
    words_bytes: usize,
    parts_bytes: usize,
}

impl MergeDebt {
    /// Adds the debt of a commit that inserts `text_bytes` bytes of text.
    ///
    /// A byte of a short text becomes up to 8 bytes of index for parts and 2 for words, each of which is merged five
    /// times on its way up the levels. Long texts repeat themselves and need less; a merge with nothing to do costs
    /// next to nothing. The fixed overhead of a segment counts as well, so that many small commits do not leave many
    /// segments.
    pub fn add(&mut self, text_bytes: usize) {
        self.words_bytes += 2 * PAGE_BYTES + 10 * text_bytes;
        self.parts_bytes += 2 * PAGE_BYTES + 40 * text_bytes;
    }

    /// The merge statements that are due, one per table at most, each with its number of pages. Debt above
    /// [`MAX_MERGED_PAGES`] is carried over to the next commit, up to the same amount; the rest is dropped.
    pub fn take_due(&mut self) -> impl Iterator<Item = (&'static str, i64)> {
        let tables = [
            (&mut self.words_bytes, "INSERT INTO message_search (message_search, rank) VALUES ('merge', $1)"),
            (&mut self.parts_bytes, "INSERT INTO message_parts (message_parts, rank) VALUES ('merge', $1)"),
        ];
        tables.into_iter().filter_map(|(debt, merge)| {
            let pages = (*debt / PAGE_BYTES).min(MAX_MERGED_PAGES);
            if pages < MIN_MERGED_PAGES {
                return None;
            }
            *debt = (*debt - pages * PAGE_BYTES).min(MAX_MERGED_PAGES * PAGE_BYTES);
            i64::try_from(pages).ok().map(|pages| (merge, pages))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_merges_in_proportion_to_earlier_commits_up_to_a_maximum() {
        let mut debt = MergeDebt::default();
        let mut due = |text_bytes: &[usize]| {
            text_bytes.iter().for_each(|bytes| debt.add(*bytes));
            let table = |merge: &str| if merge.contains("message_parts") { "parts" } else { "words" };
            debt.take_due().map(|(merge, pages)| (table(merge), pages)).collect::<Vec<_>>()
        };
        assert_eq!(due(&[700]), [], "30 pages are below the minimum");
        assert_eq!(due(&[1_000]), [("parts", 72)]);
        assert_eq!(due(&[0; 6]), [("words", 33)], "21 pages were carried over");
        assert_eq!(due(&[30_000]), [("words", 302), ("parts", 1_024)]);
        assert_eq!(due(&[]), [("parts", 190)], "the next commit merges the rest");
        assert_eq!(due(&[64 * 32_000]), [("words", 1_024), ("parts", 1_024)]);
        assert_eq!(due(&[]), [("words", 1_024), ("parts", 1_024)]);
        assert_eq!(due(&[]), [], "debt beyond the maximum is dropped");
    }
}
