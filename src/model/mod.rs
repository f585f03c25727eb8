//! The nouns of the chat as plain data with their rules. Nothing here reads a clock, a database or a page.

mod id;
mod message;
mod room;
mod text;
mod user;

pub use id::{ClientMessageId, MessageId, RoomId, SessionId, UserId};
pub use message::{Draft, MAX_BODY_CHARS, Message, PAGE_SIZE, is_threaded};
pub use room::{Involvement, Room, RoomKind, RoomName, SidebarRoom};
pub use text::{avatar_tint, escape_html, initials, utc_timestamp};
pub use user::{EmailAddress, Password, Person, Role, Status, User, UserName};
