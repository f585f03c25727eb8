//! Operations: each is one thing that a user does or that a page reads, with its authorisation.
//!
//! A write checks the permission again inside its transaction and records its fact ([`Fact`](crate::facts::Fact)). A
//! read takes the proof of the permission as an argument ([`Member`](crate::access::Member),
//! [`CurrentUser`](crate::access::CurrentUser), [`Administrator`](crate::access::Administrator)).

pub mod accounts;
pub mod api;
pub mod avatars;
pub mod bans;
pub mod boosts;
pub mod bots;
pub mod commands;
pub mod feed;
pub mod files;
pub mod hooks;
pub mod inbox;
pub mod jobs;
pub mod layouts;
pub mod mails;
pub mod memberships;
pub mod messages;
pub mod moments;
pub mod pins;
pub mod previews;
pub mod pushes;
pub mod rooms;
pub mod saved;
pub mod scheduled;
pub mod searches;
pub mod sessions;
pub mod sync;
pub mod threads;
pub mod transfers;
pub mod users;
pub mod webhooks;

mod permissions;
#[cfg(test)]
mod races;
