//! Messages. A room is read in pages of [`PAGE_SIZE`](crate::model::PAGE_SIZE), in the order of the ids.

mod insert;
mod page;
mod read;
mod remove;
mod rows;
mod update;

pub use insert::{Inserted, NewMessage, insert_all};
pub(super) use page::{End, page_from_rows};
pub use page::{MAX_PAGE_BYTES, page_after, page_before};
pub use read::{
    SentMessage, count, find, find_answered, find_creator, find_room, find_sent, find_source, list, list_of_creator,
    list_reply_lines, list_short, list_texts, newest, was_removed,
};
pub use remove::{Removed, ShortenedThread, remove, remove_some_of_room};
pub(super) use rows::{MAX_BODY_BYTES_AT_ONCE, select_messages};
pub use update::{update, update_boosts_seq};
