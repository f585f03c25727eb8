//! What a caller may be told when something cannot be done. Details of a failure stay in the log.

use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};
use thiserror::Error;

/// The answer to something that cannot be done, worded for the person who asked.
///
/// As JSON `"not_found"`, or `{"conflict":"…"}` where there is something to add.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    #[error("Sign in to go on.")]
    SignedOut,
    #[error("You may not do that here.")]
    Forbidden,
    #[error("That does not exist, or not for you.")]
    NotFound,
    /// What was entered cannot be taken; one reason for each field concerned.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The thing changed, or the id was used for something else.
    #[error("{0}")]
    Conflict(String),
    #[error("Too many tries. Wait a few minutes, then try again.")]
    TooManyTries,
    /// Nothing is wrong with the request; the server cannot do it now. Trying again later is right.
    #[error("{0}")]
    Unavailable(String),
    /// The browser's own: no answer arrived, so nobody knows whether it was done.
    #[error("The server could not be reached.")]
    Unreachable,
    /// What went wrong is in the server's log. Also what an older page makes of an error that it does not know.
    #[error("Something went wrong on the server. Try again.")]
    #[serde(other)]
    Internal,
}

/// What may be returned to a caller.
pub type AppResult<T> = Result<T, AppError>;

impl AppError {
    /// One field with one reason.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.add(field, reason);
        Self::Invalid(errors)
    }

    /// The HTTP status that carries this answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict(_) => 409,
            Self::Invalid(_) => 422,
            Self::TooManyTries => 429,
            Self::Internal => 500,
            Self::Unavailable(_) | Self::Unreachable => 503,
        }
    }

    /// Whether the very same request may succeed later, so that it is worth keeping.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unreachable | Self::Internal | Self::TooManyTries)
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            // On the server it is the arguments that cannot be read, in the browser the answer.
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

/// Reasons by field, in the order they were found; at most one a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldErrors(Vec<(String, String)>);

impl FieldErrors {
    /// Notes `reason` at `field`, unless that field has one already.
    pub fn add(&mut self, field: &str, reason: impl Into<String>) {
        if self.get(field).is_none() {
            self.0.push((field.to_owned(), reason.into()));
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reason at `field`.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, reason)| reason.as_str())
    }

    /// Keeps the value of a good field, notes the reason of a bad one.
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

/// The one place where an internal failure is logged and blanked.
#[cfg(feature = "ssr")]
impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database refused");
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
    }

    #[test]
    fn every_error_is_understood_as_it_was_said() {
        for error in [
            AppError::SignedOut,
            AppError::Forbidden,
            AppError::NotFound,
            AppError::invalid("name", "Too short."),
            AppError::Conflict("taken".into()),
            AppError::TooManyTries,
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
    fn only_passing_failures_are_worth_another_try() {
        assert!(AppError::Unreachable.is_passing());
        assert!(AppError::Unavailable("later".into()).is_passing());
        assert!(!AppError::invalid("body", "Too long.").is_passing());
        assert!(!AppError::Conflict("used".into()).is_passing());
        assert!(!AppError::SignedOut.is_passing());
    }
}
