//! Campfire's domain: the rules and data of a team chat, without HTTP and pages.
//!
//! `model`, `protocol`, `html` and `error` compile for the server and for the browser. Modules behind `ssr` run on the
//! server only. A request passes `ops` → `store`; its changes are published by `ops` → `facts` → `live`.

#![warn(missing_docs)]

pub mod error;
pub mod html;
pub mod model;
pub mod protocol;

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
pub mod backup;
#[cfg(feature = "ssr")]
pub mod cache;
#[cfg(feature = "ssr")]
pub mod clock;
#[cfg(feature = "ssr")]
pub mod diagnosis;
#[cfg(feature = "ssr")]
pub mod emoji;
#[cfg(feature = "ssr")]
pub mod exports;
#[cfg(feature = "ssr")]
pub mod facts;
#[cfg(feature = "ssr")]
pub mod files;
#[cfg(not(target_arch = "wasm32"))]
pub mod folding;
#[cfg(feature = "ssr")]
pub mod health;
#[cfg(feature = "ssr")]
pub mod imports;
#[cfg(feature = "ssr")]
pub mod jobs;
#[cfg(feature = "ssr")]
pub mod live;
#[cfg(feature = "ssr")]
mod low_priority;
#[cfg(feature = "ssr")]
pub mod mail;
#[cfg(feature = "ssr")]
pub mod metrics;
#[cfg(feature = "ssr")]
mod names;
#[cfg(feature = "ssr")]
pub mod ops;
#[cfg(feature = "ssr")]
pub mod outgoing;
#[cfg(feature = "ssr")]
pub mod richtext;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod state;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(all(test, feature = "ssr"))]
mod testing;

pub use error::{AppError, AppResult};
