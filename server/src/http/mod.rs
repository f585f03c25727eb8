//! HTTP tools that every area uses: rendering, errors, forms, URLs, validators, and the listener.

pub mod csp;
pub mod errors;
pub mod etag;
pub mod form;
pub mod forwarded;
pub mod path;
pub mod render;
pub mod serve;
pub mod urls;
