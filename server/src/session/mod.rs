//! Sessions over HTTP: their cookies and their store, and the extractors of users and members.

mod extractors;
pub mod store;

pub use extractors::{
    Administers, Admitted, InRoom, Inside, OfMessage, Refusal, SignedIn, Visitor, is_read, is_refresh_due,
};
pub use store::{Session, sent_token_hash};
