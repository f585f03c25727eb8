//! The domain as plain data with its rules, for both targets. Nothing here reads a clock or does I/O.

mod accounts;
mod avatars;
mod boosts;
mod bots;
mod collation;
#[cfg(not(target_arch = "wasm32"))]
mod commands;
mod files;
mod history;
mod ids;
mod inbox;
mod jobs;
mod mail;
mod messages;
pub mod paths;
mod pins;
mod place;
mod previews;
mod pushes;
mod rooms;
mod saved;
mod scheduled;
mod sounds;
mod text;
mod threads;
mod users;

pub use accounts::{Account, AccountName, CustomStyles, custom_styles_path};
pub use avatars::{AVATAR_COLORS, BOT_SVG, all_initials, avatar_tint, initials_svg};
pub use boosts::{Boost, BoostContent, BoostGroup, MAX_BOOST_CHARS, QUICK_BOOSTS, group_boosts};
pub use bots::{BotKey, Credential, TOKEN_CHARS};
pub use collation::compare_names;
#[cfg(not(target_arch = "wasm32"))]
pub use collation::order_key;
#[cfg(not(target_arch = "wasm32"))]
pub use commands::{Call, CommandWord, parse_words};
pub use files::{
    Attachment, ClientUploadId, FileForm, FileKey, FileName, MAX_FILES, MAX_PIECE_BYTES, Upload, is_previewed_type,
    size_text,
};
pub use history::{EarlierText, History};
pub use ids::{ClientMessageId, MessageId, PushSubscriptionId, RoomId, SessionId, UserId};
pub use inbox::{Cause, Delivery, InboxCount};
pub use jobs::{Job, JobKind, Notice};
pub use mail::Mail;
pub use messages::{Draft, MAX_BODY_CHARS, Message, PAGE_SIZE, Posted, is_grouped};
pub use pins::{MAX_PINS, Pin, Pins};
pub use place::{Anchor, Place};
pub use previews::{LinkPreview, MAX_LINK_PREVIEWS, PreviewPicture};
pub use pushes::{Minute, PushSettings, QuietHours, WEEKDAYS, Weekdays};
pub use rooms::{Involvement, Room, RoomKind, RoomName, SidebarRoom, direct_name};
pub use saved::{Kept, MAX_REMINDERS, MAX_SAVED, Saved, SavedNote};
pub use scheduled::{LATE_MS, MAX_SCHEDULED, Scheduled, ScheduledState};
pub use sounds::{SOUNDS, Sound};
pub use text::{
    escape_html, first_name, fold_for_filter, hex, initials, is_blank, is_invisible, utc_midnight, utc_timestamp,
};
pub use threads::{Answer, Answering, Answers, MAX_NEWS_COUNT, THREAD_LINE, ThreadHead, ThreadNews};
pub use users::{Bio, EmailAddress, Password, Person, Profile, Role, Status, Theme, User, UserName};
