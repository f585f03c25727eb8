//! The pages, one per route.

pub mod edit_message;
pub mod entrance;
pub mod error;
pub mod no_rooms;
pub mod room;
pub mod room_form;
