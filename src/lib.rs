//! Campfire's domain: what a team chat is, without a word of HTTP or HTML pages.
//!
//! `model`, `protocol` and `error` compile for the server and for the browser. Everything behind `ssr` runs on the
//! server alone, and each layer knows only the next: `ops` → `store`, and back `ops` → `live`.

pub mod error;
pub mod model;
pub mod protocol;

#[cfg(feature = "ssr")]
pub mod auth;
#[cfg(feature = "ssr")]
pub mod cache;
#[cfg(feature = "ssr")]
pub mod changes;
#[cfg(feature = "ssr")]
pub mod clock;
#[cfg(feature = "ssr")]
pub mod emoji;
#[cfg(feature = "ssr")]
pub mod live;
#[cfg(feature = "ssr")]
pub mod ops;
#[cfg(feature = "ssr")]
pub mod passwords;
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
#[cfg(feature = "ssr")]
mod threads;

pub use error::{AppError, AppResult};
