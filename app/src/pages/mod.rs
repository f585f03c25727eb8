//! The pages, one per file.

pub mod account;
pub mod boost;
pub mod bots;
pub mod deliveries;
pub mod edit_message;
pub mod entrance;
pub mod error;
pub mod message_menu;
pub mod no_rooms;
pub mod notifications;
pub mod offline;
pub mod person;
pub mod ping;
pub mod profile;
pub mod room;
pub mod room_files;
pub mod room_form;
pub mod search;
pub mod share;
#[cfg(feature = "ssr")]
pub mod threads;
pub mod transfer;
