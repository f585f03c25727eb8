//! Mail that is to be sent.

use serde::{Deserialize, Serialize};

use super::UserId;

/// A mail, without what only its sending decides: links are made then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case")]
pub enum Mail {
    /// A link by which whoever has this address sets another password, if somebody has it.
    PasswordReset {
        /// The address as it was entered.
        email_address: String,
        /// When it was requested, in milliseconds since the epoch.
        requested_at: i64,
    },
    /// The link by which people join.
    Invitation {
        /// The address.
        email_address: String,
        /// The user who invites.
        user_id: UserId,
    },
}
