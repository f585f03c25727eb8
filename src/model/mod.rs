//! The nouns of the chat as plain data with their rules. Nothing here reads a clock, a database or a page.

mod account;
mod boost;
mod id;
mod message;
pub mod paths;
mod place;
mod room;
mod sound;
mod text;
mod user;

pub use account::{Account, AccountName, CustomStyles, custom_styles_path};
pub use boost::{Boost, BoostContent, BoostGroup, MAX_BOOST_CHARS, QUICK_BOOSTS, group_boosts};
pub use id::{ClientMessageId, MessageId, RoomId, SessionId, UserId};
pub use message::{Draft, MAX_BODY_CHARS, Message, PAGE_SIZE, Posted, is_threaded};
pub use place::{Anchor, Place};
pub use room::{Involvement, Room, RoomKind, RoomName, SidebarRoom, direct_name};
pub use sound::{SOUNDS, Sound};
pub use text::{avatar_tint, escape_html, first_name, initials, lowercase, utc_midnight, utc_timestamp};
pub use user::{Bio, EmailAddress, Password, Person, Profile, Role, Status, User, UserName};
