//! Errors that may be returned to a client. Details of an internal failure go to the log only.

use serde::{Deserialize, Serialize};
use server_fn::error::{FromServerFnError, ServerFnErrorErr};
use thiserror::Error;

use crate::protocol::JsonText;

/// An error with a message for the user. Its `Display` is that message.
///
/// Serialised as `"not_found"`, or as `{"conflict":"…"}` for variants with a value.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    /// The request has no live session of an active user.
    #[error("Sign in to go on.")]
    SignedOut,
    /// The user can see the subject and may not do this with it.
    #[error("You may not do that here.")]
    Forbidden,
    /// The subject does not exist, or the user may not see it.
    #[error("That does not exist, or not for you.")]
    NotFound,
    /// Rejected input, with one reason per field.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The subject has changed, or the id or name is in use.
    #[error("{0}")]
    Conflict(String),
    /// The request is not one that can be understood.
    #[error("{0}")]
    Malformed(String),
    /// More than is taken at once.
    #[error("{0}")]
    TooLarge(String),
    /// The disk is full.
    #[error("{0}")]
    NoSpace(String),
    /// A rate limit was exceeded: the number of seconds to wait.
    #[error("That was too much in a short time. Wait {0} s, then try again.")]
    TooManyTries(u32),
    /// The server cannot do it now: the same request may succeed later.
    #[error("{0}")]
    Unavailable(String),
    /// Only in the browser: no response arrived, so it is unknown whether the request was executed.
    #[error("The server could not be reached.")]
    Unreachable,
    /// An internal failure, whose details are in the server's log. An older page also deserialises unknown variants as
    /// this.
    #[error("Something went wrong on the server. Try again.")]
    #[serde(other)]
    Internal,
}

/// A result whose error may be returned to a client.
pub type AppResult<T> = Result<T, AppError>;

impl AppError {
    /// `Invalid` with one reason for one field.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.add(field, reason);
        Self::Invalid(errors)
    }

    /// `TooManyTries` with the time to wait, in milliseconds, as whole seconds.
    #[must_use]
    pub fn too_many_tries(wait_ms: i64) -> Self {
        Self::TooManyTries(u32::try_from((wait_ms + 999) / 1_000).unwrap_or(u32::MAX))
    }

    /// The number of seconds after which the same request may succeed: the value of `Retry-After`.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::TooManyTries(seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// The HTTP status of a response with this error.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict(_) => 409,
            Self::Malformed(_) => 400,
            Self::TooLarge(_) => 413,
            Self::Invalid(_) => 422,
            Self::TooManyTries(_) => 429,
            Self::Internal => 500,
            Self::Unavailable(_) | Self::Unreachable => 503,
            Self::NoSpace(_) => 507,
        }
    }

    /// Whether the same request may succeed later, so that it should be retried.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unreachable | Self::Internal | Self::TooManyTries(_))
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            // On the server this concerns the arguments of the call, in the browser its response.
            ServerFnErrorErr::Deserialization(_) if cfg!(feature = "ssr") => {
                Self::invalid("request", "The request could not be read.")
            }
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::Unreachable
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::invalid("request", "The request could not be read.")
            }
            _ => Self::Internal,
        }
    }
}

/// Reasons by field, in the order in which they were added; at most one per field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldErrors(Vec<(String, String)>);

impl FieldErrors {
    /// Adds `reason` for `field`, unless the field has one already.
    pub fn add(&mut self, field: &str, reason: impl Into<String>) {
        if self.get(field).is_none() {
            self.0.push((field.to_owned(), reason.into()));
        }
    }

    /// Whether no field has a reason.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reason for `field`.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, reason)| reason.as_str())
    }

    /// The same reasons, with that of one field at another one.
    #[must_use]
    pub fn moved(mut self, from: &str, to: &str) -> Self {
        for (field, _) in self.0.iter_mut().filter(|(field, _)| field == from) {
            to.clone_into(field);
        }
        self
    }

    /// Returns a parsed value; for an error adds its reasons and returns `None`. An error other than `Invalid` is added
    /// for the field `form`.
    pub fn take<T>(&mut self, parsed: AppResult<T>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(AppError::Invalid(errors)) => {
                for (field, reason) in errors.0 {
                    self.add(&field, reason);
                }
                None
            }
            Err(other) => {
                self.add("form", other.to_string());
                None
            }
        }
    }
}

impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reasons: Vec<_> = self.0.iter().map(|(_, reason)| reason.as_str()).collect();
        f.write_str(&reasons.join(" "))
    }
}

/// The one place where an internal failure is logged and replaced by an error without details.
#[cfg(feature = "ssr")]
impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "a database call failed");
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i32>().ok());
        // Primary result codes, https://sqlite.org/rescode.html; extended ones carry them in the low byte.
        match code.map(|code| code & 0xff) {
            Some(13) => Self::Unavailable("The server's disk is full, so nothing was saved. Try again later.".into()),
            Some(8) => {
                Self::Unavailable("The database is read-only now, so nothing was saved. Try again later.".into())
            }
            Some(5 | 6 | 10) => {
                Self::Unavailable("The database did not answer, so nothing was saved. Try again.".into())
            }
            _ if matches!(error, sqlx::Error::PoolTimedOut) => {
                Self::Unavailable("The server is very busy. Try again in a moment.".into())
            }
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_keeps_its_first_reason() {
        let mut errors = FieldErrors::default();
        errors.add("name", "Too short.");
        errors.add("name", "Too odd.");
        assert_eq!(errors.get("name"), Some("Too short."));
        assert_eq!(errors.get("password"), None);
        let moved = errors.moved("name", "other_name");
        assert_eq!((moved.get("name"), moved.get("other_name")), (None, Some("Too short.")));
    }

    #[test]
    fn every_error_is_deserialised_as_it_was_serialised() {
        for error in [
            AppError::SignedOut,
            AppError::Forbidden,
            AppError::NotFound,
            AppError::invalid("name", "Too short."),
            AppError::Conflict("taken".into()),
            AppError::Malformed("odd".into()),
            AppError::TooLarge("long".into()),
            AppError::NoSpace("full".into()),
            AppError::TooManyTries(3),
            AppError::Unavailable("later".into()),
            AppError::Internal,
            AppError::Unreachable,
        ] {
            let json = serde_json::to_string(&error).unwrap();
            assert_eq!(serde_json::from_str::<AppError>(&json).unwrap(), error, "{json}");
        }
        assert!(serde_json::from_str::<AppError>(r#"{"error":"invalid"}"#).is_err());
    }

    #[test]
    fn only_transient_errors_are_retried() {
        assert!(AppError::Unreachable.is_transient());
        assert!(AppError::Unavailable("later".into()).is_transient());
        assert!(!AppError::invalid("body", "Too long.").is_transient());
        assert!(!AppError::Conflict("used".into()).is_transient());
        assert!(!AppError::SignedOut.is_transient());
    }
}
