//! Sessions over HTTP: their cookies and tokens, and the extractors of users and members.

mod extractors;
pub mod store;
mod token;

pub use extractors::{
    Administers, Admitted, InRoom, Inside, OfMessage, Refusal, SignedIn, Visitor, is_read, is_refresh_due,
};
pub use store::Session;
