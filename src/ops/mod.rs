//! What people do: one write each, checked inside the write, with its event and what it announces.

pub mod accounts;
pub mod bans;
pub mod boosts;
pub mod messages;
pub mod people;
pub mod rooms;
pub mod searches;
pub mod sessions;
pub mod transfers;
pub mod upkeep;
