//! Files: uploads, the blobs that they become, and the attachments of messages.

mod attachments;
mod blobs;
mod uploads;

pub use attachments::{
    AttachedFile, RoomFile, attach, find_attached, list_names, list_of_message, list_of_room, note_extras,
    release_of_messages,
};
pub use blobs::{
    NewBlob, find_message, has_expired, insert_blob, list_expired, list_known, list_types, remove_expired, set_preview,
};
pub use uploads::{
    StoredUpload, complete, count_incomplete, find, find_by_client_id, insert, list_incomplete, list_usable, remove,
    remove_expired_uploads, sum_unused_bytes,
};
