//! The site's routes, one file per area.

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod assets;
pub(crate) mod avatars;
pub(crate) mod boosts;
pub(crate) mod bots;
pub(crate) mod calls;
pub(crate) mod deliveries;
pub(crate) mod entrance;
pub(crate) mod files;
pub(crate) mod health;
pub(crate) mod home;
pub(crate) mod hooks;
pub(crate) mod installed;
pub(crate) mod messages;
pub(crate) mod pings;
pub(crate) mod previews;
pub(crate) mod pushes;
pub(crate) mod rooms;
pub(crate) mod searches;
pub(crate) mod sounds;
pub(crate) mod threads;
pub(crate) mod transfers;
pub(crate) mod uploads;
pub(crate) mod users;
