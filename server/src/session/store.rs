//! The session store of tower-sessions on the `sessions` table.
//!
//! Only signed-in browsers have a session. The token of the cookie is stored as its SHA-256 hash: a leaked database
//! contains no usable tokens.

use std::collections::HashMap;
use std::fmt;

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use campfire::model::UserId;
use campfire::ops::sessions::SessionActivity;
use campfire::state::AppState;
use campfire::{AppError, ops};
use sha2::{Digest, Sha256};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore, session_store};

use crate::http::errors::PageError;

/// How long an inactive browser stays signed in, in days: the maximum age of cookies in browsers (RFC 6265bis, section 5.5).
const MAX_AGE_DAYS: i64 = 400;

/// The cookie with the session's token.
const COOKIE: &str = "session_token";

/// The keys of a session record's data.
const USER_ID: &str = "user_id";
const IP_ADDRESS: &str = "ip_address";
const USER_AGENT: &str = "user_agent";

/// The layer that reads and sets the session cookie.
#[must_use]
pub fn layer(state: &AppState) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions { state: state.clone() })
        .with_name(COOKIE)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        // `security::headers` adds the attribute if the request came over TLS.
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(MAX_AGE_DAYS)))
}

/// Signs a user in: ends the session that the browser had, if any, and begins one with a new token (against session
/// fixation).
///
/// # Errors
/// `Unavailable` when the database fails.
pub async fn begin(session: &Session, user_id: UserId, ip_address: &str, user_agent: &str) -> Result<(), AppError> {
    if session.id().is_some() {
        session.flush().await.map_err(failed)?;
    }
    session.insert(USER_ID, user_id).await.map_err(failed)?;
    refresh(session, ip_address, user_agent).await
}

/// Stores the activity of a session, and sends its cookie again with a new expiry.
///
/// # Errors
/// `Unavailable` when the database fails.
pub async fn refresh(session: &Session, ip_address: &str, user_agent: &str) -> Result<(), AppError> {
    session.insert(IP_ADDRESS, ip_address).await.map_err(failed)?;
    session.insert(USER_AGENT, user_agent).await.map_err(failed)?;
    // Marks the session as modified even if address and user agent are the same.
    session.set_expiry(Some(Expiry::OnInactivity(Duration::days(MAX_AGE_DAYS))));
    Ok(())
}

/// Ends the session of the browser.
///
/// # Errors
/// `Unavailable` when the database fails.
pub async fn end(session: &Session) -> Result<(), AppError> {
    session.flush().await.map_err(failed)
}

/// Replaces the empty response with which tower-sessions reports that it could not save a session.
pub async fn explain_failure(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_unexplained = response.status() == StatusCode::INTERNAL_SERVER_ERROR && response.body().is_end_stream();
    if is_unexplained { PageError(unavailable()).into_response() } else { response }
}

/// The token in the session cookie, if there is exactly one.
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<Id> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut tokens = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim_start().strip_prefix(COOKIE)?.strip_prefix('='));
    let token = tokens.next()?.trim_end().parse().ok()?;
    // Which of two cookies counts is left to the session layer.
    tokens.next().is_none().then_some(token)
}

/// The SHA-256 hash of a token, under which its session is stored.
#[must_use]
pub fn token_hash(id: Id) -> [u8; 32] {
    Sha256::digest(id.0.to_be_bytes()).into()
}

fn failed(error: tower_sessions::session::Error) -> AppError {
    tracing::error!(%error, "the session could not be read or written");
    unavailable()
}

fn unavailable() -> AppError {
    AppError::Unavailable("The server cannot save anything now. Try again later.".into())
}

/// The sessions in the database.
#[derive(Clone)]
pub struct Sessions {
    state: AppState,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// The hash of a record's token, and the activity that it stores.
    fn activity(&self, record: &Record) -> session_store::Result<([u8; 32], SessionActivity)> {
        let text = |key: &str| record.data.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let Some(user_id) = record.data.get(USER_ID).and_then(serde_json::Value::as_i64) else {
            return Err(session_store::Error::Backend("a session has no user".to_owned()));
        };
        let activity = SessionActivity {
            user_id: UserId(user_id),
            ip_address: text(IP_ADDRESS),
            user_agent: text(USER_AGENT),
            last_active_at: self.state.clock.now_ms(),
            expires_at: record.expiry_date.unix_timestamp().saturating_mul(1_000),
        };
        Ok((token_hash(record.id), activity))
    }
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // Never adopt the token that the browser sent: an attacker may have planted it (session fixation).
        record.id = Id::default();
        let (token_hash, activity) = self.activity(record)?;
        ops::sessions::begin(&self.state, token_hash, activity).await.map_err(backend)
    }

    /// Stores the activity of a live session; one that has ended meanwhile stays ended.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let (token_hash, activity) = self.activity(record)?;
        ops::sessions::refresh(&self.state, token_hash, activity).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let session = ops::sessions::find(&self.state, &token_hash(*id)).await.map_err(backend)?;
        Ok(session.map(|session| Record {
            id: *id,
            data: HashMap::from([
                (USER_ID.to_owned(), session.user_id.0.into()),
                (IP_ADDRESS.to_owned(), session.ip_address.into()),
                (USER_AGENT.to_owned(), session.user_agent.into()),
            ]),
            expiry_date: OffsetDateTime::from_unix_timestamp(session.expires_at / 1_000)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        ops::sessions::end(&self.state, token_hash(*id)).await.map_err(backend)
    }
}

fn backend(error: AppError) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
