//! Middleware of all routes.

pub mod compression;
pub mod first_run;
pub mod frame;
pub mod front;
pub mod page_cache;
pub mod page_context;
pub mod security;
