//! Maintenance of the full-text tables (FTS5): what a commit adds to them, and how much of them it merges.

use crate::model::MessageId;

/// Puts new messages into the full-text tables: `$1` holds their ids as a JSON array. What was removed since is passed
/// over. Followed by `$rest`, for one call.
macro_rules! index_messages {
    ($rest:literal) => {
        concat!(
            "INSERT INTO message_search (rowid, marks, words)
             SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks, COALESCE(search_words, body_text)
               FROM messages WHERE id IN (SELECT value FROM json_each($1));
             INSERT INTO message_parts (rowid, marks, parts)
             SELECT id, 'r' || room_id || ' u' || creator_id || ' ' || search_marks, body_text
               FROM messages WHERE id IN (SELECT value FROM json_each($1)); ",
            $rest
        )
    };
}

pub(in crate::store) use index_messages;

/// What a transaction puts into the full-text tables before it is committed.
#[derive(Debug, Default)]
pub(in crate::store) struct ToIndex {
    pub message_ids: Vec<MessageId>,
    /// How long the plain text of all of them is.
    pub text_bytes: usize,
}

impl ToIndex {
    pub fn push(&mut self, message_id: MessageId, text_bytes: usize) {
        self.message_ids.push(message_id);
        self.text_bytes += text_bytes;
    }

    pub fn append(&mut self, other: &Self) {
        self.message_ids.extend_from_slice(&other.message_ids);
        self.text_bytes += other.text_bytes;
    }
}

/// The most pages of a full-text table that one commit merges, at some 15 to 25 µs each; only commits with as much text
/// to store come near it.
const MAX_MERGED_PAGES: usize = 1_024;

/// How many pages are worth the call.
const MIN_MERGED_PAGES: usize = 32;

/// How long a page of the full-text tables is (`pgsz`).
const PAGE_BYTES: usize = 1_000;

/// What is left to merge in the full-text tables.
///
/// Each commit leaves a small segment in each table, and a search reads them all. FTS5 on its own merges them in lumps:
/// 64 pages for each of its levels, some 4 ms here, inside whichever commit is next, and everybody waits. So it is told
/// to leave that (`automerge` 0), and a commit merges as much as those before it have brought. Where this falls short
/// (after edits, say), FTS5 still merges a level that has sixteen segments (`crisismerge`), all of it at once.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct MergeDebt {
    words_bytes: usize,
    parts_bytes: usize,
}

impl MergeDebt {
    /// Takes in a commit that puts so many bytes of text into the tables.
    ///
    /// A byte of a short text is up to 8 bytes of index for parts and 2 for words, each of which is merged five times on
    /// its way up the levels. Long texts repeat themselves and take less, and a merge that finds nothing to do costs
    /// next to nothing. A segment's own frame counts as well: many small commits must not leave many segments.
    pub fn add(&mut self, text_bytes: usize) {
        self.words_bytes += 2 * PAGE_BYTES + 10 * text_bytes;
        self.parts_bytes += 2 * PAGE_BYTES + 40 * text_bytes;
    }

    /// The statements that merge what is due, where enough is, with their numbers of pages. What one commit does not
    /// merge is left to the next, within bounds.
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
    fn a_commit_merges_what_was_written_since_and_no_more_than_some() {
        let mut debt = MergeDebt::default();
        let mut due = |text_bytes: &[usize]| {
            text_bytes.iter().for_each(|bytes| debt.add(*bytes));
            let table = |merge: &str| if merge.contains("message_parts") { "parts" } else { "words" };
            debt.take_due().map(|(merge, pages)| (table(merge), pages)).collect::<Vec<_>>()
        };
        assert_eq!(due(&[700]), [], "30 pages are not worth the call");
        assert_eq!(due(&[1_000]), [("parts", 72)]);
        assert_eq!(due(&[0; 6]), [("words", 33)], "21 were left");
        assert_eq!(due(&[30_000]), [("words", 302), ("parts", 1_024)]);
        assert_eq!(due(&[]), [("parts", 190)], "the next commit does the rest");
        assert_eq!(due(&[64 * 32_000]), [("words", 1_024), ("parts", 1_024)]);
        assert_eq!(due(&[]), [("words", 1_024), ("parts", 1_024)]);
        assert_eq!(due(&[]), [], "what is too much for that is left to SQLite");
    }
}
