//! HTTP tools that all areas use: rendering, errors, forms, URLs, validators, embedded assets, and the listener.

pub mod admission;
pub mod assets;
pub mod body;
pub mod cookies;
pub mod csp;
pub mod encoding;
pub mod errors;
pub mod etag;
pub mod form;
pub mod forwarded;
pub mod limits;
pub mod multipart;
pub mod page_context;
pub mod path;
pub mod prefetch;
pub mod range;
mod refusals;
pub mod render;
pub mod serve;
pub mod stream;
pub mod time_zone;
pub mod urls;
pub mod user_agent;
